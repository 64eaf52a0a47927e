"""A judge on loopback for tests: a real HTTP server in a thread of its own, and answers to judge."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eval.judge.asks import Ask, Judgment
from eval.judge.endpoint import Endpoint
from eval.judge.run import judge
from tests.rephrase.completions import Completions, Mood, Said, up

SYSTEM = "あなたは公平な採点者です。金融の質問への回答を1から10で採点し、[[n]]の形で書いてください。"
KEY = "sk-a-key-of-these-tests/0123456789"


def reply(text: str = "根拠が明快です。評価: [[7]]", finish: str = "stop", **message: Any) -> Said:
    """Return a chat completion that says ``text``."""
    choice = {
        "index": 0,
        "finish_reason": finish,
        "message": {"role": "assistant", "content": text, **message},
    }
    usage = {"prompt_tokens": 120, "completion_tokens": 30}
    return Said({"model": "judge-2026-10-01", "choices": [choice], "usage": usage})


def first(count: int, said: Said) -> Mood:
    """Return a mood that says one thing to the first requests and judges all others."""
    return lambda _body, number: said if number <= count else reply()


def asks(count: int, *, answer: str = "日本銀行は金融政策決定会合で政策金利を据え置きました。") -> list[Ask]:
    """Return so many answers to judge."""
    return [
        Ask(
            f"q{n}",
            1,
            SYSTEM,
            f"[質問]\n第{n}問: 政策金利はどうなりましたか。\n[回答]\n{answer}",
            answer=answer,
        )
        for n in range(count)
    ]


@contextmanager
def served(mood: Mood = lambda _body, _number: reply(), latency: float = 0.0) -> Iterator[Completions]:
    """Serve in a thread until left; the server tells what it was asked."""
    server, loop, ready, over = (
        Completions(mood, latency),
        asyncio.new_event_loop(),
        threading.Event(),
        asyncio.Event(),
    )

    async def forever() -> None:
        async with up(server):
            ready.set()
            await over.wait()
            under_way = asyncio.all_tasks() - {asyncio.current_task()}
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
            await asyncio.sleep(0.01)  # in which closed connections come to their end

    thread = threading.Thread(target=loop.run_until_complete, args=(forever(),))
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


def endpoint(server: Completions, **options: Any) -> Endpoint:
    """Return the server as a judge, with waits that a test can bear."""
    return Endpoint(
        url=server.address, model="judge", **{"first_wait_s": 0.01, "longest_wait_s": 0.05, **options}
    )


def judged(
    server: Completions, cache: Path, wanted: Sequence[Ask], lines: list[str] | None = None, **options: Any
) -> list[Judgment]:
    """Judge over a file in ``cache``."""
    said: list[str] = [] if lines is None else lines
    return judge(wanted, endpoint(server, **options), cache / "judgments.db", say=said.append)


def asked(server: Completions) -> list[str]:
    """Return what was sent, as texts that compare."""
    return [json.dumps(body, ensure_ascii=False, sort_keys=True) for body in server.bodies]
