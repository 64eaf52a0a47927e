"""``python -m corpus.leaks VERSION``: reads a dataset version again and lists what is later than its day."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from corpus import shards
from corpus.asof import REASONS
from corpus.document import day_in_japan
from datacards.card import Card
from datacards.cli import store_option
from datacards.errors import UserError
from datacards.lineage import lineage, walk
from datacards.store import Store

_SHOWN = 50  # rows of the table; all are counted


class Leak(NamedTuple):
    """A row of a file of a version that depends on something later than the day, and why."""

    file: str
    id: str
    url: str
    why: str


def leaks(folder: Path, day: date) -> list[Leak]:
    """Return the rows of the dataset version in ``folder`` that a reader could not have had on ``day``.

    Every Parquet file is read. A row with a text was available by the end of the day, was published by then or
    else captured by then, and comes from documents that are here; facts and pairs speak of documents that are
    here; nothing is kept of the text of what was left out for being later. The check believes the days that the
    rows state. In memory are the IDs of the documents.
    """
    known = {
        row["id"] for path in shards.shard(folder, "markdown", "train") for row in shards.read(path, ["id"])
    }
    known |= {
        row["id"] for path in folder.glob("markdown/train-carried-*") for row in shards.read(path, ["id"])
    }
    found = []
    for path in sorted(folder.rglob("*.parquet")):
        name = path.relative_to(folder).as_posix()
        wanted = [column for column in pq.read_schema(path).names if column not in ("text", "meta", "value")]
        dropped = "reason" in wanted and "stage" in wanted
        for row in shards.read(path, wanted + ["text"] * dropped):
            found += [
                Leak(name, row.get("id") or row.get("document_id") or "", row.get("url") or "", why)
                for why in _wrong(row, day, known)
            ]
    return found


def _wrong(row: Mapping[str, Any], day: date, known: set[str]) -> Iterator[str]:
    """Yield what is wrong with one row; its columns tell what it is."""
    if "stage" in row:
        if row["reason"] in REASONS and (row["text"] or row["title"]):
            yield f"holds text although it left as {row['reason']}"
        elif row.get("available_at") and row["available_at"] > day:
            yield f"what was dropped is available from {row['available_at']} on"
    elif "made_from" in row:
        yield from _untimely(row, day)
        if known and any(one["id"] not in known for one in row["made_from"] if ":" not in one["id"]):
            yield "its parent is not in the version"
    elif "other_id" in row or "document_id" in row:
        spoken = (row.get("id"), row.get("other_id"), row.get("document_id"))
        if known and any(name is not None and name not in known for name in spoken):
            yield "speaks of a document that is not in the version"


def _untimely(row: Mapping[str, Any], day: date) -> Iterator[str]:
    available, published, captured = row.get("available_at"), row["published_at"], row["captured_at"]
    if available is None:
        yield "does not say from when it was available"
    elif available > day:
        yield f"is available from {available} on"
    elif published and published > day:
        yield f"was published on {published}"
    elif not published and day_in_japan(captured) > day:
        yield f"states no day of publication and was captured on {day_in_japan(captured)}"


@click.command()
@click.argument("version")
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Hold the version against this day instead of the one it was built as of.",
)
@store_option
def main(version: str, day: datetime | None, root: Path) -> None:
    """List the rows of VERSION, and of the datasets it was made from, that are later than its day."""
    store = Store(root)
    ref = store.verified(version, "dataset")
    cards = [node.card for node in walk(lineage(store, ref)) if node.card and node.card.kind == "dataset"]
    until = day.date() if day else _day(str(ref), cards)
    table = Table("version", "file", "url", "why", box=None, header_style="bold")
    number = 0
    for card in cards:
        folder = store.root / card.name / card.version
        for leak in leaks(folder, until):
            number += 1
            if number <= _SHOWN:
                table.add_row(f"{card.name}@{card.version}", leak.file, leak.url, leak.why)
    if number:
        Console().print(table)
    click.echo(f"{ref}: {number:,} rows are later than {until}")
    if number:
        raise SystemExit(1)


def _day(label: str, cards: list[Card]) -> date:
    """Return the earliest day that a version, or what it was made from, was built as of."""
    days = [date.fromisoformat(card.recipe["as_of"]) for card in cards if card.recipe.get("as_of")]
    if not days:
        raise UserError(label, "was not built as of a day", "", "name one: --day YYYY-MM-DD")
    return min(days)


if __name__ == "__main__":
    main()
