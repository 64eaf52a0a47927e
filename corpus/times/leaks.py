"""``python -m corpus.times.leaks VERSION``: reads a dataset version again and lists what is later than its day."""

from collections.abc import Iterator, Mapping, Set
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import click
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from corpus import shards
from corpus.document import day_in_japan
from corpus.duplicates.index import EPOCH
from corpus.times.asof import REASONS
from datacards.card import Card
from datacards.cli import store_option
from datacards.errors import UserError
from datacards.lineage import lineage, walk
from datacards.store import Store

_SHOWN = 50  # rows of the table; all are counted
#: Columns that tell what a row is and how late; of what a version holds for its own index, the day.
_LOOKED_AT = (
    "id", "document_id", "other_id", "url", "available_at", "published_at", "captured_at", "made_from",
    "stage", "reason", "title", "text", "available", "policy", "outcome",
)  # fmt: skip
Known = dict[str, date | None]  # the base documents, and from when each was available
Judged = Set[str]  # all documents that the index names: those that left, and those whose text was cut, too


class Leak(NamedTuple):
    """A row of a file of a version that depends on something later than the day, and why."""

    file: str
    id: str
    url: str
    why: str


def leaks(folder: Path, day: date) -> list[Leak]:
    """Return the rows of the dataset version in ``folder`` that a reader could not have had on ``day``.

    Every Parquet file is read. A row with a text was available by the end of the day, was published by then or
    else captured by then, and comes from documents that are here and were available no later; facts speak of documents that are
    here, overlaps with tests and pairs also of those that the index names; nothing is kept of the text of what was left out for being later. The check believes the days that the
    rows state. In memory are the IDs and days of the base documents, and the IDs that the index names.
    """
    known: Known = {}
    for path in sorted((folder / "markdown").glob("*.parquet")):
        rows = shards.read(path, _of(path, "id", "available_at"))
        known.update((row["id"], row.get("available_at")) for row in rows)
    named = (row for path in folder.glob("index/*.parquet") for row in shards.read(path, ["key"]))
    judged = {row["key"].hex() for row in named}
    found = []
    for path in sorted(folder.rglob("*.parquet")):
        name = path.relative_to(folder).as_posix()
        for row in shards.read(path, _of(path, *_LOOKED_AT)):
            found += [
                Leak(name, row.get("id") or row.get("document_id") or "", row.get("url") or "", why)
                for why in _wrong(row, day, known, judged)
            ]
    return found


def _of(path: Path, *names: str) -> list[str]:
    """Return those of the columns that a file has; of texts only those that were dropped are looked at."""
    has = pq.read_schema(path).names
    return [name for name in names if name in has and (name != "text" or "stage" in has)]


def _wrong(row: Mapping[str, Any], day: date, known: Known, judged: Judged) -> Iterator[str]:
    """Yield what is wrong with one row; its columns tell what it is."""
    if "stage" in row:
        if row["reason"] in REASONS and (row["text"] or row["title"]):
            yield f"holds text although it left as {row['reason']}"
        elif row.get("available_at") and row["available_at"] > day:
            yield f"what was dropped is available from {row['available_at']} on"
    elif "made_from" in row:
        yield from _untimely(row, day, known)
    elif "available" in row:
        if EPOCH + timedelta(days=row["available"]) > day:
            yield f"what its index names is available from {EPOCH + timedelta(days=row['available'])} on"
    elif known and any(
        row[name] not in known and not (row[name] in judged and ("policy" in row or "other_id" in row))
        # The id of a verdict is that of the question that was made: its own row is looked at where it lies.
        for name in (("document_id",) if "outcome" in row else ("id", "other_id", "document_id"))
        if row.get(name)
    ):
        yield "speaks of a document that is not in the version"


def _untimely(row: Mapping[str, Any], day: date, known: Known) -> Iterator[str]:
    available, published, captured = row.get("available_at"), row["published_at"], row["captured_at"]
    parents = {one["id"] for one in row["made_from"] if ":" not in one["id"]}
    if available is None:
        yield "does not say from when it was available"
    elif available > day:
        yield f"is available from {available} on"
    elif published and published > day:
        yield f"was published on {published}"
    elif not published and len(parents) < 2 and day_in_japan(captured) > day:
        yield f"states no day of publication and was captured on {day_in_japan(captured)}"
    elif known and parents - known.keys():
        yield "its parent is not in the version"
    elif any((known.get(parent) or available) > available for parent in parents):
        yield "its parent was available later than it says"


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
    table = Table(box=None, header_style="bold")
    for name in ("version", "file", "url", "why"):
        table.add_column(name, overflow="fold")
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
