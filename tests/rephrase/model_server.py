"""A small OpenAI-compatible server in a process of its own, whose "model" reads amounts out of the passage.

``python -m tests.rephrase.model_server PORT [--latency S]``. It answers few-shot prompts of questions and of round
trips by what the last passage says, the same way every time, and counts prompts at ``/count``.
"""

import argparse
import asyncio
import hashlib
import re
from typing import Any

from aiohttp import web

_SAID = re.compile(r"([^\s。、#:：]{2,20})は([0-9,]+百万円)でした")
_TERM = re.compile(r"# ([^\n]+)\n+([^\n]+をいいます|[^\n]+のことです)")
_ASKED = re.compile(r"Q: (.+)")


def answer(prompt: str) -> str:
    """Return what the model writes after a prompt: good replies, now and then a number that is not there."""
    passage = prompt.rpartition("### 文書")[2].partition("### 問題")[0]
    amounts, term = _SAID.findall(passage), _TERM.search(passage)
    question = prompt.rpartition("### 問題")[2]
    drawn = hashlib.sha256(prompt.encode()).digest()[0]
    if asked := _ASKED.findall(question):  # a round trip: it stands there already, behind examples of letters
        if "A)" in question:
            return _letter(question.rpartition("Q: ")[2], asked[-1], amounts)
        return next((f" {amount}\n" for name, amount in amounts if name in asked[-1]), " わかりません。\n")
    if not prompt.endswith("Q:"):
        lines = passage.partition("\n### ")[0].split("\n")
        said = [line.replace("でした。", "となっています。") for line in lines if line]
        return "".join(reversed(said[1:])) + "\n\n### "
    if not amounts:
        word = term[1] if term else "用語"
        return f" {word}とは何ですか。\nA: {term[2] if term else '説明です'}。\n\n### "
    name, amount = amounts[drawn % len(amounts)]
    if drawn % 5 == 0:
        amount = "98,765百万円"
    wrong = "".join(f"X: {int(amount[:-3].replace(',', '')) + 17 * n:,}百万円\n" for n in (1, 2, 3))
    if "\nX: " in prompt:
        return f" {name}はいくらでしたか。\nO: {amount}\n{wrong}\n### "
    return f" {name}はいくらでしたか。\nA: {amount}\n\n### "


def _letter(question: str, asked: str, amounts: list[tuple[str, str]]) -> str:
    right = next((amount for name, amount in amounts if name in asked), "")
    return next((letter for letter in "ABCD" if f"{letter}) {right}\n" in question), "D")


def main() -> None:
    """Serve until the process ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--latency", type=float, default=0.0)
    said = parser.parse_args()
    counted = {"prompts": 0}

    async def completions(request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
        await asyncio.sleep(said.latency)
        counted["prompts"] += len(prompts)
        choices = [_choice(place, prompt, body) for place, prompt in enumerate(prompts)]
        tokens = sum(len(choice["text"]) for choice in choices)
        usage = {"prompt_tokens": sum(map(len, prompts)), "completion_tokens": tokens}
        return web.json_response({"object": "text_completion", "choices": choices, "usage": usage})

    async def models(_: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "tiny", "max_model_len": 4096}]})

    async def count(_: web.Request) -> web.Response:
        return web.json_response(counted)

    app = web.Application(client_max_size=1 << 26)
    app.add_routes([
        web.post("/v1/completions", completions), web.get("/v1/models", models),
        web.get("/health", count), web.get("/count", count),
    ])  # fmt: skip
    web.run_app(app, host="127.0.0.1", port=said.port, print=None)


def _choice(place: int, prompt: str, body: dict[str, Any]) -> dict[str, Any]:
    text = answer(prompt)
    for stop in body.get("stop") or []:
        text = text.partition(stop)[0]
    return {"index": place, "text": text[: body["max_tokens"] * 2], "finish_reason": "stop", "logprobs": None}


if __name__ == "__main__":
    main()
