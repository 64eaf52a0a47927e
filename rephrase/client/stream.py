"""Replies to the prompts of one list, each as soon as it is there, out of the events of a streamed completion."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from datacards.endpoints.answers import count, told, whole
from rephrase.client.answers import scores
from rephrase.requests import Reply, Request


class Stream:
    """The server-sent events of one ``/v1/completions`` request (WHATWG HTML, 9.2, as far as OpenAI servers use them).

    vLLM sends two for each prompt, its first token and all others, in any order among prompts, with the tokens of that
    prompt so far. An event that cannot be read is left out; so is all that comes after a choice has ended.
    """

    def __init__(self, asked: Sequence[Request]) -> None:
        self.trouble = ""  # what the server said instead of the rest
        self._asked = asked
        self._texts: list[list[str]] = [[] for _ in asked]
        self._scores: list[Mapping[str, float]] = [{} for _ in asked]
        self._open = [True] * len(asked)

    def feed(self, data: bytes) -> list[tuple[int, Reply]]:
        """Take whole lines; return the replies that they complete, with the places of their prompts."""
        lines = [line[5:].strip() for line in data.split(b"\n") if line.startswith(b"data:")]
        return [found for line in lines for found in self._event(line)]

    def _event(self, data: bytes) -> list[tuple[int, Reply]]:
        if data == b"[DONE]":
            return []
        try:
            said = json.loads(data.decode())
        except (ValueError, RecursionError):
            return []
        if not isinstance(said, dict):
            return []
        if said.get("error"):
            self.trouble = told(data)
            return []
        choices, usage = said.get("choices"), said.get("usage")
        found = []
        for choice in choices if isinstance(choices, list) else ():
            at = choice.get("index") if isinstance(choice, dict) else None
            if type(at) is int and 0 <= at < len(self._asked) and self._open[at]:
                found += self._part(at, choice, usage if isinstance(usage, dict) else {})
        return found

    def _part(self, at: int, choice: Mapping[str, Any], usage: Mapping[str, Any]) -> list[tuple[int, Reply]]:
        if isinstance(text := choice.get("text"), str):
            self._texts[at].append(text)
        if choice.get("logprobs") and not self._scores[at]:  # of the first place, which comes first
            self._scores[at] = scores(choice["logprobs"], self._asked[at].sampling)
        reason = choice.get("finish_reason")
        if not isinstance(reason, str):
            return []
        self._open[at] = False
        text = whole("".join(self._texts[at]))
        into, out = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
        return [(at, Reply(text, reason, into, out, self._scores[at]))]
