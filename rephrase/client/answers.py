"""What comes back: the bytes of an answer become replies in the order of the prompts, whatever a server sends."""

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

from datacards.endpoints.answers import ForeignError, count, parsed, told, whole
from rephrase.requests import LENGTH, Reply, Request, Sampling

_MOST_SCORE = 1e9  # of a log-probability; JSON has integers that no float holds
_ID = "token_id:"  # how vLLM writes a token for ``return_tokens_as_token_ids``


def replies(body: bytes, asked: Sequence[Request]) -> list[Reply | None]:
    """Return one Reply for each of ``asked``; None where the answer holds no choice for it, or two.

    Choices are told apart by their ``index``, in whatever order they come. ``usage`` counts the tokens of all prompts
    together: of several they are shared out by length (a reply that was cut off has ``max_tokens``), so that the sum
    is exact and each part is approximate. Raises BrokenError or ForeignError.
    """
    said = parsed(body)
    choices = said.get("choices")
    if not isinstance(choices, list):
        raise ForeignError(told(body) or "it holds no choices")
    found = _placed(choices, len(asked))
    texts = [None if choice is None else _text(choice) for choice in found]
    usage = said.get("usage")
    into, out = _tokens(usage if isinstance(usage, dict) else {}, asked, found, texts)
    made: list[Reply | None] = []
    for at, (request, choice, text) in enumerate(zip(asked, found, texts, strict=True)):
        if choice is None or text is None:
            made.append(None)
            continue
        reason = choice.get("finish_reason")
        logprobs = choice.get("logprobs")
        found_scores = scores(logprobs, request.sampling) if logprobs else {}
        made.append(Reply(text, reason if isinstance(reason, str) else "", into[at], out[at], found_scores))
    return made


def _placed(choices: list[Any], prompts: int) -> list[dict[str, Any] | None]:
    found: list[dict[str, Any] | None] = [None] * prompts
    known = [choice for choice in choices if isinstance(choice, dict)]
    if prompts == 1:  # several choices for one prompt were not asked for: any is as good as another
        return [known[0] if known else None]
    twice = set()
    for choice in known:
        at = choice.get("index")
        if type(at) is not int or not 0 <= at < prompts:
            continue
        if found[at] is not None:
            twice.add(at)
        found[at] = choice
    return [None if at in twice else choice for at, choice in enumerate(found)]


def _text(choice: Mapping[str, Any]) -> str | None:
    """Return the text of a choice; None when there is none. A chat that refuses has no content, and says nothing."""
    message = choice.get("message")
    text = message.get("content") or "" if isinstance(message, dict) else choice.get("text")
    return whole(text) if isinstance(text, str) else None


def _tokens(
    usage: Mapping[str, Any],
    asked: Sequence[Request],
    found: Sequence[Mapping[str, Any] | None],
    texts: Sequence[str | None],
) -> tuple[list[int], list[int]]:
    """Return the tokens that went in and came out, for each prompt."""
    into, out = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    if len(asked) == 1:
        return [into], [out]
    lengths = [len(text or "") for text in texts]
    cut = [
        request.sampling.max_tokens if choice and choice.get("finish_reason") == LENGTH else 0
        for request, choice in zip(asked, found, strict=True)
    ]
    if not 0 < sum(cut) <= out:
        cut = [0] * len(asked)
    rest = shared(
        out - sum(cut), [0 if known else size + 1 for known, size in zip(cut, lengths, strict=True)]
    )
    return (
        shared(into, [len(request.prompt) + 1 for request in asked]),
        [known or part for known, part in zip(cut, rest, strict=True)],
    )


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """Share ``total`` out by ``weights``, in whole numbers whose sum is ``total`` (all 0 when the weights are)."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    return [b - a for a, b in pairwise(total * part // whole for part in (0, *accumulate(weights)))]


def scores(logprobs: Any, sampling: Sampling) -> dict[str, float]:
    """Return the log-probabilities at the first generated place, by the texts of ``scored``; missing ones are left out."""
    found = _first_place(logprobs)
    names = sampling.scored or tuple(map(str, sampling.logprob_token_ids))
    if sampling.logprob_token_ids and any(token.startswith(_ID) for token in found):
        pairs = [(n, f"{_ID}{i}") for n, i in zip(names, sampling.logprob_token_ids, strict=False)]
        return {name: found[token] for name, token in pairs if token in found}
    bare: dict[str, float] = {}
    for token, value in found.items():  # a word that starts with a space is the same answer
        bare[token.strip()] = max(value, bare.get(token.strip(), -math.inf))
    best = {name: found.get(name, bare.get(name.strip())) for name in names}
    return {name: value for name, value in best.items() if value is not None}


def _first_place(logprobs: Any) -> dict[str, float]:
    """Return token -> log-probability of the first place, in the form of a completion or of a chat."""
    if not isinstance(logprobs, dict):
        return {}
    places = logprobs.get("content") or logprobs.get("top_logprobs")
    first = places[0] if isinstance(places, list) and places else None
    if not isinstance(first, dict):
        return {}
    pairs: list[tuple[Any, Any]] = list(first.items())
    if "content" in logprobs:
        rows = [first, *(first.get("top_logprobs") or [])]
        pairs = [(row.get("token"), row.get("logprob")) for row in rows if isinstance(row, dict)]
    return {
        t: float(v)
        for t, v in pairs
        if isinstance(t, str) and isinstance(v, int | float) and abs(v) < _MOST_SCORE  # no NaN is
    }
