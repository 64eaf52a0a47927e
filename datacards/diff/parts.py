"""The files of a version that hold its rows, read with only the columns needed and never when both versions share them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from datacards.card import Card, Ref
from datacards.errors import UserError
from datacards.places import sha256_of
from datacards.store import Store

FORMATS = ("markdown", "sections", "categories", "listing", "qa", "multiple_choice")
POINTERS = "pointers"
_DIGITS = re.compile(r"(\d+)$")


class Part(NamedTuple):
    """One Parquet file of a version: which rows it holds, and of which split and shard."""

    ref: Ref
    path: str  # in the version
    rows: int
    sha256: str

    @property
    def split(self) -> str:
        """The split that its name begins with."""
        return self.path.rpartition("/")[2].partition(".")[0].partition("-")[0]

    @property
    def shard(self) -> int:
        """The number that its name ends with: files of one number in several formats come from the same documents."""
        found = _DIGITS.search(self.path.removesuffix(".parquet"))
        return int(found[1]) if found else -1


class Files:
    """Reads files of versions, each compared with its card before its first row is believed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._checked: set[tuple[str, str]] = set()

    def parts(self, ref: Ref, card: Card, config: str) -> list[Part]:
        """Return the files of one config of a version, in order; rows that the card does not count are counted."""
        found = []
        for file in sorted(card.files, key=lambda file: file.path):
            folder, slash, leaf = file.path.partition("/")
            if folder == config and slash and "/" not in leaf and leaf.endswith(".parquet"):
                part = Part(ref, file.path, file.rows or 0, file.sha256)
                found.append(part if file.rows is not None else self.counted(part))
        return found

    def counted(self, part: Part) -> Part:
        """Return a file with the number of its rows."""
        with self.opened(part) as opened:
            return part._replace(rows=opened.metadata.num_rows)

    @contextmanager
    def opened(self, part: Part) -> Iterator[pq.ParquetFile]:
        """Open a file; raise UserError naming it when it is missing, is not as the card says, or cannot be read."""
        where = f"{part.ref}/{part.path}"
        path = self.store.path(part.ref, part.path)
        try:
            if (where, part.sha256) not in self._checked:
                if sha256_of(path) != part.sha256:
                    raise UserError(where, "has changed since its card was written", todo="restore it")
                self._checked.add((where, part.sha256))
            with pq.ParquetFile(path) as file:
                yield file
        except (pa.ArrowException, OSError) as error:
            said = (error.strerror if isinstance(error, OSError) else None) or error
            raise UserError(where, f"cannot be read: {said}", todo="restore it") from error

    def batches(
        self, part: Part, columns: Sequence[str], needed: Iterable[str] = ()
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a file, at most 10,000 at a time, with those of the columns that it has."""
        with self.opened(part) as file:
            has = file.schema_arrow.names
            if missing := [name for name in needed if name not in has]:
                raise UserError(
                    f"{part.ref}/{part.path}", f"has no column {', '.join(missing)}", todo="restore it"
                )
            yield from file.iter_batches(10_000, columns=[name for name in columns if name in has])


def unshared(a: Sequence[Part], b: Sequence[Part]) -> tuple[list[Part], list[Part], int]:
    """Return the files that only one version has, byte for byte and in one split, and how many both have."""
    common = Counter((part.split, part.sha256) for part in a) & Counter(
        (part.split, part.sha256) for part in b
    )

    def rest(parts: Sequence[Part]) -> list[Part]:
        left, found = common.copy(), []
        for part in parts:
            if left[part.split, part.sha256]:
                left[part.split, part.sha256] -= 1
            else:
                found.append(part)
        return found

    return rest(a), rest(b), common.total()
