"""An OpenAI-compatible server on loopback, down to the bytes: right by default, and wrong in every way that is asked for."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from rephrase.client.servers import Servers
from rephrase.requests import Request, Sampling

SAMPLING = Sampling(max_tokens=64)
EVENTS = (("Content-Type", "text/event-stream; charset=utf-8"),)
STATUS = {200: "OK", 302: "Found"}


@dataclass(frozen=True)
class Said:
    """An answer; ``cut`` is after how many bytes of the body the connection breaks, ``drip`` seconds between bytes."""

    body: Any
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    cut: int | None = None
    drip: float = 0.0
    wait: float = 0.0
    close: bool = False  # without a word, after the answer


def prompts(body: dict[str, Any]) -> list[str]:
    """Return the prompts of a request, the last message of a chat among them."""
    if "messages" in body:
        return [body["messages"][-1]["content"]]
    return [body["prompt"]] if isinstance(body["prompt"], str) else body["prompt"]


def right(body: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of a server at work: every prompt is repeated."""
    choices: list[dict[str, Any]] = []
    for at, prompt in enumerate(prompts(body)):
        text = f"「{prompt}」について"
        said = {"message": {"role": "assistant", "content": text}} if "messages" in body else {"text": text}
        choices.append({"index": at, "finish_reason": "stop", **said})
    return {
        "choices": choices,
        "usage": {"prompt_tokens": 7 * len(choices), "completion_tokens": 3 * len(choices)},
    }


def events(body: dict[str, Any]) -> Said:
    """Return the same as vLLM's events: two for each prompt, the others' between them, and the counts of all."""
    answer = right(body)
    first, last = [], []
    for choice in answer["choices"]:
        at, text = choice["index"], choice["text"]
        for place, part, reason, out in ((first, text[:1], None, 1), (last, text[1:], "stop", 3)):
            usage = {"prompt_tokens": 7, "completion_tokens": out}
            place.append({"choices": [{"index": at, "text": part, "finish_reason": reason}], "usage": usage})
    said = [*first, *reversed(last), {"choices": [], "usage": answer["usage"]}]
    lines = [f"data: {json.dumps(one, ensure_ascii=False)}\n\n" for one in said]
    return Said("".join([": keep-alive\n\n", *lines, "data: [DONE]\n\n"]).encode(), headers=EVENTS)


Mood = Callable[[dict[str, Any], int], Said | None]


@dataclass
class Completions:
    """What the server is like and what it has seen. ``mood`` gets a body and its number; None means the right answer."""

    mood: Mood = lambda _body, _number: None
    latency: float = 0.0
    models: Said = Said({"data": [{"id": "m", "max_model_len": 2048}]})
    bodies: list[dict[str, Any]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    connections: int = 0
    busy: int = 0
    busiest: int = 0
    address: str = ""

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        if head.startswith("GET"):
            return await self._write(writer, self.models)
        lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = json.loads(await reader.readexactly(int(lines["Content-Length"])))
        self.bodies.append(body)
        self.busy += len(prompts(body))
        self.busiest = max(self.busiest, self.busy)
        try:
            usual = events if body.get("stream") else lambda asked: Said(right(asked))
            said = self.mood(body, len(self.bodies)) or usual(body)
            await asyncio.sleep(said.wait or self.latency)
        finally:
            self.busy -= len(prompts(body))
        return await self._write(writer, said)

    async def _write(self, writer: asyncio.StreamWriter, said: Said) -> bool:
        body = (
            said.body if isinstance(said.body, bytes) else json.dumps(said.body, ensure_ascii=False).encode()
        )
        lines = [f"HTTP/1.1 {said.status} {STATUS.get(said.status, 'Other')}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in said.headers]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        if said.drip:
            for at in range(len(body)):
                writer.write(body[at : at + 1])
                await writer.drain()
                await asyncio.sleep(said.drip)
            return True
        writer.write(body[: said.cut])
        await writer.drain()
        return said.cut is None and not said.close

    @property
    def asked(self) -> list[str]:
        """The prompts of all requests, in order."""
        return [prompt for body in self.bodies for prompt in prompts(body)]


@asynccontextmanager
async def up(server: Completions, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[Completions]:
    """Run a server in this loop."""
    running = await asyncio.start_server(server.connection, host, port, limit=1 << 22)
    name = f"[{host}]" if ":" in host else host
    server.address = f"http://{name}:{running.sockets[0].getsockname()[1]}/v1"
    try:
        yield server
    finally:
        running.close()


@asynccontextmanager
async def engine(*at: Completions | str, **options: Any) -> AsyncIterator[Servers]:
    """Start a client of the servers; short times, so that tests are fast."""
    addresses = [one if isinstance(one, str) else one.address for one in at]
    made = Servers(addresses, "m", **{"key": "", "timeout_s": 10.0, "patience_s": 20.0, **options})
    await made.start()
    try:
        yield made
    finally:
        await made.close()


def request(prompt: str, sampling: Sampling = SAMPLING, group: str = "") -> Request:
    """Return a request of one prompt."""
    return Request("m", prompt, sampling, group=group)


async def texts(made: Servers, wanted: list[str]) -> list[str]:
    """Ask all prompts at once; return the texts of the replies."""
    return [reply.text for reply in await asyncio.gather(*(made.reply(request(one)) for one in wanted))]


@contextmanager
def process(port: int = 0, latency: float = 0.05) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Run a server in a process of its own, which may be killed; yield it with its port."""
    words = [sys.executable, "-m", "tests.rephrase.completions", str(port), str(latency)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        try:
            yield running, int(running.stdout.readline())
        finally:
            running.kill()


async def _forever(port: int, latency: float) -> None:
    async with up(Completions(latency=latency), port) as server:
        print(server.address.split(":")[2].removesuffix("/v1"), flush=True)  # noqa: T201  the port is what is asked for
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_forever(int(sys.argv[1]), float(sys.argv[2])))
