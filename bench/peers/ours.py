"""Our whole near-duplicate stage on plain documents: Parquet in, the documents that stay as Parquet out.

``main`` uses two workers. Every row group is a job: it is signed into an index, the
stage finds who leaves, and the rest is written. A document's number says which is the earlier one.
"""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.duplicates import near
from corpus.duplicates.compared import DedupOptions, comparable, content_hash
from corpus.duplicates.index import band_column, index_of, schema
from corpus.duplicates.minhash import MinHasher, band_keys
from corpus.engine import Local

WORKERS = 2


class Shard(NamedTuple):
    """One row group of a file of documents, and the position of its first."""

    path: Path
    group: int
    first: int

    @property
    def name(self) -> str:
        return f"{self.path.stem}-{self.group:05d}.parquet"

    def read(self, columns: list[str] | None = None) -> pa.Table:
        with pq.ParquetFile(self.path) as file:
            return file.read_row_group(self.group, columns)


def main(docs: Path, out: Path, work: Path) -> None:
    """Write the documents of ``docs/*.parquet`` that stay to ``out``; what lies between goes to ``work``."""
    options, engine = DedupOptions(), Local(WORKERS)
    out.mkdir(parents=True)
    work.mkdir(parents=True)
    shards, first = [], 0
    for path in sorted(docs.glob("*.parquet")):
        held = pq.read_metadata(path)
        for group in range(held.num_row_groups):
            shards.append(Shard(path, group, first))
            first += held.row_group(group).num_rows
    signed = list(engine.map(partial(sign, options=options, work=work), shards))
    found = near.find(index_of(signed, []), options, work / "near", engine)
    np.save(work / "survivor.npy", found.survivor)
    for _ in engine.map(partial(keep, out=out, work=work), shards):
        pass


def sign(shard: Shard, *, options: DedupOptions, work: Path) -> Path:
    """Write the index rows of some documents beside their texts, and return where."""
    table = shard.read(["doc_id", "text"])
    seen = [comparable(text) for text in table["text"].to_pylist()]
    hasher = MinHasher(options.permutations, options.ngram, options.seed)
    signatures = hasher.sign_many(seen)
    keys = band_keys(signatures, options.bands, options.rows)
    numbers = table["doc_id"].to_pylist()
    columns = {
        "key": [number.to_bytes(16, "big") for number in numbers],
        "content": [content_hash(text) for text in seen],
        "available": numbers,
        "n_facts": np.zeros(len(seen), np.int64),
        "length": [len(text) for text in seen],
        "states": [bytes(8)] * len(seen),
        **{band_column(band): np.ascontiguousarray(key) for band, key in enumerate(keys.T)},
        "signature": [row.tobytes() for row in signatures.astype("<u4")],
    }
    fields = schema(options)
    arrays = {name: pa.array(column, fields.field(name).type) for name, column in columns.items()}
    rows = pa.table(arrays).append_column("text", table["text"])
    out = work / shard.name
    pq.write_table(rows, out, compression="zstd")
    return out


def keep(shard: Shard, *, out: Path, work: Path) -> int:
    """Write the documents of a row group that stay; return how many."""
    table = shard.read()
    survivor = np.load(work / "survivor.npy", mmap_mode="r")[shard.first : shard.first + len(table)]
    stays = np.asarray(survivor) == np.arange(shard.first, shard.first + len(table))
    pq.write_table(table.filter(pa.array(stays)), out / shard.name, compression="zstd")
    return int(stays.sum())
