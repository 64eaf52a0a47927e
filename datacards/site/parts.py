"""Reads the files of a version that hold documents: some columns of all rows, or all columns of some rows."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from datacards.card import Card, Ref
from datacards.errors import UserError
from datacards.render.findings import FORMATS
from datacards.store import Store

POINTERS = "pointers"  # records of a release whose text is not given on
BATCH = 1 << 16  # rows of a pass over a few short columns
FEW = 1 << 10  # rows of which all columns are in memory at a time
_NEEDED = {"id", "format", "source", "title", "license", "redistribution", "made_from"}


class Place(NamedTuple):
    """Where a document lies: the number of a part, and of the row in it."""

    part: int
    row: int


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of documents, or of pointers to some, of the version ``ref``."""

    ref: Ref
    name: str
    path: Path
    rows: int


def parts(store: Store, ref: Ref, card: Card) -> list[Part]:
    """Return the files of a dataset version that hold documents, those of base documents first.

    Raises UserError when one of them is missing or damaged.
    """
    places = {name: place for place, name in enumerate((*FORMATS, POINTERS))}
    named = [
        (file.path.partition("/")[0], file.path) for file in card.files if file.path.endswith(".parquet")
    ]
    found = []
    for _, name in sorted((places[folder], name) for folder, name in named if folder in places):
        path = store.path(ref, name)
        with _open(ref, name, path) as file:
            if set(file.schema_arrow.names) >= _NEEDED:
                found.append(Part(ref, name, path, file.metadata.num_rows))
    return found


def scan(part: Part, *columns: str) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield (number of the first row, batch) over all rows of a part; ``made_from`` comes without its characters."""
    with _open(part.ref, part.name, part.path) as file:
        wanted = [path for name in columns for path in _leaves(file, name)]
        start = 0
        for batch in _batches(part, file, batch_size=BATCH, columns=wanted):
            yield start, batch
            start += len(batch)


def pick(
    of: Sequence[Part], places: Collection[Place], without: Collection[str] = ()
) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield (place, row) of the documents at ``places`` in order of part and row; other row groups are not read."""
    for number, group in groupby(sorted(places), key=lambda place: place.part):
        part = of[number]
        with _open(part.ref, part.name, part.path) as file:
            columns = [name for name in file.schema_arrow.names if name not in without]
            for row, found in _rows(part, file, [place.row for place in group], columns):
                yield Place(number, row), found


def _rows(
    part: Part, file: pq.ParquetFile, wanted: list[int], columns: list[str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a file whose numbers are ``wanted``, in rising order, a bounded batch at a time."""
    start, at = 0, 0
    for group in range(file.num_row_groups):
        end = start + file.metadata.row_group(group).num_rows
        inside = at
        while at < len(wanted) and wanted[at] < end:
            at += 1
        if inside < at:
            first = start
            for batch in _batches(part, file, batch_size=FEW, row_groups=[group], columns=columns):
                here = [row for row in wanted[inside:at] if first <= row < first + len(batch)]
                yield from zip(
                    here, batch.take(pa.array([r - first for r in here], pa.int64())).to_pylist(), strict=True
                )
                first += len(batch)
                if first > wanted[at - 1]:
                    break
        start = end


def _leaves(file: pq.ParquetFile, name: str) -> list[str]:
    """Return the columns of Parquet to read for ``name``: of the spans only the ids of the parents."""
    if name != "made_from":
        return [name]
    paths = [file.schema.column(number).path for number in range(len(file.schema))]
    return [path for path in paths if path.startswith("made_from.") and path.endswith(".id")]


def _open(ref: Ref, name: str, path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(ref, name) from error


def _batches(part: Part, file: pq.ParquetFile, **options: Any) -> Iterator[pa.RecordBatch]:
    try:
        yield from file.iter_batches(use_threads=False, **options)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(part.ref, part.name) from error


def _damaged(ref: Ref, name: str) -> UserError:
    return UserError(str(ref), f"{name} cannot be read", todo=f"see: kanagura cards verify {ref}")
