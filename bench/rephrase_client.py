"""The client of ``rephrase``: what it costs per prompt, how near it comes to the server's own pace, how much it holds.

``python -m bench.rephrase_client [--in-flight 512] [--requests N] [--units 10000,1000000]`` starts a server in a process
of its own that answers as vLLM does (each prompt after ``--latency`` give or take ``--spread``, at the end of a step of
25 ms; lists as events) and asks it N times from processes of their own: with AsyncOpenAI as it comes, with one whose
pool keeps as many connections as are used, with bare aiohttp, and with ours (as it comes, which is eight prompts to a
request; one to a request; chats, which go alone). Every client sends the same prompts (about 1,100 characters) and
parses all answers. With a spread, replies come one by one and not in waves, which costs every client more that is not
busy all the time.

``cpu_ms_per_request``, ``ratio_openai``
    CPU milliseconds of our process per prompt, as it comes, and how often that fits into those of AsyncOpenAI.
    ``..._single`` and ``..._chat`` are the same for one prompt to a request and for chats, ``ratio_openai_pool`` is
    that to AsyncOpenAI with the larger pool.
``share_of_ideal``
    Prompts per second of ours (eight to a request) to ``in_flight / latency``, which no client can exceed. With a
    spread, the last round is longer than the others.
``rss_mb_10k``, ``rss_mb_1m``
    Peak memory of our process in MiB for so many units, which come from a generator and are asked without latency.
"""

import asyncio
import json
import math
import multiprocessing
import random
import resource
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import click
from httpx2 import Limits
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from rich.console import Console
from rich.table import Table

from rephrase.client.servers import Servers
from rephrase.requests import Message, Request, Sampling

PASSAGE = "当社は、委託保証金を差し入れたお客様に、売買に要する資金または株式をお貸しし、その返済を一定の期日までに受けます。\n"
PROMPT = "以下は文書と、その文書だけから答えられる問いです。\n\n" + PASSAGE * 19
REPLY = "Q: 委託保証金を差し入れた客に、当社は何を貸しますか。\nA: 売買に要する資金または株式です。\n" * 3
SAMPLING = Sampling(max_tokens=256, temperature=0.7, top_p=0.9, stop=("\n\n", "###"))
FIELDS = {"model": "m", "max_tokens": 256, "temperature": 0.7, "top_p": 0.9, "stop": ["\n\n", "###"]}
OURS = {"ours": (8, False), "ours, 1 a request": (1, False), "ours, chats": (1, True)}
PEERS = ("AsyncOpenAI", "AsyncOpenAI, larger pool")
KINDS = (*PEERS, "aiohttp", *OURS)


STEP_S = 0.025  # between two steps of the engine, with which replies end: a fair figure for a large batch
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s\r\n\r\n"


async def answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, latency: float, spread: float
) -> None:
    """Answer the requests of one connection until it closes."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            lines = (line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
            body = await reader.readexactly(int(next(lines, b"content-length:0")[15:]))
            asked = json.loads(body) if body else {}
            if asked.get("stream"):
                await streamed_answer(writer, asked, latency, spread)
            else:
                said = json.dumps(completion(asked), ensure_ascii=False).encode()
                if body and latency:
                    await until(max(ends(count_of(asked), latency, spread)))
                writer.write(HEAD % (b"application/json", b"Content-Length: %d" % len(said)) + said)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def ends(count: int, latency: float, spread: float) -> list[float]:
    """Return when each reply ends, in the time of the loop: with a step, ``latency`` from now give or take."""
    now = asyncio.get_running_loop().time()
    return [
        math.ceil((now + latency * random.uniform(1 - spread, 1 + spread)) / STEP_S) * STEP_S
        for _ in range(count)
    ]


async def until(moment: float) -> None:
    """Sleep until a moment of the loop."""
    await asyncio.sleep(moment - asyncio.get_running_loop().time())


def count_of(asked: dict[str, Any]) -> int:
    """Return the number of prompts of a request."""
    return len(asked["prompt"]) if isinstance(asked.get("prompt"), list) else 1


def text_of(asked: dict[str, Any]) -> str:
    """Return the reply to any prompt of a request."""
    return REPLY if asked["max_tokens"] > 8 else "はい"


def completion(asked: dict[str, Any]) -> dict[str, object]:
    """Return what vLLM would answer: the list of models, a chat, or a choice for every prompt."""
    if not asked:
        return {"object": "list", "data": [{"id": "m", "object": "model", "max_model_len": 4096}]}
    text, count, chat = text_of(asked), count_of(asked), "messages" in asked
    said = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    choices = [{"index": at, "logprobs": None, "finish_reason": "stop", **said} for at in range(count)]
    usage = {"prompt_tokens": 1200 * count, "completion_tokens": 150 * count}
    kind = "chat.completion" if chat else "text_completion"
    return {"id": "cmpl-1", "object": kind, "created": 1, "model": "m", "choices": choices, "usage": usage}


async def streamed_answer(
    writer: asyncio.StreamWriter, asked: dict[str, Any], latency: float, spread: float
) -> None:
    """Write two events for every prompt, as vLLM does: its first sign at once, the others when it is done."""
    text, count = text_of(asked), count_of(asked)

    def event(at: int, part: str, reason: str | None, out: int) -> bytes:
        choice = {"index": at, "text": part, "logprobs": None, "finish_reason": reason, "stop_reason": None}
        usage = {"prompt_tokens": 1200, "total_tokens": 1200 + out, "completion_tokens": out}
        said = {
            "id": "cmpl-1",
            "object": "text_completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": usage,
        }
        return b"data: %s\n\n" % json.dumps(said, ensure_ascii=False).encode()

    def write(data: bytes) -> None:
        writer.write(b"%x\r\n%s\r\n" % (len(data), data))

    writer.write(HEAD % (b"text/event-stream; charset=utf-8", b"Transfer-Encoding: chunked"))
    write(b"".join(event(at, text[:1], None, 1) for at in range(count)))
    if latency:
        for moment, at in sorted(zip(ends(count, latency, spread), range(count), strict=True)):
            await until(moment)
            write(event(at, text[1:], "stop", 150))
    else:
        write(b"".join(event(at, text[1:], "stop", 150) for at in range(count)))
    write(b"data: [DONE]\n\n")
    writer.write(b"0\r\n\r\n")


def serve(pipe: Connection, latency: float, spread: float) -> None:
    """Serve on a free port, whose number goes into the pipe."""

    async def forever() -> None:
        server = await asyncio.start_server(
            lambda r, w: answer(r, w, latency, spread), "127.0.0.1", 0, backlog=4096, limit=1 << 20
        )
        pipe.send(server.sockets[0].getsockname()[1])
        async with server:
            await server.serve_forever()

    asyncio.run(forever())


@contextmanager
def served(latency: float, spread: float = 0.0) -> Iterator[str]:
    """Run the server in a process of its own; yield its address."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, latency, spread), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.terminate()
        process.join()


@dataclass(frozen=True)
class Figures:
    """What one client took for its prompts: prompts per second, CPU ms per prompt, peak memory in MiB."""

    rate: float
    cpu_ms: float
    rss_mb: float


def cpu() -> float:
    """Return the CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak() -> float:
    """Return the most memory that this process has held, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


async def driven(ask: Callable[[int], Awaitable[object]], window: int, count: int) -> Figures:
    """Ask ``count`` times, ``window`` at a time, after one round that makes the connections."""

    async def worker(numbers: Iterator[int]) -> None:
        for number in numbers:
            await ask(number)

    async def all_of(numbers: Iterator[int]) -> None:
        await asyncio.gather(*(worker(numbers) for _ in range(window)))

    await all_of(iter(range(min(window, count))))
    start, used = time.perf_counter(), cpu()
    await all_of(iter(range(count)))
    return Figures(count / (time.perf_counter() - start), 1000 * (cpu() - used) / count, peak())


async def openai(address: str, window: int, count: int, *, pool: bool = False) -> Figures:
    """Ask with the client that most people take; with ``pool`` it keeps a connection for everyone who asks."""
    limits = Limits(max_connections=window, max_keepalive_connections=window)
    inner = DefaultAsyncHttpxClient(limits=limits) if pool else None
    async with AsyncOpenAI(
        base_url=address, api_key="none", max_retries=0, timeout=600, http_client=inner
    ) as client:
        return await driven(lambda _: client.completions.create(prompt=PROMPT, **FIELDS), window, count)  # type: ignore[call-overload]


async def bare(address: str, window: int, count: int) -> Figures:
    """Ask with aiohttp and nothing around it."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=window)) as session:

        async def ask(_: int) -> None:
            async with session.post(f"{address}/completions", json={**FIELDS, "prompt": PROMPT}) as response:
                json.loads(await response.read())

        return await driven(ask, window, count)


async def ours(address: str, window: int, count: int, *, size: int, chat: bool) -> Figures:
    """Ask with the client of the project."""
    engine = Servers([address], "m", in_flight=window, prompts_per_request=size, key="")
    await engine.start()
    prompt = (Message("user", PROMPT),) if chat else PROMPT
    try:
        return await driven(lambda _: engine.reply(Request("m", prompt, SAMPLING)), engine.capacity, count)
    finally:
        await engine.close()


async def streamed(address: str, window: int, count: int) -> Figures:
    """Ask so many short units as a run does: more wait than are under way, and each is forgotten when answered."""
    engine = Servers([address], "m", in_flight=window, key="")
    await engine.start()
    short = Sampling(max_tokens=8)
    try:
        return await driven(
            lambda n: engine.reply(Request("m", f"{n}番の文は正しいですか。", short)), engine.capacity, count
        )
    finally:
        await engine.close()


def child(pipe: Connection, kind: str, address: str, window: int, count: int) -> None:
    """Run one client and send its figures."""
    if kind in OURS:
        size, chat = OURS[kind]
        work = ours(address, window, count, size=size, chat=chat)
    elif kind in PEERS:
        work = openai(address, window, count, pool=kind != PEERS[0])
    else:
        work = {"aiohttp": bare, "units": streamed}[kind](address, window, count)
    pipe.send(asyncio.run(work))


def alone(kind: str, address: str, window: int, count: int) -> Figures:
    """Run one client in a process of its own. SystemExit when it fails."""
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    process = context.Process(target=child, args=(far, kind, address, window, count))
    process.start()
    far.close()
    try:
        return near.recv()
    except EOFError:
        raise SystemExit(f"the process of {kind} failed") from None
    finally:
        process.join()


def short_name(units: int) -> str:
    """Return 10k for 10,000 and 1m for 1,000,000."""
    return f"{units // 1_000_000}m" if units >= 1_000_000 else f"{units // 1000}k"


@click.command()
@click.option("--in-flight", default=512, show_default=True, help="Prompts under way at once.")
@click.option(
    "--requests", default=5120, show_default=True, help="Prompts of each client (AsyncOpenAI: three rounds)."
)
@click.option("--latency", default=1.0, show_default=True, help="Seconds until the server answers.")
@click.option(
    "--spread", default=0.0, show_default=True, help="Share of the latency by which replies differ."
)
@click.option(
    "--units", default="10000,100000", show_default=True, help="Numbers of units whose memory is measured."
)
def main(in_flight: int, requests: int, latency: float, spread: float, units: str) -> None:
    """Measure all clients against one server; the last line is one JSON object."""
    table = Table("client", "prompts", "prompts/s", "of ideal", "CPU ms/prompt", "peak MiB", box=None)
    ideal = in_flight / latency
    found: dict[str, Figures] = {}
    with served(latency, spread) as address:
        for kind in KINDS:
            count = min(requests, 3 * in_flight) if kind in PEERS else requests
            one = found[kind] = alone(kind, address, in_flight, count)
            cells = (f"{one.rate:.0f}", f"{one.rate / ideal:.0%}", f"{one.cpu_ms:.3f}", f"{one.rss_mb:.0f}")
            table.add_row(kind, f"{count:,}", *cells)
    memory: dict[str, float] = {}
    with served(0.0) as address:
        for number in (int(word) for word in units.split(",") if word):
            one = alone("units", address, in_flight, number)
            memory[f"rss_mb_{short_name(number)}"] = round(one.rss_mb, 1)
            table.add_row(
                "ours, units", f"{number:,}", f"{one.rate:.0f}", "", f"{one.cpu_ms:.3f}", f"{one.rss_mb:.0f}"
            )
    Console().print(table)
    ours_, single, chats = (found[kind].cpu_ms for kind in OURS)
    openai_ms, pool_ms = (found[kind].cpu_ms for kind in PEERS)
    told = {
        "ratio_openai": round(openai_ms / ours_, 1),
        "ratio_openai_single": round(openai_ms / single, 1),
        "ratio_openai_chat": round(openai_ms / chats, 1),
        "ratio_openai_pool": round(pool_ms / ours_, 1),
        "cpu_ms_per_request": round(ours_, 4),
        "cpu_ms_per_request_single": round(single, 4),
        "cpu_ms_per_request_chat": round(chats, 4),
        "share_of_ideal": round(found["ours"].rate / ideal, 3),
        **memory,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
