"""The loop behind a run: results in order, and no end of a task that leaves somebody waiting."""

import asyncio
from concurrent.futures import CancelledError, Future

import pytest

from rephrase.running import Running


async def soon(result: int) -> int:
    await asyncio.sleep(0.01)
    return result


async def ends(error: BaseException) -> int:
    raise error


async def within(error: BaseException) -> int:
    return await asyncio.ensure_future(ends(error))


@pytest.mark.parametrize("error", [ValueError("no"), MemoryError(), SystemExit(3), KeyboardInterrupt()])
def test_whatever_ends_a_task_reaches_who_waits_and_the_others_go_on(error: BaseException) -> None:
    with Running() as running:
        before, bad, after = running.submit(soon(1)), running.submit(within(error)), running.submit(soon(2))
        with pytest.raises(type(error)):
            bad.result(timeout=5)
        assert (before.result(timeout=5), after.result(timeout=5)) == (1, 2)
        assert running.submit(soon(3)).result(timeout=5) == 3


def test_what_is_under_way_is_cancelled_at_the_end() -> None:
    found: list[Future[None]] = []
    with pytest.raises(ValueError, match="enough"), Running() as running:
        found.append(running.submit(asyncio.sleep(3600)))
        raise ValueError("enough")
    with pytest.raises(CancelledError):
        found[0].result(timeout=5)
