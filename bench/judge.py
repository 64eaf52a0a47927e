"""Judging through a real OpenAI-compatible server with faults before it, a kill in the middle, and what it took.

``python -m bench.judge [--answers 200] [--concurrency 16] [--url URL --model NAME]`` starts a vLLM server on the CPU with a
tiny random model whose replies are held to a form by a regular expression, or takes any endpoint (its key from
``OPENAI_API_KEY``), and puts a proxy before it that answers 429 and 500, breaks connections, cuts answers, refuses, and
leaves scores out, each for a share of the requests. N answers are judged by a process that is killed when half of the
requests were sent, by one that goes on, and by one that finds all of them there; then once more without faults, beside
the ``openai`` client with as many requests under way (AsyncOpenAI, and OpenAI in a pool of threads), which keeps nothing.

``judgments_per_s``, ``ratio_openai``, ``ratio_openai_threads``
    Without faults, and how often the peers' speed fits into ours.
``sent``, ``paid``, ``needed``
    Requests in all runs with faults; those that the server answered; and the different ones among these (further attempts
    where a reply held no score are different requests). ``paid_twice`` is ``paid`` - ``needed``: answers that were spoiled
    on the way, refused, or under way at the kill (at most ``concurrency``), and nothing else.
``cached_share``
    Of the judgments of the third process; it sends nothing.
``cost_estimated``, ``cost_counted``
    Of the run without faults, at 2.5 and 10 USD per million tokens: low, likely and high as told beforehand, and by the
    server's count. ``cost_learned`` is the estimate for as many other answers once these are judged.
"""

import asyncio
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click
from openai import APIError, AsyncOpenAI, OpenAI
from rich.console import Console
from rich.table import Table

from bench.measures import faulty_proxy, vllm_server
from bench.measures.random_mistral import make
from eval.judge.asks import Ask, Judgment
from eval.judge.endpoint import Endpoint
from eval.judge.estimate import estimate
from eval.judge.reading import rating
from eval.judge.run import judge
from rephrase.generators import cpu

SYSTEM = "あなたは公平な採点者です。利用者の質問に対する回答の品質を評価し、短い講評のあとに [[評点]] の形で1から10の評点を書きます。"
QUESTION = "金利が上昇すると、既に発行された固定利付債の価格はどうなりますか。理由も述べてください。"
ANSWER = (
    "市場金利が上がると、新しく発行される債券の利率が高くなるため、低い利率の既発債は見劣りし、価格は下がります。"
    "反対に金利が下がれば価格は上がります。残存期間が長い債券ほど、値動きは大きくなります。"
)
#: About as long as the judgments of a large model.
FORM = "((よい|ふつう|わるい)(回答|説明)です。){20}" + r"評点: \[\[(10|[1-9])\]\]"
PRICES: dict[str, Any] = {"price_in": 2.5, "price_out": 10.0}
CHAT = "{%- for m in messages -%}{{ m.content + '\n' }}{%- endfor -%}"


def asks(count: int, salt: str = "") -> list[Ask]:
    """Return so many answers to one question."""
    texts = [f"{ANSWER}(回答{salt}{n})" for n in range(count)]
    return [
        Ask(f"q{n}", 1, SYSTEM, f"[質問]\n{QUESTION}\n\n[回答]\n{text}", answer=text)
        for n, text in enumerate(texts)
    ]


@contextmanager
def tiny_server(folder: Path) -> Iterator[str]:
    """Serve a tiny model with random weights by vLLM on the CPU."""
    make(folder / "model", tiny=True)
    (folder / "chat.jinja").write_text(CHAT, encoding="utf-8")
    flags = (
        "--model", str(folder / "model"), "--served-model-name", "tiny-judge", "--load-format", "dummy",
        "--chat-template", str(folder / "chat.jinja"), "--max-model-len", "2048", *cpu.FLAGS,
    )  # fmt: skip
    environment = {**os.environ, **cpu.ENVIRONMENT, "HF_HUB_OFFLINE": "1"}
    with vllm_server.serving(flags, environment, folder, 600) as address:
        yield f"{address}/v1"


def _child(pipe: Connection, options: dict[str, Any], cache: Path, wanted: Sequence[Ask]) -> None:
    os.environ.pop("OPENAI_API_KEY", None)  # the proxy has it
    lines: list[str] = []
    start = time.perf_counter()
    found = judge(wanted, Endpoint(**options), cache, say=lines.append)
    pipe.send((found, time.perf_counter() - start, lines))


def run(
    options: dict[str, Any], cache: Path, wanted: Sequence[Ask], kill: Callable[[], None] | None = None
) -> tuple[list[Judgment], float, list[str]]:
    """Judge in a process of its own, which is killed once ``kill`` returns; then nothing comes back."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(theirs, options, cache, wanted))
    process.start()
    theirs.close()
    if kill and process.pid:
        kill()
        os.kill(process.pid, signal.SIGKILL)
    try:
        return ours.recv()
    except EOFError:
        if not kill:
            raise SystemExit("the process that judges failed") from None
        return [], 0.0, []
    finally:
        process.join()


async def peer(options: dict[str, Any], wanted: Sequence[Ask]) -> float:
    """Judge with AsyncOpenAI, which asks again twice by itself; return judgments per second."""
    judge_ = Endpoint(**options)
    room = asyncio.Semaphore(judge_.concurrency)
    client = AsyncOpenAI(base_url=judge_.url, api_key="none", timeout=judge_.timeout_s)

    async def one(ask: Ask) -> float | None:
        async with room:
            try:
                said = await client.chat.completions.create(**fields(judge_, ask))
            except APIError:
                return None
            return rating(said.choices[0].message.content or "")

    async with client:
        await client.chat.completions.create(**fields(judge_, wanted[0]))
        start = time.perf_counter()
        await asyncio.gather(*map(one, wanted))
        return len(wanted) / (time.perf_counter() - start)


def threads(options: dict[str, Any], wanted: Sequence[Ask]) -> float:
    """Judge with OpenAI in a pool of threads; return judgments per second."""
    judge_ = Endpoint(**options)
    with OpenAI(base_url=judge_.url, api_key="none", timeout=judge_.timeout_s) as client:

        def one(ask: Ask) -> float | None:
            said = client.chat.completions.create(**fields(judge_, ask))
            return rating(said.choices[0].message.content or "")

        one(wanted[0])
        start = time.perf_counter()
        with ThreadPoolExecutor(judge_.concurrency) as pool:
            list(pool.map(one, wanted))
        return len(wanted) / (time.perf_counter() - start)


def fields(endpoint: Endpoint, ask: Ask) -> dict[str, Any]:
    """Return the arguments of the openai client for the first attempt."""
    said = {"model": endpoint.model, "messages": ask.messages, "max_tokens": endpoint.max_tokens}
    return {**said, "temperature": endpoint.temperatures[0], "extra_body": endpoint.extra}


def with_faults(proxy: str, options: dict[str, Any], cache: Path, wanted: Sequence[Ask]) -> dict[str, Any]:
    """Judge with faults, killed once, resumed, run again, and with one character changed."""
    faulty_proxy.faults(proxy, faulty_proxy.FAULTS)
    half = len(wanted) // 2
    run(options, cache, wanted, lambda: faulty_proxy.until(proxy, half, time.monotonic() + 600))
    time.sleep(2.0)  # the server ends what was under way
    before = faulty_proxy.seen(proxy)
    found, seconds, _ = run(options, cache, wanted)
    after = faulty_proxy.seen(proxy)
    again, _, _ = run(options, cache, wanted)
    changed = [replace(wanted[0], prompt=wanted[0].prompt + "。"), *wanted[1:]]
    faulty_proxy.faults(proxy, {})
    partly, _, _ = run(options, cache, changed)
    return {
        "sent": after["requests"], "paid": after["paid"], "needed": after["different"],
        "paid_twice": after["paid"] - after["different"], "sent_before_kill": before["requests"],
        "faults": after["faults"], "seconds_after_kill": round(seconds, 2),
        "failures": dict(Counter(one.failure for one in found if one.failure)),
        "scored": sum(one.score is not None for one in found),
        "cached_share": sum(one.cached for one in again) / len(again),
        "judged_again_after_one_character": sum(not one.cached for one in partly),
        "sent_after_one_character": faulty_proxy.seen(proxy)["requests"],
    }  # fmt: skip


def without_faults(proxy: str, options: dict[str, Any], cache: Path, wanted: Sequence[Ask]) -> dict[str, Any]:
    """Judge without faults beside the peers, and hold the estimate against what was counted."""
    count, priced = len(wanted), Endpoint(**options, **PRICES)
    told = estimate(wanted, priced)
    rates: dict[str, list[float]] = {"ours": [], "openai": [], "threads": []}
    for turn in range(3):  # in turns, and their best, since others use the machine too
        fresh = asks(count, f"{turn}-")
        faulty_proxy.faults(proxy, {})
        _, seconds, _ = run(options, cache.with_name(f"{turn}.db"), fresh)
        counted = faulty_proxy.seen(proxy)
        rates["ours"].append(count / seconds)
        rates["openai"].append(asyncio.run(peer(options, asks(count, f"{turn}a"))))
        rates["threads"].append(threads(options, asks(count, f"{turn}b")))
    learned = estimate(asks(count, "neu"), priced, cache.with_name("0.db"))
    best = {name: max(found) for name, found in rates.items()}
    return {
        "judgments_per_s": round(best["ours"], 1),
        "ratio_openai": round(best["ours"] / best["openai"], 2),
        "ratio_openai_threads": round(best["ours"] / best["threads"], 2),
        "cost_estimated": [round(one, 4) for one in told.cost],
        "cost_counted": round(priced.cost(counted["tokens_in"], counted["tokens_out"]), 4),
        "cost_learned": [round(one, 4) for one in learned.cost],
    }


@click.command()
@click.option("--answers", default=200, show_default=True, help="Answers to judge.")
@click.option("--concurrency", default=16, show_default=True, help="Requests under way at once.")
@click.option("--url", default="", help="An endpoint in place of the tiny server; it ends in /v1.")
@click.option("--model", default="tiny-judge", show_default=True, help="The model's name there.")
@click.option(
    "--extra",
    default="",
    help="Further fields of a request as JSON; default: what holds the tiny model to its form.",
)
def main(answers: int, concurrency: int, url: str, model: str, extra: str) -> None:
    """Judge answers through a real server; the last line is one JSON object."""
    form = {"structured_outputs": {"regex": FORM}, "stop": ["]]"], "include_stop_str_in_output": True}
    fields_ = json.loads(extra) if extra else {} if url else form
    key = os.environ.get("OPENAI_API_KEY", "") if url else ""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    with (
        tempfile.TemporaryDirectory() as name,
        tiny_or(url, Path(name)) as address,
        faulty_proxy.before(address, headers) as proxy,
    ):
        options = {
            "url": f"{proxy}/v1", "model": model, "max_tokens": 512, "extra": fields_, "concurrency": concurrency,
            "timeout_s": 120.0, "first_wait_s": 0.5, "max_errors": 0.1,
        }  # fmt: skip
        cache, wanted = Path(name) / "judgments.db", asks(answers)
        figures = with_faults(proxy, options, cache, wanted)
        figures |= without_faults(proxy, options, cache, wanted)
    table = Table("figure", "value", box=None)
    for title, value in figures.items():
        table.add_row(title, str(value))
    Console().print(table)
    print(json.dumps({"answers": answers, "concurrency": concurrency, **figures}, ensure_ascii=False))


@contextmanager
def tiny_or(url: str, folder: Path) -> Iterator[str]:
    """Yield ``url``, or the address of a server that is started."""
    if url:
        yield url
        return
    if not cpu.on_cpu():
        sys.exit("bench.judge needs vLLM for the CPU, or --url")
    with tiny_server(folder) as address:
        yield address


if __name__ == "__main__":
    main()
