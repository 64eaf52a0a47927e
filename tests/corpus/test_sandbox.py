"""The sandbox: one bad item costs one drop, never the run."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import active_children
from pathlib import Path

import pytest

from corpus.document import Drop
from corpus.sandbox import sandboxed


def test_results_come_in_the_order_of_the_items() -> None:
    """Also when later items are done first."""
    delays = [0.3, 0.0, 0.1, 0.0, 0.0, 0.2, 0.0]
    slept = list(sandboxed(time.sleep, delays, workers=2, seconds=20, megabytes=500))
    assert slept == [None] * 7
    roots = list(sandboxed(math.isqrt, range(50), workers=2, seconds=20, megabytes=500))
    assert roots == [math.isqrt(n) for n in range(50)]


def test_an_error_becomes_a_drop_with_its_words() -> None:
    results = list(sandboxed(math.isqrt, [4, -1, 9], workers=1, seconds=20, megabytes=500))
    assert results[0] == 2
    assert results[2] == 3
    drop = results[1]
    assert isinstance(drop, Drop)
    assert drop.reason == "extract_error"
    assert "ValueError" in drop.detail


def test_an_item_that_hangs_is_killed_and_the_next_one_runs() -> None:
    started = time.monotonic()
    results = list(sandboxed(time.sleep, [0.0, 600.0, 0.0], workers=1, seconds=1, megabytes=500))
    assert [result.reason if isinstance(result, Drop) else result for result in results] == [
        None,
        "extract_timeout",
        None,
    ]
    assert time.monotonic() - started < 60


def test_an_item_that_kills_its_process_costs_only_itself() -> None:
    """A segmentation fault in a C library looks like this from outside."""
    results = list(
        sandboxed(
            signal.raise_signal,
            [signal.SIGINT, signal.SIGSEGV, signal.SIGINT],
            workers=1,
            seconds=20,
            megabytes=500,
        )
    )
    assert results[0] is None
    assert results[2] is None
    assert isinstance(results[1], Drop)
    assert results[1].reason == "extract_crash"
    assert str(-signal.SIGSEGV) in results[1].detail


def test_a_worker_that_exits_is_replaced() -> None:
    results = list(sandboxed(os._exit, [3, 4, 5], workers=2, seconds=20, megabytes=500))
    assert all(isinstance(result, Drop) and result.reason == "extract_crash" for result in results)
    assert len(results) == 3


def test_memory_beyond_the_limit_is_a_drop() -> None:
    results = list(sandboxed(bytes, [1 << 20, 3_000 << 20, 1 << 20], workers=1, seconds=60, megabytes=300))
    assert results[0] == results[2] == bytes(1 << 20)
    assert isinstance(results[1], Drop)
    assert results[1].reason == "extract_crash"


def test_few_items_are_read_ahead_and_no_process_stays() -> None:
    """Items may be large: reading all of them ahead would fill the memory."""
    read: list[int] = []

    def source() -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    results = sandboxed(abs, source(), workers=2, seconds=20, megabytes=500)
    assert next(results) == 0
    assert len(read) <= 8
    results.close()  # type: ignore[attr-defined]
    assert active_children() == []


def test_no_items_no_results() -> None:
    assert list(sandboxed(abs, [], workers=2, seconds=20, megabytes=500)) == []


@pytest.mark.parametrize(
    "body",
    ["import os; os._exit(7)", "raise RuntimeError('broken')", "raise ImportError('broken')"],
)
def test_a_worker_that_dies_at_import_is_one_clear_error(body: str, tmp_path: Path) -> None:
    """An EOFError that escapes would be a bare "Aborted!" on the command line."""
    (tmp_path / "broken.py").write_text(f"import __main__\nif not hasattr(__main__, 'work'):\n    {body}\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, types\n"
        "from corpus.sandbox import sandboxed\n"
        "from datacards.errors import UserError\n"
        "if __name__ == '__main__':\n"
        "    def work(item): return item\n"
        "    import broken\n"
        "    broken.work, work.__module__ = work, 'broken'\n"
        "    try:\n"
        "        list(sandboxed(work, [1], workers=1, seconds=5, megabytes=500))\n"
        "    except UserError as error:\n"
        "        sys.exit(f'told: {error.format_message()}')\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert "told: extraction: a worker could not start" in done.stderr
