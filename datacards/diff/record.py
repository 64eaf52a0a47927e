"""What a diff says: every row that differs with the one reason why, and the counts that must add up."""

import shutil
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from datacards.card import Kind, Ref

Change = Literal["added", "removed", "changed"]
CHANGES: tuple[Change, ...] = ("added", "removed", "changed")

#: Every reason there is, with what it means. A reason stands on evidence in the two versions, or below them.
REASONS: Mapping[str, str] = {
    "new_capture": "its address is not among the captures of the first version",
    "newer_capture": "made from bytes of its address that were fetched later",
    "older_capture": "made from bytes of its address that were fetched earlier",
    "newer_step": "the same bytes: a field of the recipe, or the code, is another",
    "no_longer_dropped": "the first version had it among what it dropped",
    "new_survivor": "it was a duplicate of a document that left, and stands for its kind now",
    "parent_added": "made from a document that is new",
    "parent_changed": "made from a document that changed",
    "parent_removed": "made from a document that left",
    "new_generator": "the same documents: the generator, or what it was asked, is another",
    "other_facts": "questions draw on facts of other documents, and those are others",
    "regrouped": "the same documents: they lie in other shards, and are gathered with others",
    "moved_split": "the same text in another split",
    "metadata": "the same text, other columns",
    "new_format": "the recipe of the first version neither asked for such rows nor carried them over",
    "format_gone": "the recipe of the second version neither asks for such rows nor carries them over",
    "rights": "whether its text may be given on is judged in another way",
    "takedown": "a takedown names it",
    "withdrawal": "its publisher withdrew or hid it",
    "near_duplicate_of": "the second version has a near-duplicate of it in its place",
    "exact_duplicate_of": "the second version has a copy of it in its place",
    "dropped": "a step of the second version dropped it",
    "as_of": "it was not there on the day that the second version asks for",
    "contaminated": "it overlaps with a test",
    "crosses_splits": "what it was made from lies in both splits",
    "capture_gone": "its bytes are not among the captures of the second version",
    "other_recipe": "the recipe is another",
    "other_inputs": "it was made from other versions",
    "other_code": "the same recipe and inputs, other code or libraries",
    "unexplained": "no evidence says why",
}

SCHEMA = pa.schema(
    [
        (name, pa.string())
        for name in (
            "format",
            "change",
            "reason",
            "detail",
            "id_a",
            "id_b",
            "source",
            "url",
            "title",
            "section",
        )
    ]
)


class Row(NamedTuple):
    """One row that differs. ``id_a`` and ``id_b`` are its ids in the two versions, "" where it is not."""

    format: str
    change: Change
    reason: str
    detail: str
    id_a: str
    id_b: str
    source: str
    url: str
    title: str
    section: str


class Count(NamedTuple):
    """How many rows of a format changed in one way for one reason."""

    format: str
    change: Change
    reason: str
    rows: int


class Spool:
    """The rows of a diff on disk, written once and read as often as wanted; gone with the diff."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "rows.parquet"
        self.counts: Counter[tuple[str, Change, str]] = Counter()
        self._writer = pq.ParquetWriter(self.path, SCHEMA, compression="zstd")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def add(self, rows: list[Row]) -> None:
        """Write rows, sorted by change, reason and address, and count them."""
        if rows:
            rows.sort(key=lambda row: (row.format, CHANGES.index(row.change), row.reason, *row[4:]))
            self.counts.update((row.format, row.change, row.reason) for row in rows)
            columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
            self._writer.write_table(pa.Table.from_arrays(columns, schema=SCHEMA))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


@dataclass(frozen=True, eq=False)
class Diff:
    """What is different between two versions of one kind, and why.

    ``before`` and ``after`` are how many rows each format has in ``a`` and ``b``; ``counts`` has how many of them
    were added, removed or changed for which reason. ``asked`` names what is different in the two recipes, inputs and
    codes; ``shared`` is how many files both versions have byte for byte, which were not read.
    """

    a: Ref
    b: Ref
    kind: Kind
    before: Mapping[str, int]
    after: Mapping[str, int]
    counts: tuple[Count, ...]
    asked: tuple[str, ...] = ()
    shared: int = 0
    _spool: Spool | None = field(default=None, repr=False)

    def rows(self) -> Iterator[Row]:
        """Yield every row that differs, a bounded batch at a time; by format, and within a stretch of addresses by
        change, reason and address. The same versions give the same order.
        """
        if self._spool:
            with pq.ParquetFile(self._spool.path) as file:
                for batch in file.iter_batches(10_000):
                    columns = [column.to_pylist() for column in batch.columns]
                    yield from (Row(*row) for row in zip(*columns, strict=True))

    def number(self, change: Change | None = None, form: str | None = None) -> int:
        """Return how many rows differ, of one kind of change or of one format."""
        return sum(
            one.rows for one in self.counts if change in (None, one.change) and form in (None, one.format)
        )

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats of either version, in order."""
        return tuple(sorted({*self.before, *self.after}))

    def check(self) -> None:
        """Raise AssertionError unless the arithmetic adds up: what was, and what came, without what left, is what is."""
        for form in self.formats:
            came, left = self.number("added", form), self.number("removed", form)
            if self.before.get(form, 0) + came - left != self.after.get(form, 0):
                raise AssertionError(
                    f"{form}: {self.before.get(form, 0)} + {came} - {left} is not {self.after.get(form, 0)}"
                )
        if self._spool and (held := pq.read_metadata(self._spool.path).num_rows) != self.number():
            raise AssertionError(f"{held} rows differ, but reasons are given for {self.number()}")
        if unknown := {one.reason for one in self.counts} - REASONS.keys():
            raise AssertionError(f"no reason: {', '.join(sorted(unknown))}")
