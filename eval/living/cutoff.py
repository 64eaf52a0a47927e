"""The cut-off of a model: the last day of anything that it may have read, found through its lineage."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards.card import Card, Ref
from datacards.errors import UserError
from datacards.lineage import Node
from datacards.lineage.learned import Learned, learned
from datacards.lineage.rows import REPORTS
from datacards.store import Store

JAPAN = timezone(timedelta(hours=9))  # days of publication are Japanese ones
#: A document was there on the later of these days at the latest; nothing in it is younger than its capture.
DAYS = ("published_at", "captured_at")


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Nothing that the model has read is younger than ``day``; ``told_by`` is what says so.

    ``stated`` is the latest of the days that were only stated, of models whose texts cannot be looked into; None where
    there is no such model. ``learned`` is what lies below the model.
    """

    day: date
    told_by: str
    stated: date | None
    learned: Learned


def cutoff(store: Store, model: Ref, *, stated: Mapping[str, date], after: date | None, where: str) -> Cutoff:
    """Return the cut-off of ``model``.

    ``stated`` gives the days of models that the store cannot tell of, by ``name@version`` or name, ``after`` that of
    all others of them. A dataset version has the day that it was built as of; else, if it was made from dataset
    versions alone, the latest of theirs; else the latest publication or capture of its documents. Raises UserError
    naming every model whose day is neither known nor stated.
    """
    below = learned(store, model)
    days: dict[str, date] = {}
    unknown = {str(ref): ref for ref in below.unknown}
    known = {str(node.ref): node for node in below.datasets}
    for name, node in reversed(known.items()):  # what others were made from comes first
        if day := _day(store, node, known, days):
            days[name] = day
        else:
            unknown[name] = node.ref
    said = {name: day for name, ref in unknown.items() if (day := _stated(ref, stated) or after)}
    if lacking := [name for name in unknown if name not in said]:
        raise UserError(
            where,
            f"nobody knows until when {', '.join(lacking)} has read",
            "a day that is known from the store, or stated",
            f"state it: base_cutoffs: {{{unknown[lacking[0]].name}: YYYY-MM-DD}}, or after: YYYY-MM-DD for all",
        )
    found = days | said | ({"after": after} if after else {})
    told_by = max(found, key=lambda name: (found[name], name not in said))
    return Cutoff(found[told_by], told_by, max(said.values(), default=None), below)


def _stated(ref: Ref, stated: Mapping[str, date]) -> date | None:
    return stated.get(str(ref)) or stated.get(ref.name)


def _day(store: Store, node: Node, known: Mapping[str, Node], days: dict[str, date]) -> date | None:
    """Return the day of one dataset version, None where it cannot be found out."""
    name = str(node.ref)
    if name in days or node.card is None:
        return days.get(name)
    if day := _as_of(node.card):
        return day
    if node.inputs and all(str(below.ref) in known for below in node.inputs):
        found = [_day(store, below, known, days) for below in node.inputs]
        if None not in found:
            return max(day for day in found if day)
    return latest(store, node.ref, node.card)


def _as_of(card: Card) -> date | None:
    try:
        return date.fromisoformat(card.recipe["as_of"])
    except (KeyError, TypeError, ValueError):
        return None


def latest(store: Store, ref: Ref, card: Card) -> date | None:
    """Return the last Japanese day on which a document of a dataset version was published or captured.

    The statistics of the Parquet files tell it; a column is read only where a file has none. None where no document
    has a day, or where files are gone.
    """
    found: list[date] = []
    for file in card.files:
        folder, _, leaf = file.path.partition("/")
        if folder in REPORTS or not leaf.endswith(".parquet"):
            continue
        try:
            path = store.path(ref, file.path)
            days = list(_days(path)) if path.is_file() else []
        except (UserError, pa.ArrowException, OSError):
            days = []
        if file.rows != 0 and not days:
            return None
        found += days
    return max(found, default=None)


def _days(path: Path) -> Iterator[date]:
    """Yield the latest day of each column and row group of a file of documents."""
    with pq.ParquetFile(path) as file:
        for name in set(DAYS) & set(file.schema_arrow.names):
            for group in range(file.num_row_groups):
                if (last := _last(file, group, name)) is not None:
                    yield last.astimezone(JAPAN).date() if isinstance(last, datetime) else last


def _last(file: pq.ParquetFile, group: int, name: str) -> date | None:
    paths = [file.schema.column(at).path for at in range(len(file.schema))]
    told = file.metadata.row_group(group).column(paths.index(name)).statistics
    if told is not None and told.has_min_max:
        last: date | None = told.max
        return last
    found: date | None = pc.max(file.read_row_group(group, columns=[name])[name]).as_py()
    return found
