"""What was found out across all documents, laid down so that jobs can apply it to the documents of a shard."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from corpus import shards
from corpus.contamination.decontaminate import DecontaminationOptions, find_overlaps, rows, treated
from corpus.contamination.overlaps import Index
from corpus.document import Document, Drop
from corpus.duplicates.near import Duplicates, Reason
from corpus.prepare import read_chunk
from corpus.repeats import Repeats, described

Row = dict[str, Any]

_ARRAYS = ("survivor", "cluster_size", "exact", "keys")
_TESTS = "tests.index"


class Stretch(NamedTuple):
    """Rows [start, stop) of a prepared chunk."""

    path: Path
    start: int
    stop: int


class Judged(NamedTuple):
    """A document that stays, or the row of what leaves; of a document also its survivor and overlaps with tests."""

    document: Document | None
    left: Row | None = None
    survivor: int = -1
    overlaps: Sequence[Row] = ()


def save(work: Path, duplicates: Duplicates, repeats: Repeats | None, tests: Index | None) -> None:
    """Lay verdicts down in the folder ``work``."""
    work.mkdir(parents=True, exist_ok=True)
    for name in _ARRAYS:
        shards.write_array(work / f"{name}.npy", getattr(duplicates, name))
    if repeats:
        for name in Repeats._fields:
            shards.write_array(work / f"repeats-{name}.npy", getattr(repeats, name))
    if tests:
        tests.save(work / _TESTS)


def judged(
    stretches: Sequence[Stretch], first: int, work: Path, options: DecontaminationOptions | None
) -> Iterator[Judged]:
    """Yield what becomes of the rows of a shard, in order; ``first`` is the position of its first document."""
    arrays = {name: np.load(work / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
    repeats = _repeats(work)
    tests = _tests(work / _TESTS) if options else None
    position = first
    for stretch in stretches:
        for found in read_chunk(*stretch):
            if not isinstance(found, Document):
                yield Judged(None, found)
                continue
            survivor = int(arrays["survivor"][position])
            if survivor != position:
                yield Judged(None, _duplicate(found, position, survivor, arrays), survivor)
            else:
                document = replace(found, cluster_size=int(arrays["cluster_size"][position]))
                if repeats:
                    document = described(document, repeats, position)
                yield _decontaminated(document, position, tests, options)
            position += 1


def _duplicate(document: Document, position: int, survivor: int, arrays: Mapping[str, Any]) -> Row:
    reason = Reason.EXACT if arrays["exact"][position] else Reason.NEAR
    name = "".join(f"{int(word):016x}" for word in arrays["keys"][survivor])
    return shards.drop_row(Drop(reason, name), "dedup", document)


def _decontaminated(
    document: Document, position: int, tests: Index | None, options: DecontaminationOptions | None
) -> Judged:
    overlaps = find_overlaps(document, tests) if tests else []
    if not overlaps or not options:
        return Judged(document, None, position)
    told = list(rows(document, overlaps, options))
    result = treated(document, overlaps, options)
    if isinstance(result, Drop):
        return Judged(None, shards.drop_row(result, "decontaminate", document), position, told)
    return Judged(result, None, position, told)


def _repeats(work: Path) -> Repeats | None:
    paths = [work / f"repeats-{name}.npy" for name in Repeats._fields]
    return Repeats(*(np.load(path, mmap_mode="r") for path in paths)) if paths[0].is_file() else None


@lru_cache(maxsize=1)
def _tests(path: Path) -> Index:
    """Return the index of the tests; a worker reads it once."""
    return Index.load(path)
