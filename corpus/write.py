"""Writes the files of a dataset version from what was prepared, one shard of all configs per job."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus import index, shards
from corpus.dedup import DedupOptions
from corpus.document import Document, Drop, Format
from corpus.formats import render
from corpus.near import Duplicates, Reason
from corpus.prepare import read_chunk

Row = dict[str, Any]

DOCUMENTS = 100_000  # documents that one shard is made of at most: a job holds them in memory

SIMILAR = pa.schema(
    [
        ("id", pa.string()),
        ("other_id", pa.string()),
        ("similarity", pa.float64()),  # Jaccard similarity of the sets of character n-grams
        ("reason", pa.string()),  # why both stayed: below_threshold, states_otherwise
    ]
)


class Stretch(NamedTuple):
    """Rows [start, stop) of a prepared chunk."""

    path: Path
    start: int
    stop: int


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
    """What all jobs share: formats, the folder of the version, where verdicts lie, and the first number of a shard."""

    formats: Mapping[Format, Mapping[str, Any]]
    dedup: DedupOptions
    out: Path
    work: Path


def plan(chunks: Iterable[Path], characters: int, number: int, first: int) -> list[Shard]:
    """Cut prepared chunks into shards of at most ``characters`` of text, or of one longer document.

    ``number`` is that of the first shard and ``first`` the position of its first document.
    """
    found: list[Shard] = []
    stretches: list[Stretch] = []
    held = count = 0

    def close() -> None:
        nonlocal stretches, held, count, first
        if stretches:
            found.append(Shard(number + len(found), first, tuple(stretches)))
        first, stretches, held, count = first + count, [], 0, 0

    for path in chunks:
        start, sizes = 0, pq.read_table(path, columns=["n_chars"])["n_chars"].to_pylist()
        for at, size in enumerate(sizes):
            if size is not None:
                if count and (held + size > characters or count == DOCUMENTS):
                    if at > start:
                        stretches.append(Stretch(path, start, at))
                    close()
                    start = at
                held, count = held + size, count + 1
        stretches.append(Stretch(path, start, len(sizes)))
    close()
    return found


def save_verdicts(duplicates: Duplicates, work: Path) -> None:
    """Lay the verdicts down for the jobs."""
    work.mkdir(parents=True, exist_ok=True)
    np.save(work / "survivor.npy", duplicates.survivor)
    np.save(work / "cluster.npy", duplicates.cluster_size)
    np.save(work / "exact.npy", duplicates.exact)
    np.save(work / "keys.npy", duplicates.keys)


def write_shard(shard: Shard, *, writer: Writer) -> Tally:
    """Write every config of one shard and return what it holds; files that a killed run finished are kept."""
    done = writer.work / f"written-{shard.number:05d}.json"
    if tally := _finished(done, writer.out):
        return tally
    tally = Tally()
    documents: list[Document] = []
    dropped: list[Row] = []
    later: list[Row] = []  # pointers, behind what lies at a place that the index names: they must not move it
    places: list[tuple[str, int, int]] = []
    for found, survivor in _judged(shard, writer.work):
        if isinstance(found, Document):
            places.append(("markdown", len(documents), survivor))
            documents.append(found)
            tally.counts[f"source_{found.source}"] += 1
            continue
        if isinstance(found, tuple):
            places.append(("dropped", len(dropped), survivor))
            dropped.append(shards.drop_row(found[0], "dedup", found[1]))
        else:
            (later if found["stage"] == "as_of" else dropped).append(found)
    dropped += later
    name = f"train-{shard.number:05d}.parquet"

    def put(config: str, rows: Iterable[Row], schema: pa.Schema) -> None:
        rows = list(rows)
        if rows:  # a file without rows is none that ``datasets`` opens
            tally.rows[f"{config}/{name}"] = shards.write(writer.out / config / name, rows, schema)

    for config, chosen in writer.formats.items():
        put(config, _rendered(config, chosen, documents, tally), shards.DOCUMENT)
    facts = [row for document in documents for row in shards.fact_rows(document)]
    tally.counts["facts"] = len(facts)
    put("facts", facts, shards.FACT)
    tally.drops.update(row["reason"] for row in dropped)
    tally.licenses.update({row["license"]: 0 for row in dropped if row["text"]})
    put("dropped", dropped, shards.DROPPED)
    _write_index(shard, places, writer)
    _note(done, tally)
    return tally


def _judged(shard: Shard, work: Path) -> Iterator[tuple[Document | tuple[Drop, Document] | Row, int]]:
    """Yield survivors, duplicates with their drop, and the rows of what left before, each with its survivor."""
    survivors = np.load(work / "survivor.npy", mmap_mode="r")
    sizes, exact = (np.load(work / f"{name}.npy", mmap_mode="r") for name in ("cluster", "exact"))
    keys = np.load(work / "keys.npy", mmap_mode="r")
    position = shard.first
    for stretch in shard.stretches:
        for found in read_chunk(*stretch):
            if not isinstance(found, Document):
                yield found, -1
                continue
            survivor = int(survivors[position])
            if survivor == position:
                yield replace(found, cluster_size=int(sizes[position])), survivor
            else:
                reason = Reason.EXACT if exact[position] else Reason.NEAR
                name = "".join(f"{int(word):016x}" for word in keys[survivor])
                yield (Drop(reason, name), found), survivor
            position += 1


def _rendered(
    config: Format, chosen: Mapping[str, Any], documents: Sequence[Document], tally: Tally
) -> Iterator[Row]:
    for rendered in render(documents, config, chosen):
        tally.counts[f"documents_{config}"] += 1
        tally.counts[f"characters_{config}"] += rendered.n_chars
        tally.licenses[rendered.license] += 1
        yield shards.document_row(rendered)


def _write_index(shard: Shard, places: Sequence[tuple[str, int, int]], writer: Writer) -> None:
    """Write the index rows of a shard's documents, with where the version has their texts."""
    names = index.schema(writer.dedup).names
    tables = []
    for path, start, stop in shard.stretches:
        table = pq.read_table(path, columns=names).slice(start, stop - start)
        tables.append(table.filter(table["length"].is_valid()))
    if not places:
        return
    table = pa.concat_tables(tables)
    for field_, column in zip(index.PLACE, zip(*places, strict=True), strict=True):
        table = table.append_column(field_, pa.array(column, field_.type))
    path = writer.out / index.FOLDER / f"{shard.number:05d}.parquet"
    shards.write_table(path, table)


def _finished(done: Path, out: Path) -> Tally | None:
    """Return what an earlier run counted of a shard, when all of its files are still there."""
    if not done.is_file():
        return None
    said = json.loads(done.read_text("utf-8"))
    if not all((out / name).is_file() for name in said["rows"]):
        return None
    counters = {name: Counter(said[name]) for name in ("counts", "drops", "licenses")}
    return Tally(rows=said["rows"], **counters)


def _note(done: Path, tally: Tally) -> None:
    part = done.with_suffix(".part")
    said = {"rows": tally.rows, "counts": tally.counts, "drops": tally.drops, "licenses": tally.licenses}
    part.write_text(json.dumps(said), encoding="utf-8")
    part.replace(done)
