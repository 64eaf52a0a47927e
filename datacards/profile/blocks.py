"""The Parquet files of a dataset version: which there are, their rows in bounded blocks, samples of them."""

import random
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

ROWS, BYTES = 65_536, 32 << 20  # of one block at most, but for a single batch that is larger
BATCH = 1000  # rows that are decoded at once, and that one unit of a sample is
READ = 2 << 30  # bytes of text that a sample decodes at most, of which it takes few


class Shard(NamedTuple):
    """One file of a config: ``FORMAT/SPLIT-NNNNN.parquet``, where a release has a source before the number."""

    path: Path
    config: str
    split: str
    rows: int


class Unit(NamedTuple):
    """Some rows of one row group, the smallest thing that a sample draws; ``bytes`` are its share of the column."""

    shard: Shard
    group: int
    start: int
    rows: int
    bytes: int


def shards(folder: Path, configs: Sequence[str], unreadable: list[str]) -> list[Shard]:
    """Return the files of the configs that are there, in order of the configs and of their names.

    A file that is no Parquet has no rows to count; it is added to ``unreadable``.
    """
    found = []
    for config in configs:
        for path in sorted((folder / config).glob("*.parquet")):
            try:
                rows = pq.read_metadata(path).num_rows
            except pa.ArrowInvalid:
                unreadable.append(f"{config}/{path.name}")
                continue
            found.append(Shard(path, config, path.name.split("-")[0], rows))
    return found


def blocks(path: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the rows of a file in order, those of the ``columns`` that it has; row groups are joined and cut."""
    with pq.ParquetFile(path) as file:
        names = [name for name in columns if name in file.schema_arrow.names]
        if not names:
            # A table without columns would have no rows to count.
            names = file.schema_arrow.names[:1]
        held: list[pa.RecordBatch] = []
        rows = size = 0
        for batch in file.iter_batches(batch_size=BATCH, columns=names, use_threads=False):
            held.append(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if rows >= ROWS or size >= BYTES:
                yield pa.Table.from_batches(held)
                held, rows, size = [], 0, 0
        if held:
            yield pa.Table.from_batches(held)


def units(files: Sequence[Shard], column: str) -> list[Unit]:
    """Return all rows of the files that have the column as units of at most ``BATCH`` rows."""
    found = []
    for shard in files:
        with pq.ParquetFile(shard.path) as file:
            meta = file.metadata
            leaf = next((n for n in range(meta.num_columns) if meta.schema.column(n).path == column), None)
            for group in range(meta.num_row_groups if leaf is not None else 0):
                told = meta.row_group(group)
                size = told.column(leaf).total_uncompressed_size
                for start in range(0, told.num_rows, BATCH):
                    rows = min(BATCH, told.num_rows - start)
                    found.append(Unit(shard, group, start, rows, size * rows // told.num_rows))
    return found


def draw(found: Sequence[Unit], *, most: int, seed: int) -> list[Unit]:
    """Return at most ``most`` units, each with the same chance, in order; fewer where row groups are large."""
    if not found:
        return []
    mean = sum(unit.bytes for unit in found) / len(found)
    number = min(len(found), most, max(16, int(READ / max(mean, 1))))
    return [found[place] for place in sorted(random.Random(seed).sample(range(len(found)), number))]  # noqa: S311


def sampled(chosen: Sequence[Unit], column: str, *, rows: int, seed: int) -> Iterator[tuple[Unit, list[str]]]:
    """Yield every chosen unit with the texts of at most ``rows`` of its rows, drawn by ``seed``."""
    chance = random.Random(seed)  # noqa: S311  a sample is to be the same every time
    for (shard, group), of_group in groupby(chosen, key=lambda unit: (unit.shard, unit.group)):
        wanted = {unit.start: unit for unit in of_group}
        with pq.ParquetFile(shard.path) as file:
            at = 0
            batches = file.iter_batches(
                batch_size=BATCH, row_groups=[group], columns=[column], use_threads=False
            )
            for batch in batches:
                if unit := wanted.get(at):
                    places = sorted(chance.sample(range(batch.num_rows), min(rows, batch.num_rows)))
                    yield unit, [text or "" for text in batch.column(0).take(pa.array(places)).to_pylist()]
                    del wanted[at]
                at += batch.num_rows
                if not wanted:
                    break
