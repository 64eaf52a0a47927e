"""An event loop in a thread of its own: many coroutines under way, their results taken in order."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


class Running:
    """A running event loop. Leave the ``with`` block and whatever is still under way is cancelled."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._forever, name="requests", daemon=True)

    def __enter__(self) -> "Running":
        """Start the loop."""
        self._thread.start()
        return self

    def _forever(self) -> None:
        """Run the loop until it is stopped: what would end the process there is for those who wait for a result."""
        stopped = False
        while not stopped:
            try:
                self._loop.run_forever()
                stopped = True
            except (SystemExit, KeyboardInterrupt):  # the task that raised it holds it, too
                continue

    def submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Begin with a coroutine; the future has its result or its error."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cancel what is under way and stop."""
        self.submit(_cancel()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    # Here and not behind the end of the loop: the thread that waits may run a loop of its own, as notebooks do.
    await asyncio.get_running_loop().shutdown_asyncgens()
