"""A store of many rows on one machine: what it costs to describe, publish, verify, compare and show a version.

``python -m bench.store_scale [--rows N[,N...]] [--folder DIR]`` makes captures, a dataset of N rows (half documents, half
sections; four sources, one of which may not be given on; ten years, a thousand companies) and a second one in which
one row in a hundred changed, one in two hundred left and as many came. Then it runs the commands a user would type,
each in a process of its own. Several numbers show how time and memory grow.
"""

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from rich.console import Console
from rich.table import Table

from bench.peers.supervise import supervised
from corpus import shards
from corpus.captures import SCHEMA
from datacards.card import Rights
from datacards.rights import counted
from datacards.store import Draft, Store

DAY, NEXT = "2026.11.21", "2026.11.22"
SHARD = 100_000  # rows of a file
SOURCES = (
    ("filings", "PDL-1.0"),
    ("articles", "CC-BY-SA-4.0"),
    ("speeches", "BOJ-terms"),
    ("lists", "PDL-1.0"),
)
MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
FILLER = "当期の売上高は前年を上回り、営業利益も増加した。設備投資は計画どおりに進み、研究開発費は前年並みであった。"


def digest(kind: str, number: int, digits: int = 32) -> str:
    return hashlib.sha256(f"{kind}{number}".encode()).hexdigest()[:digits]


def changed(number: int, *, later: bool) -> int:
    """Return the edition of a document: one in a hundred has a second one later."""
    return int(later and number % 100 == 7)


def numbers(base: int, *, later: bool) -> range | list[int]:
    """Return which documents a version has: one in two hundred left later, and as many came."""
    if not later:
        return range(base)
    stay = [number for number in range(base) if number % 200 != 11]
    return [*stay, *range(base, base + base - len(stay))]


def body(number: int, *, later: bool) -> str:
    return digest(f"body{changed(number, later=later)}-", number, 64)


def url(number: int) -> str:
    return f"https://www.example.invalid/{SOURCES[number % 4][0]}/{number:09d}.html"


def table(kind: str, chosen: list[int], *, later: bool) -> pa.Table:
    """Return the rows of some documents, or of their sections, made column by column."""
    editions = [changed(number, later=later) for number in chosen]
    documents = [
        digest(f"markdown{edition}-", number) for edition, number in zip(editions, chosen, strict=True)
    ]
    own = documents
    if kind == "sections":
        own = [
            digest(f"sections{edition}-", number) for edition, number in zip(editions, chosen, strict=True)
        ]
    parents = (
        [f"sha256:{body(number, later=later)}" for number in chosen] if kind == "markdown" else documents
    )
    texts = [
        f"第{number}号の第{edition}版。{FILLER}" for edition, number in zip(editions, chosen, strict=True)
    ]
    lengths = [len(text) for text in texts]
    days = pa.array([16801 + number % 3650 for number in chosen], pa.int32()).cast(
        pa.date32()
    )  # from 2016-01-01
    names, licenses = (pa.array([one[place] for one in SOURCES]) for place in (0, 1))
    source = pa.array([number % 4 for number in chosen], pa.int32())
    spans = pa.StructArray.from_arrays(
        [pa.array(parents), pa.repeat(pa.scalar(0, pa.int64()), len(chosen)), pa.array(lengths, pa.int64())],
        names=["id", "start", "end"],
    )
    code = '{"edinet_code": "E%05d", "kind": "filing"}'
    given: dict[str, Any] = {
        "id": own, "text": texts, "source": names.take(source), "url": [url(number) for number in chosen],
        "title": [f"第{number}号" for number in chosen], "published_at": days, "available_at": days,
        "license": licenses.take(source), "redistribution": [number % 4 != 2 for number in chosen],
        "made_from": pa.ListArray.from_arrays(pa.array(range(len(chosen) + 1), pa.int32()), spans),
        "meta": [code % (n // 4 % 1000) if n % 4 == 0 else '{"kind": "page"}' for n in chosen],
        "n_chars": lengths, "cluster_size": [1 + (number % 50 == 0) for number in chosen],
    }  # fmt: skip
    same = {
        "format": kind, "section": "" if kind == "markdown" else "業績", "language": "ja", "event_at": None,
        "captured_at": MOMENT, "attribution": "出典：試験",
    }  # fmt: skip
    columns = [
        pa.array(given[field.name], field.type)
        if isinstance(given.get(field.name), list)
        else given[field.name].cast(field.type)
        if field.name in given
        else pa.repeat(pa.scalar(same[field.name], field.type), len(chosen))
        for field in shards.DOCUMENT
    ]
    return pa.table(columns, schema=shards.DOCUMENT)


def fill(draft: Draft, base: int, *, later: bool) -> None:
    """Write the rows of a version."""
    chosen = list(numbers(base, later=later))
    held: dict[str, int] = {}
    for kind in ("markdown", "sections"):
        for place, first in enumerate(range(0, len(chosen), SHARD)):
            path = draft.path / kind / f"train-{place:05d}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = table(kind, chosen[first : first + SHARD], later=later)
            pq.write_table(rows, path, row_group_size=10_000, compression="zstd")
            draft.rows[f"{kind}/{path.name}"] = len(rows)
            for one in rows["license"].value_counts().to_pylist():
                held[one["values"]] = held.get(one["values"], 0) + one["counts"]
    rights: list[Rights] = counted(held)
    draft.rights.extend(rights)


def make(root: Path, total: int, version: str) -> None:
    """Write the captures and the dataset of one day."""
    store, base, later = Store(root), total // 2, version == NEXT
    with store.write(name="pages", version=version, kind="captures", recipe={}) as draft:
        listed = (
            {"url": url(n), "source": SOURCES[n % 4][0], "license": SOURCES[n % 4][1], "state": "new",
             "fetched_at": MOMENT, "seen_at": MOMENT, "status": 200, "sha256": body(n, later=later)}
            for n in numbers(base, later=later)
        )  # fmt: skip
        shards.write(draft.path / "captures.parquet", listed, SCHEMA)
    pages = store.resolve(f"pages@{version}")
    with store.write(
        name="texts", version=version, kind="dataset", recipe={"captures": ["pages"]}, made_from=[pages]
    ) as draft:
        fill(draft, base, later=later)


def measure(total: int, folder: Path) -> dict[str, dict[str, float]]:
    """Return seconds and MB of every step on a store of its own."""
    place = Path(tempfile.mkdtemp(dir=folder))
    root = place / "store"
    recipe = place / "public.yaml"
    asked = {
        "name": "public", "version": DAY, "restricted": "pointers",
        "holdout": {"by": "company", "share": 0.05, "seed": 0},
    }  # fmt: skip
    recipe.write_text(yaml.safe_dump(asked), encoding="utf-8")
    cards = [sys.executable, "-m", "datacards"]
    where = ["--store", str(root)]

    def run(*words: str) -> dict[str, float]:
        cost = supervised(words, place / "log")
        return {"seconds": round(cost.wall, 1), "cpu_s": round(cost.cpu, 1), "peak_mb": round(cost.peak)}

    itself = [sys.executable, "-m", "bench.store_scale", "--rows", str(total), "--folder", str(root)]
    steps: dict[str, Callable[[], dict[str, float]]] = {
        "make and describe": lambda: run(*itself, "--make", DAY),
        "the next day's": lambda: run(*itself, "--make", NEXT),
        "publish": lambda: run(*cards, "publish", *where, str(recipe), "--corpus", f"texts@{DAY}", "--to", str(place / "out")),
        "publish again": lambda: run(*cards, "publish", *where, "public", "--to", str(place / "out")),
        "verify": lambda: run(*cards, "verify", *where, f"texts@{DAY}"),
        "diff": lambda: run(*cards, "diff", *where, f"texts@{DAY}", f"texts@{NEXT}"),
        "lineage forward": lambda: run(*cards, "lineage", *where, url(total // 4), "--forward"),
        "site": lambda: run(*cards, "site", *where, str(place / "site"), "--diff", f"texts@{DAY}", f"texts@{NEXT}"),
    }  # fmt: skip
    try:
        found = {}
        for name, step in steps.items():
            found[name] = step()
            print(f"{total:,} rows, {name}: {found[name]}", file=sys.stderr, flush=True)
        return found
    finally:
        shutil.rmtree(place)


@click.command()
@click.option("--rows", default="20000", show_default=True, help="Numbers of rows, by commas.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Where it works.")
@click.option("--make", "version", type=click.Choice([DAY, NEXT]), hidden=True)
def main(rows: str, folder: Path | None, version: str | None) -> None:
    """Measure and print a table; the last line is one JSON object."""
    totals = [int(number) for number in rows.split(",") if number.strip().isdecimal() and int(number) >= 400]
    if len(totals) != rows.count(",") + 1:
        raise click.BadParameter(f"{rows!r}: whole numbers of at least 400, by commas", param_hint="--rows")
    if version and folder:
        make(folder, totals[0], version)
        return
    place = folder or Path(tempfile.gettempdir())
    place.mkdir(parents=True, exist_ok=True)
    found = {total: measure(total, place) for total in totals}
    shown = Table("rows", "step", "seconds", "CPU s", "peak MB", box=None, header_style="bold")
    for total, steps in found.items():
        for name, cost in steps.items():
            shown.add_row(f"{total:,}", name, *(f"{cost[key]:,}" for key in ("seconds", "cpu_s", "peak_mb")))
    Console().print(shown)
    first, last = found[totals[0]], found[totals[-1]]
    growth = {
        name: {key: round(last[name][key] / max(first[name][key], 0.1), 2) for key in ("cpu_s", "peak_mb")}
        for name in last
    }
    click.echo(json.dumps({"rows": totals[-1], "steps": last, "growth": growth, "all": found}))


if __name__ == "__main__":
    main()
