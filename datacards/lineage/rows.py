"""Finds rows of Parquet files by what one column says, over many files: only that column is read, nothing row by row."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from datacards.errors import UserError
from datacards.lineage.versions import Version
from datacards.store import Store

#: Folders of a dataset version that hold no documents: what was found in them, left out, or measured.
REPORTS = (
    "facts", "dropped", "similar", "contamination", "replies", "verdicts", "index", "plots", "recipes",
)  # fmt: skip
PARENTS = "made_from"  # the column that names the parents of a row
#: The columns of a document that are shown.
SHOWN = ("id", "format", "source", "url", "title", "section", "license", "made_from")
#: The columns of an index of captures that are shown.
INDEX = ("url", "source", "fetched_at", "seen_at", "sha256", "n_bytes", "license", "kind", "problem", "state",
         "body_version")  # fmt: skip
BATCH = 1 << 17  # rows held at once, of one column
Rows = npt.NDArray[np.int64]


class Holder(NamedTuple):
    """Where a file lies: in which version, in which folder of it, as part of which split."""

    version: str
    folder: str
    split: str


@dataclass(frozen=True, slots=True)
class Shard:
    """One Parquet file, and every version that holds it byte for byte."""

    path: Path
    holders: tuple[Holder, ...]


class Found(NamedTuple):
    """Rows of one file, ascending, and for each hit the row and which of the wanted values it is."""

    rows: Rows
    hit_rows: Rows
    hits: Rows


def shards(
    store: Store, versions: Iterable[Version], folder: str | None = None
) -> tuple[list[Shard], list[str]]:
    """Return the Parquet files of the versions that hold documents, or those in ``folder``; and which are missing.

    What several versions hold byte for byte, by the hashes in their cards, is one file with several holders.
    """
    found: dict[str, tuple[Path, list[Holder]]] = {}
    lacking: dict[str, str] = {}
    for version in versions:
        for file in version.card.files if version.card else ():
            inside, _, leaf = file.path.partition("/")
            wanted = inside == folder if folder else inside not in REPORTS
            if not (wanted and leaf.endswith(".parquet") and "/" not in leaf):
                continue
            holder = Holder(str(version.ref), inside, leaf.removesuffix(".parquet").partition("-")[0])
            if file.sha256 in found:
                found[file.sha256][1].append(holder)
                continue
            path = store.path(version.ref, file.path)
            if path.is_file():
                found[file.sha256] = path, [*_held(lacking, file.sha256), holder]
                lacking.pop(file.sha256, None)
            else:
                lacking[file.sha256] = f"{version.ref}/{file.path}"
    return [Shard(path, tuple(holders)) for path, holders in found.values()], list(lacking.values())


def _held(lacking: dict[str, str], sha256: str) -> list[Holder]:
    """Return who else holds a file that is found only now: its copy elsewhere is missing."""
    if sha256 not in lacking:
        return []
    version, folder, leaf = lacking[sha256].rsplit("/", 2)
    return [Holder(version, folder, leaf.removesuffix(".parquet").partition("-")[0])]


def watched(files: Sequence[Shard], told: str) -> Iterator[Shard]:
    """Yield the files, with a bar for a person who waits."""
    yield from tqdm(files, desc=told, unit=" files", disable=None, leave=False)


def find(path: Path, column: str, wanted: pa.Array) -> Found:
    """Return the rows whose ``column`` is one of ``wanted``; of ``made_from``, that name one of them as a parent.

    Row groups whose statistics exclude it are not read. A file without the column has no such row. Raises UserError
    for a file that cannot be read.
    """
    if not len(wanted):
        return _none()
    bounds = pc.min_max(wanted)
    rows, hits = [], []
    for first, values, owners in _values(path, column, bounds["min"].as_py(), bounds["max"].as_py()):
        places = pc.index_in(values, value_set=wanted)
        here = np.flatnonzero(places.is_valid().to_numpy(zero_copy_only=False))
        if len(here):
            rows.append(first[here] if owners is None else first[owners[here]])
            hits.append(places.take(pa.array(here)).to_numpy(zero_copy_only=False).astype(np.int64))
    if not rows:
        return _none()
    hit_rows = np.concatenate(rows)
    return Found(np.unique(hit_rows), hit_rows, np.concatenate(hits))


def find_beginning(path: Path, column: str, start: str) -> Rows:
    """Return the rows whose ``column`` begins with ``start``, ascending."""
    rows = [
        first[np.flatnonzero(pc.starts_with(values, pattern=start).to_numpy(zero_copy_only=False))]
        for first, values, _ in _values(path, column, start, start + "\U0010ffff")
    ]
    return np.concatenate(rows) if rows else _none().rows


def take(path: Path, rows: Rows, columns: Sequence[str]) -> pa.Table:
    """Return some columns of some rows, which must ascend; of other row groups nothing is read.

    A column that the file lacks is left out.
    """
    parts = []
    with _opened(path) as file:
        names = [name for name in columns if name in file.schema_arrow.names]
        ends = _ends(file)
        groups = np.searchsorted(ends, rows, side="right")
        for group in np.unique(groups):
            start = ends[group] - file.metadata.row_group(int(group)).num_rows
            table = file.read_row_group(int(group), columns=names)
            parts.append(table.take(pa.array(rows[groups == group] - start)))
        schema = pa.schema([file.schema_arrow.field(name) for name in names])
    return pa.concat_tables(parts) if parts else schema.empty_table()


class _opened:  # noqa: N801  it is used as a function is
    """Open a Parquet file; what is wrong with it becomes a UserError that names it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Any:
        try:
            self.file = pq.ParquetFile(self.path)
        except (pa.ArrowException, OSError) as error:
            raise self._told(error) from error
        return self.file

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.file.close()
        if isinstance(error, (pa.ArrowException, OSError)):
            raise self._told(error) from error

    def _told(self, error: BaseException) -> UserError:
        name = "/".join(self.path.parts[-4:])
        return UserError(name, f"cannot be read: {error}", todo="see: kanagura cards verify")


def _values(
    path: Path, column: str, low: str, high: str
) -> Iterator[tuple[Rows, pa.Array, npt.NDArray[np.int64] | None]]:
    """Yield (row numbers, values, owners) batch by batch, of the groups that may hold a value from low to high.

    ``owners`` is None where every row has one value; else it says for each value which of the row numbers has it.
    """
    with _opened(path) as file:
        if column not in file.schema_arrow.names or not file.num_row_groups:
            return
        paths = [file.schema.column(place).path for place in range(len(file.schema))]
        # Writers name the elements of a list "element" or "item".
        within = (p for p in paths if p.startswith(f"{PARENTS}.") and p.endswith(".id"))
        leaf = next(within, PARENTS) if column == PARENTS else column
        groups, ends = _groups(file, paths.index(leaf), low, high), _ends(file)
        if not groups:
            return
        counts = [file.metadata.row_group(group).num_rows for group in groups]
        numbers = np.concatenate(
            [np.arange(ends[g] - n, ends[g], dtype=np.int64) for g, n in zip(groups, counts, strict=True)]
        )
        at = 0
        for batch in file.iter_batches(BATCH, row_groups=groups, columns=[leaf]):
            here, at = numbers[at : at + len(batch)], at + len(batch)
            values = batch.column(0)
            if column != PARENTS:
                yield here, values, None
                continue
            owners = pc.list_parent_indices(values).to_numpy(zero_copy_only=False).astype(np.int64)
            yield here, pc.struct_field(pc.list_flatten(values), "id"), owners


def _ends(file: Any) -> Rows:
    """Return for each row group the number of the first row behind it."""
    counts = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    return np.cumsum(np.array(counts, dtype=np.int64))


def _groups(file: Any, place: int, low: str, high: str) -> list[int]:
    """Return the row groups whose statistics of column ``place`` do not exclude a value from low to high.

    Parquet orders strings by their bytes in UTF-8, as Python does by code points: the orders are equal.
    """
    kept = []
    for group in range(file.num_row_groups):
        told = file.metadata.row_group(group).column(place).statistics
        if told is None or not told.has_min_max or (told.min <= high and told.max >= low):
            kept.append(group)
    return kept


def _none() -> Found:
    empty = np.empty(0, dtype=np.int64)
    return Found(empty, empty, empty)
