"""What the sandbox costs beside a plain process pool that has no limits: CPU of the whole tree of processes.

The function takes about a millisecond of pure Python over a text of about 1,000 characters, and gives a short
answer: an extraction so small that what is around it shows. The pool is ``ProcessPoolExecutor.map`` as people
write it; the same pool with ``chunksize=16`` stands beside it, as the hardest peer.
"""

import ctypes
import json
import os
import random
import subprocess
import sys
import time
from typing import NamedTuple

import click
from rich.console import Console
from rich.table import Table

SIGNS = "金融市場経済物価賃金成長政策銀行投資収益資産負債株式債券為替の、はがをに。で"
_SUBREAPER = 36  # prctl(2): a process whose parent ended becomes a child of ours, and can be waited for
_ENGINES = {
    "sandbox": "from corpus.sandbox import sandboxed\n"
    "results = sandboxed(busy, items, workers=workers, seconds=60, megabytes=1024)",
    "pool": "from concurrent.futures import ProcessPoolExecutor\n"
    "results = ProcessPoolExecutor(workers).map(busy, items)",
    "pool_chunks": "from concurrent.futures import ProcessPoolExecutor\n"
    "results = ProcessPoolExecutor(workers).map(busy, items, chunksize=16)",
    "alone": "results = map(busy, items)",
}
_RUN = """
import sys
from bench.engine import busy, texts
n, workers = int(sys.argv[1]), int(sys.argv[2])
items = texts(n)
{engine}
count = sum(1 for one in results if isinstance(one, int))
assert count == n, count
"""


class Spent(NamedTuple):
    """Seconds: of the clock, and of CPU in all processes."""

    wall: float
    cpu: float


def texts(n: int) -> list[str]:
    """Return ``n`` texts of 900 to 1,100 characters, the same for the same ``n``."""
    chance = random.Random(5)
    source = "".join(chance.choices(SIGNS, k=200_000))
    starts = [(chance.randrange(190_000), chance.randint(900, 1100)) for _ in range(n)]
    return [source[at : at + size] for at, size in starts]


def busy(text: str) -> int:
    """Return the number of different runs of three characters, counted the slow way on purpose."""
    seen: dict[str, int] = {}
    for width in range(3, 10):
        for at in range(len(text) - width):
            run = text[at : at + width]
            seen[run] = seen.get(run, 0) + 1
    return len(seen)


def spent(engine: str, n: int, workers: int) -> Spent:
    """Run one engine in a process of its own and return what it and all its descendants spent."""
    start, cpu = time.perf_counter(), 0.0
    words = [sys.executable, "-c", _RUN.format(engine=_ENGINES[engine]), str(n), str(workers)]
    with subprocess.Popen(words) as process:
        while True:  # those that outlive their parents come to us
            try:
                pid, status, usage = os.wait4(-1, 0)
            except ChildProcessError:
                break
            cpu += usage.ru_utime + usage.ru_stime
            if pid == process.pid:
                wall = time.perf_counter() - start
                process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{engine} ended with status {process.returncode}")
    return Spent(wall, cpu)


@click.command()
@click.option("--items", default=10_000, show_default=True, type=click.IntRange(min=1))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--repeat",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Rounds; the least CPU of each engine counts.",
)
def main(items: int, workers: int, repeat: int) -> None:
    """Measure and print a table; the last line is one JSON object."""
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
    rounds = [{engine: spent(engine, items, workers) for engine in _ENGINES} for _ in range(repeat)]
    best = {engine: min((one[engine] for one in rounds), key=lambda s: s.cpu) for engine in _ENGINES}
    table = Table("engine", "CPU s", "wall s", "CPU to pool", "CPU µs/item over alone", box=None)
    for engine, cost in best.items():
        over = (cost.cpu - best["alone"].cpu) / items * 1e6
        ratio = cost.cpu / best["pool"].cpu
        table.add_row(engine, f"{cost.cpu:.2f}", f"{cost.wall:.2f}", f"{ratio:.3f}", f"{over:.0f}")
    Console().print(table)
    figures = {
        "items": items,
        "workers": workers,
        "ratio_overhead": round(best["sandbox"].cpu / best["pool"].cpu, 3),
        "ratio_overhead_chunks": round(best["sandbox"].cpu / best["pool_chunks"].cpu, 3),
        "ratio_wall": round(best["sandbox"].wall / best["pool"].wall, 3),
        **{f"cpu_s_{engine}": round(cost.cpu, 2) for engine, cost in best.items()},
    }
    click.echo(json.dumps(figures))


if __name__ == "__main__":
    main()
