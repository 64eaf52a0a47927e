"""The engine behind the log: what was answered once is not asked again."""

import asyncio

from rephrase.log import Log
from rephrase.requests import Engine, Reply, Request


class Link:
    """The engine behind the log: what was answered once is not asked again, and the engine starts when it must."""

    def __init__(self, engine: Engine, log: Log) -> None:
        self.engine, self.log = engine, log
        self._ready: asyncio.Task[None] | None = None
        self._asked: dict[str, asyncio.Future[Reply]] = {}

    async def reply(self, request: Request) -> tuple[Reply, bool]:
        """Return the reply to a request, and whether the log had it.

        Else it is that of the same request under way, or the engine's.
        """
        key = request.key
        if kept := self.log.get(key):
            return kept, True
        if (same := self._asked.get(key)) is None:
            same = self._asked[key] = asyncio.ensure_future(self._fresh(request, key))
            same.add_done_callback(lambda _: self._asked.pop(key, None))
        return await asyncio.shield(same), False

    async def _fresh(self, request: Request, key: str) -> Reply:
        if self._ready is None:
            self._ready = asyncio.ensure_future(self.engine.start())
        await asyncio.shield(self._ready)
        reply = await self.engine.reply(request)
        self.log.add(key, reply)
        return reply

    async def clock(self) -> None:
        """Have what waits written now and then, though no reply comes."""
        while True:
            await asyncio.sleep(0.5)
            self.log.tick()

    async def close(self) -> None:
        """Let go of the engine if it was started."""
        if self._ready is not None:
            await self.engine.close()
