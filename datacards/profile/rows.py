"""Counts the rows of documents block by block: by source, and by every dimension of the profile."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from datacards.profile import meta as said
from datacards.profile.bins import CLUSTERS, LENGTHS, Bins
from datacards.profile.blocks import Shard
from datacards.profile.industry import CODE, COMPANY, Industries
from datacards.profile.quality import MARKED, FromMeta
from datacards.profile.record import DIMENSIONS, OTHERS, POINTERS, Group, Part

COLUMNS = (
    "source", "n_chars", "published_at", "event_at", "captured_at", "license", "language", "redistribution",
    "meta", "cluster_size",
)  # fmt: skip
MOST = 2000  # values of one dimension that are told apart
LONGEST = 200  # characters of a value that are kept
_MARKS = ("contamination", "pages_needing_ocr")
_MICROSECONDS = 9 * 3600 * 10**6  # Japan is nine hours ahead, and days of publication are Japanese ones


class Rows:
    """What is counted of documents; memory does not grow with their number."""

    def __init__(self, industries: Industries, base: str, base_rows: int) -> None:
        self.industries = industries
        self.base = base  # the format whose rows tell clusters, quality and marks
        self.parts: dict[tuple[str, str], Counted] = {}
        self.groups: dict[tuple[str, str], Counted] = {}
        self.year_from: Counter[str] = Counter()
        self.lengths: dict[str, Bins] = {}
        self.clusters = Bins(CLUSTERS)
        self.quality = FromMeta(base_rows)
        self.marked: Counter[str] = Counter()

    def add(self, shard: Shard, block: pa.Table) -> None:
        """Count a block of the rows of a file."""
        held, size = set(block.column_names), block.num_rows
        texts = pc.fill_null(block["n_chars"], 0) if "n_chars" in held else pa.array(np.zeros(size, np.int64))
        lengths = np.asarray(texts, dtype=np.int64)
        fields = said.strings(("industry", "kind", CODE, *COMPANY, *_MARKS, *MARKED, "quality"))
        meta = said.parsed(block["meta"] if "meta" in held else None, size, fields)
        year, basis = _years(block)
        for name, number in _counted(basis):
            self.year_from[name] += number
        flag = _column(block, "redistribution", pa.bool_())
        values = {
            "year": pc.cast(year, pa.string()),
            "industry": self.industries.of(meta),
            "license": _column(block, "license"),
            "redistribution": pc.if_else(flag, "yes", "no"),
            "language": _column(block, "language"),
            "kind": meta["kind"],
        }
        _of(self.parts, (shard.config, shard.split)).add(_column(block, "source"), lengths)
        for name in DIMENSIONS:
            _of(self.groups, (name, shard.config)).add(values[name], lengths)
        if shard.config != POINTERS:
            self.lengths.setdefault(shard.config, Bins(LENGTHS)).add(lengths.astype(float))
        if shard.config == self.base:
            self._add_base(block, meta)

    def _add_base(self, block: pa.Table, meta: Mapping[str, pa.Array]) -> None:
        if "cluster_size" in block.column_names:
            sizes = pc.fill_null(block["cluster_size"], 1)
            self.clusters.add(np.asarray(sizes, dtype=float))
        self.quality.add(meta)
        for mark in _MARKS:
            self.marked[mark] += block.num_rows - meta[mark].null_count

    def part_rows(self) -> tuple[Part, ...]:
        """Return the counts by format, split and source, largest first within a split."""
        return tuple(
            Part(format=config, split=split, source=source, rows=rows, characters=characters)
            for (config, split), counted in self.parts.items()
            for source, rows, characters in counted.sorted()
        )

    def group_rows(self) -> dict[str, tuple[Group, ...]]:
        """Return the counts by every dimension, per format."""
        return {
            name: tuple(
                Group(format=config, value=value, rows=rows, characters=characters)
                for (dimension, config), counted in self.groups.items()
                if dimension == name
                for value, rows, characters in counted.sorted()
            )
            for name in DIMENSIONS
        }


class Counted:
    """Rows and characters by value."""

    def __init__(self) -> None:
        self.by_value: dict[str, list[int]] = {}

    def add(self, values: pa.Array, lengths: npt.NDArray[np.int64]) -> None:
        """Count rows by ``values`` (null counts as ''); the values behind the first ``MOST`` count together."""
        table = pa.table({"value": pc.fill_null(values, ""), "n": lengths})
        found = table.group_by("value", use_threads=False).aggregate([("n", "count"), ("n", "sum")])
        for value, rows, characters in zip(
            *(found[n].to_pylist() for n in ("value", "n_count", "n_sum")), strict=True
        ):
            name = value[:LONGEST]
            if name not in self.by_value and len(self.by_value) >= MOST:
                name = OTHERS
            counts = self.by_value.setdefault(name, [0, 0])
            counts[0] += rows
            counts[1] += characters

    def sorted(self) -> list[tuple[str, int, int]]:
        """Return (value, rows, characters), most rows first."""
        found = [(value, rows, characters) for value, (rows, characters) in self.by_value.items()]
        return sorted(found, key=lambda one: (-one[1], one[0]))


def _of(held: dict[tuple[str, str], Counted], key: tuple[str, str]) -> Counted:
    return held.setdefault(key, Counted())


def _counted(values: pa.Array) -> list[tuple[str, int]]:
    return [(str(one["values"]), one["counts"].as_py()) for one in pc.value_counts(values)]


def _column(block: pa.Table, name: str, type_: pa.DataType | None = None) -> pa.Array:
    """Return a column as an array of strings, or of ``type_``; nulls where the file does not have it."""
    wanted = type_ or pa.string()
    if name not in block.column_names:
        return pa.nulls(block.num_rows, wanted)
    found = block[name].combine_chunks()
    return found if found.type == wanted else pc.cast(found, wanted)


def _years(block: pa.Table) -> tuple[pa.Array, pa.Array]:
    """Return the year of every row and the column that it is from: published_at, else event_at, else captured_at."""
    captured = _column(block, "captured_at", pa.timestamp("us", tz="UTC"))
    moved = pc.add(pc.cast(captured, pa.int64()), _MICROSECONDS)
    years = {
        "published_at": pc.year(_column(block, "published_at", pa.date32())),
        "event_at": pc.year(_column(block, "event_at", pa.date32())),
        "captured_at": pc.year(pc.cast(moved, pa.timestamp("us"))),
    }
    basis = pc.case_when(pc.make_struct(*(pc.is_valid(year) for year in years.values())), *years, "nothing")
    return pc.coalesce(*years.values()), basis
