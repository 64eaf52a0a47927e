"""The rows that differ: found by key, read once with what tells why, and laid out by address so that few are in memory."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from datacards.diff.keys import RECORD, Digests, Records, digests, keys_in, only, records
from datacards.diff.parts import Files, Part
from datacards.keys import KEY, Keys, among, column_keys

_READ = (
    "id", "format", "source", "url", "title", "section", "language", "event_at", "published_at", "available_at",
    "captured_at", "license", "attribution", "redistribution", "made_from", "meta", "cluster_size", "text_sha256",
)  # fmt: skip
_ROWS = 10_000  # that are read at once
_BUCKET = 16_000  # rows that differ and are in memory at once, some 7 KB each
_BUCKETS = 256  # files that are open at once; with more rows than they hold so, each holds more
_HELD = 16_000  # rows on their way to their buckets
_STORED = pa.schema(
    [
        ("side", pa.int8()),  # 0 in the first version, 1 in the second
        *((name, pa.string()) for name in ("split",)),
        ("shard", pa.int32()),
        *((name, pa.string()) for name in ("id", "format", "source", "url", "title", "section", "license")),
        ("redistribution", pa.bool_()),
        ("captured_at", pa.int64()),  # microseconds
        ("parents", pa.list_(pa.string())),
        ("fact", pa.string()),  # of a question: what it asks for
        ("generator", pa.string()),
        ("style", pa.string()),  # in which a generator wrote it
        ("digests", pa.list_(pa.uint64())),
    ]
)


class Item(NamedTuple):
    """A row of one version that the other one does not have so; ``side`` is 0 for the first version."""

    side: int
    split: str
    shard: int
    id: str
    format: str
    source: str
    url: str
    title: str
    section: str
    license: str
    redistribution: bool
    captured_at: int
    parents: list[str]
    fact: str
    generator: str
    style: str
    digests: list[int]

    @property
    def evidence(self) -> list[str]:
        """The SHA-256 of the captures that a base document was made from."""
        return [one.removeprefix("sha256:") for one in self.parents if one.startswith("sha256:")]

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What a row is called in either version, whatever it says; rephrasings have a style in place of a section."""
        part = self.style if self.format == "markdown" and self.style else self.section
        return self.format, self.source, address(self.url), part


def address(url: str) -> str:
    """Return an address without a fragment, and without the number of a revision of a wiki's article."""
    return url.partition("#")[0].partition("&oldid=")[0]


class Different(NamedTuple):
    """What one config has in only one of two versions; ``before`` and ``after`` are all its rows."""

    before: int
    after: int
    removed: Records
    added: Records
    a: list[Part]  # the files that were read
    b: list[Part]

    @property
    def gone(self) -> Keys:
        """Keys that the second version does not have any more, sorted."""
        return np.setdiff1d(keys_in(self.removed), keys_in(self.added))

    @property
    def new(self) -> Keys:
        """Keys that the first version does not have, sorted."""
        return np.setdiff1d(keys_in(self.added), keys_in(self.removed))


def different(
    files: Files, a: Sequence[Part], b: Sequence[Part], rest: tuple[list[Part], list[Part]]
) -> Different:
    """Return the rows that only one of two versions has; ``rest`` are the files that they do not share.

    24 bytes are held for each row of a file that is not shared.
    """
    removed, added = only(_records(files, rest[0]), _records(files, rest[1]))
    return Different(sum(one.rows for one in a), sum(one.rows for one in b), removed, added, *rest)


def _records(files: Files, parts: Sequence[Part]) -> Records:
    """Return the records of all rows of some files, sorted."""
    found = np.zeros(sum(part.rows for part in parts), RECORD)
    at = 0
    for part in _shown(parts, "comparing"):
        for batch in files.batches(part, _READ, needed=("id", "url", "made_from")):
            end = at + batch.num_rows
            if end > len(found):  # a card that counts too few
                found = np.concatenate([found, np.zeros(max(end - len(found), len(found) // 4), RECORD)])
            found[at:end] = records(column_keys(batch.column("id")), digests(batch, part.split))
            at = end
    found = found[:at]
    found.sort()
    return found


def _shown(parts: Sequence[Part], what: str) -> Iterator[Part]:
    with tqdm(
        total=sum(part.rows for part in parts), desc=what, unit=" rows", disable=None, leave=False
    ) as bar:
        for part in parts:
            yield part
            bar.update(part.rows)


class Items:
    """The rows of a config that differ, in buckets by address, in ``folder``."""

    def __init__(self, folder: Path, found: Different) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True)
        rows = len(found.removed) + len(found.added)
        self.count = min(_BUCKETS, max(1, -(-rows // _BUCKET)))
        self._writers: dict[int, pq.ParquetWriter] = {}
        self._held: list[list[Any]] = [[] for _ in _STORED]

    def fill(self, files: Files, found: Different) -> None:
        """Read the rows that differ, each once."""
        for side, (parts, wanted) in enumerate(((found.a, found.removed), (found.b, found.added))):
            if len(wanted):
                for part, batch, rows in _picked(files, parts, wanted):
                    self.add(side, part, batch, rows)
        self.close()

    def close(self) -> None:
        """Finish the buckets."""
        self._flush()
        for writer in self._writers.values():
            writer.close()

    def add(self, side: int, part: Part, batch: pa.RecordBatch, found: Digests) -> None:
        """Put rows of a file with the digests of their columns into their buckets."""
        table = {name: batch.column(name).to_pylist() for name in batch.schema.names if name in _STORED.names}
        count = batch.num_rows
        told = [_told(text) for text in _column(batch, "meta", "")]
        moments = (
            batch.column("captured_at").cast(pa.int64()).to_pylist()
            if "captured_at" in batch.schema.names
            else [0] * count
        )
        parents = [
            list(dict.fromkeys(span["id"] for span in spans or ()))
            for spans in _column(batch, "made_from", [])
        ]
        columns = {
            **table, "side": [side] * count, "split": [part.split] * count, "shard": [part.shard] * count,
            "captured_at": moments, "parents": parents, "fact": [one[0] for one in told],
            "generator": [one[1] for one in told], "style": [one[2] for one in told], "digests": found.tolist(),
        }  # fmt: skip
        for held, field in zip(self._held, _STORED, strict=True):
            empty = False if field.name == "redistribution" else ""
            held.extend(
                value if value is not None else empty for value in columns.get(field.name, [empty] * count)
            )
        if len(self._held[0]) >= _HELD:
            self._flush()

    def _flush(self) -> None:
        if not self._held[0]:
            return
        table = pa.Table.from_arrays(
            [pa.array(held, field.type) for held, field in zip(self._held, _STORED, strict=True)],
            schema=_STORED,
        )
        urls = self._held[_STORED.get_field_index("url")]
        places = np.array([crc32(address(url).encode("utf-8", "surrogatepass")) % self.count for url in urls])
        for number in np.unique(places).tolist():
            if number not in self._writers:
                path = self.folder / f"{number:05d}.parquet"
                self._writers[number] = pq.ParquetWriter(path, _STORED, compression="lz4")
            self._writers[number].write_table(table.filter(pa.array(places == number)))
        for held in self._held:
            held.clear()

    def buckets(self) -> Iterator[list[Item]]:
        """Yield the rows of a bucket at a time, those of an address together, each version's in its own order."""
        for number in sorted(self._writers):
            columns = pq.read_table(self.folder / f"{number:05d}.parquet").to_pydict()
            yield [Item(*row) for row in zip(*columns.values(), strict=True)]


def _column(batch: pa.RecordBatch, name: str, empty: Any) -> list[Any]:
    return batch.column(name).to_pylist() if name in batch.schema.names else [empty] * batch.num_rows


def _told(meta: str | None) -> tuple[str, str, str]:
    """Return what a question asks for, what wrote it and in which style, "" for what is none."""
    if not meta or '"generator"' not in meta:
        return "", "", ""
    try:
        said = json.loads(meta)
    except ValueError:
        return "", "", ""
    names = ("fact", "generator", "style")
    fact, generator, style = (str(said.get(name, "")) if isinstance(said, dict) else "" for name in names)
    return fact, generator, style


def _picked(
    files: Files, parts: Sequence[Part], wanted: Records
) -> Iterator[tuple[Part, pa.RecordBatch, Digests]]:
    """Yield the rows that have a wanted record, each record as often as it is wanted; only row groups with one are read."""
    known = np.unique(keys_in(wanted))
    records_, left = np.unique(wanted, return_counts=True)
    for part in _shown(parts, "reading"):
        with files.opened(part) as file:
            has = file.schema_arrow.names
            columns = [name for name in _READ if name in has]
            for groups in _groups(file):
                hits = (
                    among(column_keys(_one(file.read_row_groups(groups, columns=["id"])["id"])), known) >= 0
                )
                if not hits.any():
                    continue
                table = file.read_row_groups(groups, columns=columns).filter(pa.array(hits)).combine_chunks()
                [batch] = table.to_batches()
                found = digests(batch, part.split)
                mask = taken(records(column_keys(batch.column("id")), found), records_, left)
                if mask.any():
                    yield part, batch.filter(pa.array(mask)), found[mask]


def taken(found: Records, wanted: Records, left: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which records are taken: those that are wanted still, which ``left`` counts down."""
    mask = np.zeros(len(found), bool)
    at = np.searchsorted(wanted, found)
    for row in np.flatnonzero(at < len(wanted)).tolist():
        place = at[row]
        if wanted[place] == found[row] and left[place]:
            left[place] -= 1
            mask[row] = True
    return mask


def _groups(file: pq.ParquetFile) -> Iterator[list[int]]:
    """Yield numbers of row groups that are read at once."""
    held: list[int] = []
    rows = 0
    for number in range(file.num_row_groups):
        count = file.metadata.row_group(number).num_rows
        if held and rows + count > _ROWS:
            yield held
            held, rows = [], 0
        held.append(number)
        rows += count
    if held:
        yield held


def _one(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)


def empty_keys() -> Keys:
    """Return no keys."""
    return np.zeros(0, KEY)
