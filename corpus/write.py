"""Writes the files of a dataset version from what was prepared, one shard of all configs per job."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus import shards
from corpus.contamination.decontaminate import CONTAMINATION, DecontaminationOptions
from corpus.document import Document, Format
from corpus.duplicates import index
from corpus.duplicates.compared import DedupOptions
from corpus.formats import render
from corpus.verdicts import Stretch, judged
from datacards.columns import column

Row = dict[str, Any]

ROWS = 100_000  # documents, and what left, that one shard is made of at most: a job holds them in memory

SIMILAR = pa.schema(
    [
        column("id", pa.string(), "One document"),
        column("other_id", pa.string(), "Another one that is much like it"),
        column("similarity", pa.float64(), "Jaccard similarity of their sets of character n-grams"),
        column("reason", pa.string(), "Why both stayed: below_threshold, states_otherwise"),
    ]
)


class Shard(NamedTuple):
    """What one job writes: the prepared rows of a shard, and the position of the first document among them."""

    number: int
    first: int
    stretches: Sequence[Stretch]


@dataclass(slots=True)
class Tally:
    """What one shard holds: rows of every file, and what is counted on the way."""

    rows: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)


class Writer(NamedTuple):
    """What all jobs share: what is asked for, where files go, and where verdicts lie."""

    formats: Mapping[Format, Mapping[str, Any]]
    decontamination: DecontaminationOptions | None
    dedup: DedupOptions
    out: Path
    work: Path


def plan(chunks: Iterable[Path], characters: int, number: int, first: int) -> list[Shard]:
    """Cut prepared chunks into shards of at most ``characters`` of text, what left included, or of one longer row.

    ``number`` is that of the first shard and ``first`` the position of its first document.
    """
    found: list[Shard] = []
    stretches: list[Stretch] = []
    held = rows = count = 0

    def close() -> None:
        nonlocal stretches, held, rows, count, first
        if stretches:
            found.append(Shard(number + len(found), first, tuple(stretches)))
        first, stretches, held, rows, count = first + count, [], 0, 0, 0

    for path in chunks:
        start = stop = 0
        for at, (document, left) in enumerate(_sizes(path)):
            size = left if document is None else document
            if rows and (held + size > characters or rows == ROWS):
                if at > start:
                    stretches.append(Stretch(path, start, at))
                close()
                start = at
            held, rows, count, stop = held + size, rows + 1, count + (document is not None), at + 1
        stretches.append(Stretch(path, start, stop))
    close()
    return found


def _sizes(path: Path) -> Iterator[tuple[int | None, int]]:
    """Yield the characters of each row of a prepared chunk: those of the document or None, those of what left."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(1000, columns=["n_chars", "drop.text"]):
            left = pc.utf8_length(pc.struct_field(batch["drop"], "text")).fill_null(0)
            yield from zip(batch["n_chars"].to_pylist(), left.to_pylist(), strict=True)


def write_shard(shard: Shard, *, writer: Writer) -> Tally:
    """Write every config of one shard and return what it holds; files that a killed run finished are kept."""
    done = writer.work / f"written-{shard.number:05d}.json"
    if tally := _finished(done, writer.out):
        return tally
    tally = Tally()
    documents: list[Document] = []
    left: list[Row] = []
    later: list[Row] = []  # pointers, behind what lies at a place that the index names: they must not move it
    overlaps: list[Row] = []
    places: list[tuple[str, int, int]] = []
    for found in judged(shard.stretches, shard.first, writer.work, writer.decontamination):
        overlaps += found.overlaps
        if found.document:
            places.append(("markdown", len(documents), found.survivor))
            documents.append(found.document)
        elif found.left:
            if found.survivor >= 0:
                places.append(("dropped", len(left), found.survivor))
            (later if found.left["stage"] == "as_of" else left).append(found.left)
    left += later
    name = f"train-{shard.number:05d}.parquet"

    def put(config: str, rows: Iterable[Row], schema: pa.Schema) -> None:
        rows = iter(rows)
        if first := next(rows, None):  # a file without rows is none that ``datasets`` opens
            path = writer.out / config / name
            tally.rows[f"{config}/{name}"] = shards.write(path, chain([first], rows), schema)

    for config, chosen in writer.formats.items():
        put(config, _rendered(config, chosen, documents, tally), shards.DOCUMENT)
    put("facts", (row for one in documents for row in shards.fact_rows(one)), shards.FACT)
    put("dropped", left, shards.DROPPED)
    put("contamination", overlaps, CONTAMINATION)
    files = [*tally.rows, *_write_index(shard, places, writer)]
    _counted(tally, documents, left)
    _note(done, tally, files)
    return tally


def _counted(tally: Tally, documents: Sequence[Document], left: Sequence[Row]) -> None:
    """Count what stays by source and mark, and what leaves by reason."""
    tally.counts["facts"] = sum(len(document.facts) for document in documents)
    tally.counts.update(f"source_{document.source}" for document in documents)
    tally.counts.update("contaminated" for document in documents if "contamination" in document.meta)
    for document in documents:
        for kind, number in json.loads(document.meta.get("personal", "{}")).items():
            tally.counts[f"personal_{kind}"] += number
    tally.drops.update(row["reason"] for row in left)
    tally.licenses.update({row["license"]: 0 for row in left if row["text"]})


def _rendered(
    config: Format, chosen: Mapping[str, Any], documents: Sequence[Document], tally: Tally
) -> Iterator[Row]:
    for rendered in render(documents, config, chosen):
        tally.counts[f"documents_{config}"] += 1
        tally.counts[f"characters_{config}"] += rendered.n_chars
        tally.licenses[rendered.license] += 1
        yield shards.document_row(rendered)


def _write_index(shard: Shard, places: Sequence[tuple[str, int, int]], writer: Writer) -> list[str]:
    """Write the index rows of a shard's documents, with where the version has their texts; return its file, if any."""
    if not places:
        return []
    names = index.schema(writer.dedup).names
    tables = []
    for path, start, stop in shard.stretches:
        table = pq.read_table(path, columns=names).slice(start, stop - start)
        tables.append(table.filter(table["length"].is_valid()))
    table = pa.concat_tables(tables)
    for field_, values in zip(index.PLACE, zip(*places, strict=True), strict=True):
        table = table.append_column(field_, pa.array(values, field_.type))
    name = f"{index.FOLDER}/{shard.number:05d}.parquet"
    shards.write_table(writer.out / name, table)
    return [name]


def _finished(done: Path, out: Path) -> Tally | None:
    """Return what an earlier run counted of a shard, when all of its files are still there."""
    if not done.is_file():
        return None
    said = json.loads(done.read_text("utf-8"))
    if not all((out / name).is_file() for name in said["files"]):
        return None
    counters = {name: Counter(said[name]) for name in ("counts", "drops", "licenses")}
    return Tally(rows=said["rows"], **counters)


def _note(done: Path, tally: Tally, files: Sequence[str]) -> None:
    part = done.with_suffix(".part")
    said = {
        "files": files,
        "rows": tally.rows,
        "counts": tally.counts,
        "drops": tally.drops,
        "licenses": tally.licenses,
    }
    part.write_text(json.dumps(said), encoding="utf-8")
    part.replace(done)
