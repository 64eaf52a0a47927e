"""The engine behind the log: what was answered once is not asked again."""

import asyncio
import time
from typing import NamedTuple

from rephrase.log import Log
from rephrase.requests import Engine, Reply, Request


class Came(NamedTuple):
    """A reply, whether nothing was paid for it, and when it was asked for and came, in seconds of the monotonic clock."""

    reply: Reply
    kept: bool
    sent: float = 0.0
    came: float = 0.0


class Link:
    """The engine behind the log: what was answered once is not asked again, and the engine starts when it must."""

    def __init__(self, engine: Engine, log: Log) -> None:
        self.engine, self.log = engine, log
        self._ready: asyncio.Task[None] | None = None
        self._asked: dict[str, asyncio.Future[Came]] = {}

    async def reply(self, request: Request) -> Came:
        """Return the reply to a request: that of the log, that of the same request under way, or the engine's."""
        key = request.key
        if kept := self.log.get(key):
            return Came(kept, kept=True)
        if same := self._asked.get(key):
            return Came((await asyncio.shield(same)).reply, kept=True)
        fresh = self._asked[key] = asyncio.ensure_future(self._fresh(request, key))
        fresh.add_done_callback(lambda _: self._asked.pop(key, None))
        return await asyncio.shield(fresh)

    async def _fresh(self, request: Request, key: str) -> Came:
        if self._ready is None:
            self._ready = asyncio.ensure_future(self.engine.start())
        await asyncio.shield(self._ready)
        sent = time.monotonic()
        reply = await self.engine.reply(request)
        self.log.add(key, reply)
        return Came(reply, kept=False, sent=sent, came=time.monotonic())

    async def clock(self) -> None:
        """Have what waits written now and then, though no reply comes."""
        while True:
            await asyncio.sleep(0.5)
            self.log.tick()

    async def close(self) -> None:
        """Let go of the engine if it was started."""
        if self._ready is not None:
            await self.engine.close()
