"""A corpus run that is killed at random moments: it must go on and end with the bytes of an undisturbed one.

``python -m bench.corpus_kills [--docs N] [--kills N] [--seed N]`` builds a corpus of made documents once undisturbed, and
others while the whole process group gets SIGKILL, five times in a row, after a random time each; what was going on is
read from the working folder. 60,000 documents and 20 kills take a quarter of an hour. The last line is one JSON
object; ``same`` must be true.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

ROUND = 5  # kills of one store, then it may end
#: What the newest file of the working folder tells of where a run was.
_PHASES = {
    "written-*.json": "between shards",
    "out/*/*": "writing shards",
    "near/similarity-*": "verifying",
    "near/candidates-*": "gathering candidates",
    "near/edges-*": "between bands",
    "near/*": "ranking",
}


def start(docs: int, folder: Path) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-m", "bench.corpus_scale", "--build", "--docs", str(docs), "--workers", "2"]
    return subprocess.Popen(
        [*words, "--folder", str(folder)], stderr=subprocess.DEVNULL, start_new_session=True
    )


def phase(folder: Path) -> str:
    """Return what a run in ``folder`` was doing, as far as its files tell."""
    drafts = list(folder.glob("store/.drafts/*/.work"))
    for work in drafts:
        for pattern, name in _PHASES.items():
            if any(work.glob(f"shards-*/{pattern}")):
                return name
        if any(work.glob("prepared/*")):
            return "preparing"
    return "starting"


def finished(folder: Path) -> str:
    """Return the digest of the content of the version that was made in ``folder``."""
    return str(json.loads((folder / "figures.json").read_text("utf-8"))["content_digest"])


@click.command()
@click.option("--docs", default=10_000, show_default=True, type=click.IntRange(min=1))
@click.option("--kills", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=4, show_default=True)
def main(docs: int, kills: int, seed: int) -> None:
    """Build, kill, compare; the last line is one JSON object."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        calm = Path(place) / "calm"
        calm.mkdir()
        began = time.perf_counter()
        if start(docs, calm).wait():
            raise SystemExit("the undisturbed run failed")
        whole = time.perf_counter() - began
        digest = finished(calm)
        seen: Counter[str] = Counter()
        same = True
        while seen.total() < kills:
            harried = Path(place) / f"harried-{seen.total()}"
            harried.mkdir()
            while True:
                process = start(docs, harried)
                try:
                    process.wait(chance.uniform(0.1, 0.9) * whole)
                except subprocess.TimeoutExpired:
                    seen[phase(harried)] += 1
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    if seen.total() % ROUND == 0 or seen.total() == kills:
                        break
                else:
                    break  # it came to its end
            if not (harried / "figures.json").is_file() and start(docs, harried).wait():
                raise SystemExit("a run that was killed cannot go on")
            same &= finished(harried) == digest
            shutil.rmtree(harried)
    table = Table("killed while", "times", box=None, header_style="bold")
    for name, number in seen.most_common():
        table.add_row(name, str(number))
    Console().print(table)
    figures = {"documents": docs, "kills": seen.total(), "phases": dict(seen), "same": same, "digest": digest}
    click.echo(json.dumps(figures))
    if not same:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
