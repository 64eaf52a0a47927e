"""A proxy on loopback that hands requests on to an OpenAI-compatible server, and does one in so many wrong."""

import asyncio
import hashlib
import json
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import aiohttp
from aiohttp import web

#: How often what goes wrong. The first three are told before the server is asked; the next two spoil its answer, which has
#: been paid for; the last two are answers of the kind that judges give.
FAULTS = {
    "busy": 0.04, "boom": 0.04, "filtered": 0.01,
    "dropped": 0.02, "cut": 0.02,
    "scoreless": 0.04, "nothing": 0.01,
}  # fmt: skip


class Proxy:
    """Hands on ``POST /v1/chat/completions``; ``/seen`` tells what came, ``/faults`` sets how often what goes wrong."""

    def __init__(self, address: str, headers: Mapping[str, str], seed: int) -> None:
        self._address, self._headers, self._chance = address, dict(headers), random.Random(seed)
        self._faults: dict[str, float] = {}
        self._session: aiohttp.ClientSession | None = None
        self._clear()

    def _clear(self) -> None:
        self._seen: Counter[str] = Counter()  # requests, and those that the server was asked
        self._done: Counter[str] = Counter()  # faults by name
        self._paid: Counter[str] = Counter()  # requests that the server has answered, by content
        self._tokens: Counter[str] = Counter()

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, or spoil it."""
        body = await request.read()
        self._seen["requests"] += 1
        fault = self._drawn()
        if fault:
            self._done[fault] += 1
        if fault == "busy":
            return web.json_response(
                {"error": {"message": "slow down"}}, status=429, headers={"Retry-After": "1"}
            )
        if fault == "boom":
            return web.json_response({"error": {"message": "internal error"}}, status=500)
        if fault == "filtered":
            return web.json_response({"error": {"message": "filtered", "code": "content_filter"}}, status=400)
        assert self._session  # noqa: S101  serve has made it
        async with self._session.post(
            f"{self._address}/chat/completions", data=body, headers=self._headers
        ) as got:
            said, status = await got.read(), got.status
        self._count(body, said, status)
        if fault == "dropped":
            assert request.transport  # noqa: S101  the connection is there
            request.transport.abort()
        if fault == "cut":
            said = said[: len(said) // 2]
        if fault in ("scoreless", "nothing") and status == 200:
            whole = json.loads(said)
            whole["choices"][0]["message"]["content"] = "採点できません。" if fault == "scoreless" else ""
            said = json.dumps(whole, ensure_ascii=False).encode()
        return web.Response(body=said, status=status, content_type="application/json")

    def _drawn(self) -> str:
        drawn = self._chance.random()
        for name, share in self._faults.items():
            drawn -= share
            if drawn < 0:
                return name
        return ""

    def _count(self, body: bytes, said: bytes, status: int) -> None:
        self._seen["answered"] += status == 200
        if status == 200:
            self._paid[hashlib.sha256(body).hexdigest()] += 1
            usage = json.loads(said)["usage"]
            self._tokens["in"] += usage["prompt_tokens"]
            self._tokens["out"] += usage["completion_tokens"]

    async def seen(self, _: web.Request) -> web.Response:
        """Tell what came so far."""
        told = {
            "requests": self._seen["requests"], "paid": self._seen["answered"], "different": len(self._paid),
            "tokens_in": self._tokens["in"], "tokens_out": self._tokens["out"], "faults": dict(self._done),
        }  # fmt: skip
        return web.json_response(told)

    async def faults(self, request: web.Request) -> web.Response:
        """Begin to count anew, with other faults."""
        self._faults = await request.json()
        self._clear()
        return web.json_response({})

    async def serve(self, pipe: Connection) -> None:
        """Serve until the process is ended; the port goes into the pipe."""
        app = web.Application(client_max_size=1 << 26)
        app.add_routes([
            web.post("/v1/chat/completions", self.ask), web.get("/seen", self.seen), web.post("/faults", self.faults),
        ])  # fmt: skip
        limit = aiohttp.TCPConnector(limit=256)
        async with aiohttp.ClientSession(
            connector=limit, timeout=aiohttp.ClientTimeout(600)
        ) as self._session:
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
            await site.start()
            pipe.send(runner.addresses[0][1])
            await asyncio.Event().wait()


def _forever(pipe: Connection, address: str, headers: Mapping[str, str], seed: int) -> None:
    asyncio.run(Proxy(address, headers, seed).serve(pipe))


@contextmanager
def before(address: str, headers: Mapping[str, str], seed: int = 0) -> Iterator[str]:
    """Run a proxy before ``address`` (which ends in ``/v1``) in a process of its own; yields ``http://127.0.0.1:PORT``."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_forever, args=(theirs, address, headers, seed), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


async def _get(url: str, said: Mapping[str, Any] | None) -> Any:
    async with aiohttp.ClientSession() as session:
        asked = session.get(url) if said is None else session.post(url, json=said)
        async with asked as answer:
            return await answer.json()


def seen(proxy: str) -> dict[str, Any]:
    """Return what a proxy has seen since ``faults`` was called last."""
    return asyncio.run(_get(f"{proxy}/seen", None))


def faults(proxy: str, shares: Mapping[str, float]) -> None:
    """Have a proxy count anew and do so many wrong."""
    asyncio.run(_get(f"{proxy}/faults", shares))


def until(proxy: str, requests: int, over: float) -> None:
    """Wait until a proxy has seen so many requests, or until ``over`` (time.monotonic)."""
    while time.monotonic() < over and seen(proxy)["requests"] < requests:
        time.sleep(0.05)
