"""What becomes of files that are broken or made to harm: each through the sandbox, with the real limits.

``python -m bench.hostile FOLDER...`` takes any folders, recursively; without one it makes every third file of the set
of ``sample.hostile``, and the whole set with ``--all``. Each file becomes a capture and goes the way of a crawled one: sandboxed worker, reader, cleaning
steps of the shipped recipe. It must end in documents or in a named drop, and harm nothing else.
"""

import json
import mimetypes
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.table import Table

from corpus.document import Capture, Document, Drop
from corpus.extract import extract
from corpus.prepare import BYTES_PER_BYTE, BYTES_PER_SECOND, MEGABYTES, SECONDS
from corpus.recipe import CorpusRecipe
from corpus.sandbox import sandboxed
from corpus.steps import Left, clean
from datacards.recipe import read_recipe
from sample import hostile

RECIPE = Path(__file__).resolve().parent.parent / "corpus" / "recipes" / "fin-ja.yaml"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
_HIGHEST = "VmHWM:"


class Outcome(NamedTuple):
    """What one file became, within how many seconds and with how many MiB of memory at the highest."""

    documents: int
    characters: int
    drops: tuple[tuple[str, str], ...]  # reason, detail
    seconds: float
    megabytes: float


def captured(path: Path, folder: Path) -> Capture:
    """Return a file as the response of a server; a first folder with a dot in its name is the host."""
    parts = path.relative_to(folder).parts
    host, rest = (parts[0], parts[1:]) if len(parts) > 1 and "." in parts[0] else ("files.example", parts)
    media_type = mimetypes.guess_type(path.name.removesuffix(".gz"))[0] or "application/octet-stream"
    return Capture(
        url=f"https://{host}/{'/'.join(rest)}",
        source="hostile",
        fetched_at=NOW,
        status=200,
        headers=(("Content-Type", media_type),),
        media_type=media_type,
        body=path.read_bytes(),
        license="all-rights-reserved",
    )


def outcome(capture: Capture, steps: Sequence[tuple[str, Any]]) -> Outcome:
    """Read and clean one capture, as the corpus stage does; runs inside a worker."""
    _forget_highest()
    start = time.perf_counter()
    texts, drops = [], []
    for found in extract(capture):
        one = clean(found, steps) if isinstance(found, Document) else found
        if isinstance(one, Document):
            texts.append(len(one.text))
        else:
            drop = one.drop if isinstance(one, Left) else one
            drops.append((drop.reason, drop.detail))
    spent = time.perf_counter() - start
    return Outcome(len(texts), sum(texts), tuple(drops), spent, highest(os.getpid()))


def _forget_highest() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:  # then the figure is that of the worker's whole life
        return


def highest(pid: int) -> float:
    """Return the highest resident memory of a process in MiB, 0 if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next(
        (int(line.split()[1]) / 1024 for line in status.split("\n") if line.startswith(_HIGHEST)), 0.0
    )


class Watch(threading.Thread):
    """Looks at the memory of all descendants, for workers that end before they can tell."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.highest = 0.0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.1):
            self.highest = max([self.highest, *map(highest, _descendants())])

    def end(self) -> None:
        self._ended.set()
        self.join()


def _descendants() -> Iterator[int]:
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):  # it ended meanwhile
            continue
    known = {os.getpid()}
    while found := {pid for pid, parent in parents.items() if parent in known} - known:
        known |= found
    yield from known - {os.getpid()}


def run(folder: Path, workers: int, seconds: float, megabytes: int) -> dict[str, Outcome | None]:
    """Return what became of every file below ``folder`` by its path; None for one that was lost."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    found: dict[str, Outcome | None] = {str(path.relative_to(folder)): None for path in paths}
    largest = max((path.stat().st_size for path in paths), default=0)
    seconds += largest / BYTES_PER_SECOND
    megabytes += BYTES_PER_BYTE * largest // 1_000_000
    steps = read_recipe(RECIPE, CorpusRecipe).calls()
    items = (captured(path, folder) for path in paths)
    results = sandboxed(
        partial(outcome, steps=steps), items, workers=workers, seconds=seconds, megabytes=megabytes
    )
    start = time.perf_counter()
    for name, result in zip(found, results, strict=False):
        waited = time.perf_counter() - start
        if isinstance(result, Drop):
            found[name] = Outcome(0, 0, ((result.reason, result.detail),), waited, 0.0)
        else:
            found[name] = result
        start = time.perf_counter()
    return found


def shown(found: dict[str, Outcome | None]) -> Table:
    """Return the table of all files."""
    table = Table("file", "documents", "characters", "drop", "s", "MiB", box=None, header_style="bold")
    for name, one in found.items():
        if one is None:
            table.add_row(name, "", "", "LOST", "", "")
            continue
        counted = Counter(reason for reason, _ in one.drops)
        words = ", ".join(f"{reason} x{n}" if n > 1 else reason for reason, n in counted.items())
        detail = one.drops[0][1][:60] if one.drops else ""
        table.add_row(
            name,
            str(one.documents),
            f"{one.characters:,}",
            f"{words}: {detail}".strip(": "),
            f"{one.seconds:.2f}",
            f"{one.megabytes:.0f}",
        )
    return table


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--workers", default=2, show_default=True)
@click.option(
    "--seconds", default=float(SECONDS), show_default=True, help="Of one file, before its size counts."
)
@click.option("--megabytes", default=MEGABYTES, show_default=True, help="Of a worker, before sizes count.")
@click.option("--all", "whole", is_flag=True, help="Without a folder: all files of the set.")
def main(folders: tuple[Path, ...], workers: int, seconds: float, megabytes: int, *, whole: bool) -> None:
    """Read all files and print what became of each; the last line is one JSON object."""
    found: dict[str, Outcome | None] = {}
    watch = Watch()
    watch.start()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        if not folders:
            chosen = set(sorted(hostile.files())[:: 1 if whole else 3])
            hostile.write(Path(name), lambda file: file in chosen)
        for folder in folders or (Path(name),):
            prefix = f"{folder.name}/" if len(folders) > 1 else ""
            found |= {prefix + path: one for path, one in run(folder, workers, seconds, megabytes).items()}
    wall = time.perf_counter() - start
    watch.end()
    if not found:
        raise click.UsageError(f"no file in {', '.join(map(str, folders))}")
    Console(width=170).print(shown(found))
    known = [one for one in found.values() if one is not None]
    drops = Counter(reason for one in known for reason, _ in one.drops)
    click.echo(
        json.dumps(
            {
                "files": len(found),
                "documents": sum(one.documents for one in known),
                "characters": sum(one.characters for one in known),
                "drops": dict(drops.most_common()),
                "escaped": sum(one is None or not (one.documents or one.drops) for one in found.values()),
                "max_s": round(max((one.seconds for one in known), default=0.0), 2),
                "max_mb": round(max([watch.highest, *(one.megabytes for one in known)])),
                "wall_s": round(wall, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
