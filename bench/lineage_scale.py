"""Lineage over a large store: seconds and memory of the way from an address to every row, and from a row to its capture.

``python -m bench.lineage_scale [--rows N]`` makes captures of N/4 addresses, a dataset with a document and a section of
each, a second one that carries them and adds N/2 questions, and a checkpoint, then asks as a user would, each in a process
of its own. The questions are asked of a filing in the middle. ``--store`` keeps the store, and asks one that is there.
"""

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from bench.peers.supervise import supervised
from corpus import shards
from corpus.captures import SCHEMA
from datacards.store import Store

DAY = "2026.11.21"
SHARD = 50_000  # rows of a file
GROUP = 1_000  # rows of a row group, as shards are written
FILLER = "当期の売上高は前年を上回り、営業利益も増加した。設備投資は計画どおりに進み、研究開発費は前年並みであった。"


def name_of(kind: str, number: int, digits: int = 32) -> str:
    return hashlib.sha256(f"{kind}{number}".encode()).hexdigest()[:digits]


def url_of(number: int) -> str:
    return f"https://www.example.jp/filings/{number:09d}.html"


def parents(kind: str, number: int) -> str:
    return f"sha256:{name_of('body', number, 64)}" if kind == "markdown" else name_of("markdown", number)


def rows(kind: str, numbers: range, per: int) -> pa.Table:
    """Return documents of one format, ``per`` of each address."""
    count = len(numbers)
    own = [number // per for number in numbers]
    spans = [[{"id": parents(kind, number), "start": 0, "end": 9}] for number in own]
    made: dict[str, Any] = {
        "id": [name_of(kind, number) for number in numbers],
        "text": [f"{number}：{FILLER * 3}" for number in numbers],
        "url": [url_of(number) for number in own],
        "made_from": pa.array(spans, shards.DOCUMENT.field("made_from").type),
    }
    same = {
        "format": kind,
        "source": "filings",
        "title": "有価証券報告書",
        "license": "PDL-1.0",
        "n_chars": 160,
    }
    columns = []
    for field in shards.DOCUMENT:
        given = made.get(field.name)
        if given is None:
            value = same.get(field.name, "" if field.type == pa.string() else None)
            given = pa.array([value] * count, field.type)
        columns.append(given if isinstance(given, pa.Array) else pa.array(given, field.type))
    return pa.table(columns, schema=shards.DOCUMENT)


def files(folder: Path, kind: str, total: int, per: int, split: str) -> Iterator[Path]:
    """Write the shards of one format."""
    for place, first in enumerate(range(0, total, SHARD)):
        path = folder / kind / f"{split}-{place:05d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            rows(kind, range(first, min(first + SHARD, total)), per),
            path,
            row_group_size=GROUP,
            compression="zstd",
        )
        yield path


def make(store: Store, total: int) -> None:
    """Fill a store with ``total`` rows."""
    base = total // 4
    with store.write(name="filings", version=DAY, kind="captures", recipe={}) as draft:
        moment = datetime(2026, 11, 1, tzinfo=UTC)
        row = {"source": "filings", "license": "PDL-1.0", "state": "new", "fetched_at": moment}
        listed = ({**row, "url": url_of(n), "sha256": name_of("body", n, 64)} for n in range(base))
        shards.write(draft.path / "captures.parquet", listed, SCHEMA)
    with store.write(
        name="texts", version=DAY, kind="dataset", recipe={}, made_from=[store.resolve("filings")]
    ) as draft:
        carried = [p for kind in ("markdown", "sections") for p in files(draft.path, kind, base, 1, "train")]
        names = [path.relative_to(draft.path) for path in carried]
    texts = store.path(store.resolve("texts"))
    with store.write(
        name="asked", version=DAY, kind="dataset", recipe={}, made_from=[store.resolve("texts")]
    ) as draft:
        for name in names:
            number = name.stem.rpartition("-")[2]
            shards.take_over(texts / name, draft.path / name.parent / f"train-carried-{number}.parquet")
        list(files(draft.path, "qa", total - 2 * base, 2, "train"))
    with store.write(
        name="cpt",
        version=DAY,
        kind="checkpoint",
        recipe={"trainer": "causal_lm"},
        made_from=[store.resolve("asked")],
    ) as draft:
        (draft.path / "config.json").write_text("{}", encoding="utf-8")


def ask(store: Path, folder: Path, *words: str) -> dict[str, Any]:
    """Ask in a process of its own; return the answer's number of lines, seconds and memory."""
    out = folder / "answer.txt"
    command = [sys.executable, "-m", "datacards", "lineage", "--store", str(store), *words, "--out", str(out)]
    cost = supervised(command, folder / "log")
    told = out.read_text(encoding="utf-8").splitlines()
    return {
        "seconds": round(cost.wall, 2),
        "cpu_s": round(cost.cpu, 2),
        "peak_mb": round(cost.peak),
        "last": told[-1],
    }


@click.command()
@click.option("--rows", "total", default=40_000, show_default=True, type=click.IntRange(min=8))
@click.option(
    "--store",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    help="A store to keep, or to ask again.",
)
def main(total: int, root: Path | None) -> None:
    """Measure and print a table; the last line is one JSON object."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        place = root or folder / "store"
        if not (place / "cpt").is_dir():
            make(Store(place), total)
        middle = total // 8
        found = {
            "forward from an address": ask(place, folder, url_of(middle), "--forward"),
            "forward from a document": ask(place, folder, name_of("markdown", middle), "--forward"),
            "backward from a question": ask(place, folder, name_of("qa", middle)),
            "backward from the checkpoint": ask(place, folder, "cpt"),
            "nothing to do": ask(place, folder, "filings"),
        }
    table = Table("asked", "seconds", "CPU s", "peak MB", "it ends", box=None, header_style="bold")
    for name, row in found.items():
        table.add_row(name, f"{row['seconds']:,}", f"{row['cpu_s']:,}", f"{row['peak_mb']:,}", row["last"])
    Console(width=150).print(table)
    slowest = float(np.max([row["seconds"] for row in found.values()]))
    print(json.dumps({"rows": total, "slowest_s": slowest, "asked": found}, ensure_ascii=False))


if __name__ == "__main__":
    main()
