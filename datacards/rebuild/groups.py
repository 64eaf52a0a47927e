"""The pointers of a release, in groups: the files of one source and number, of all splits."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards.errors import UserError
from datacards.release.pointers import POINTER

FOLDER = "pointers"
MOST_ROWS, MOST_BYTES = 5_000_000, 2 << 30  # of one file of pointers, unpacked
FORMATS = ("markdown", "sections", "categories", "listing", "qa", "multiple_choice")
LEAF = re.compile(r"(?P<split>[A-Za-z0-9_]+)-(?P<source>[A-Za-z0-9_][A-Za-z0-9_.-]*)-(?P<number>[0-9]{5,9})")
_ID, _SHA = r"^[0-9a-f]{32}$", r"^[0-9a-f]{64}$"


class Group(NamedTuple):
    """The files of pointers of one number and source, named as files name it, by split."""

    source: str
    number: str
    files: tuple[tuple[str, Path], ...]

    @property
    def label(self) -> str:
        """What names the group in files of its own."""
        return f"{self.source}-{self.number}"


def groups_of(folder: Path) -> list[Group]:
    """Return the groups of the release in ``folder``, by number; raise UserError for a file that is named otherwise."""
    found: defaultdict[tuple[str, str], list[tuple[str, Path]]] = defaultdict(list)
    for path in sorted((folder / FOLDER).glob("*")):
        name = LEAF.fullmatch(path.stem)
        if not name or path.suffix != ".parquet":
            raise UserError(f"{FOLDER}/{path.name}", "is no file of pointers", "SPLIT-SOURCE-NNNNN.parquet")
        found[name["number"], name["source"]].append((name["split"], path))
    return [Group(source, number, tuple(files)) for (number, source), files in sorted(found.items())]


def read_group(group: Group) -> pa.Table:
    """Return the pointers of a group, split after split; raise UserError for what can be none."""
    return pa.concat_tables([_read(path) for _, path in group.files])


def group_rows(group: Group) -> list[int]:
    """Return how many pointers each split of a group has."""
    return [pq.read_metadata(path).num_rows for _, path in group.files]


def _read(path: Path) -> pa.Table:
    where = f"{FOLDER}/{path.name}"
    try:
        with pq.ParquetFile(path) as file:
            sizes = [file.metadata.row_group(n).total_byte_size for n in range(file.num_row_groups)]
            if file.metadata.num_rows > MOST_ROWS or sum(sizes) > MOST_BYTES:
                raise UserError(where, "is larger than any file of pointers", "", "do not use this release")
            if file.schema_arrow.names != POINTER.names:
                raise UserError(where, "has other columns than pointers have", ", ".join(POINTER.names))
            table = file.read().cast(POINTER)
    except (pa.ArrowException, OSError) as error:
        raise UserError(where, f"cannot be read: {error}", "", "download the release again") from error
    fits = {
        "id": pc.match_substring_regex(table["id"], _ID),
        "text_sha256": pc.match_substring_regex(table["text_sha256"], _SHA),
        "format": pc.is_in(table["format"], pa.array(FORMATS)),
        **{name: pc.is_valid(table[name]) for name in ("source", "url", "made_from", "license", "version")},
    }
    for name, right in fits.items():
        if not pc.all(pc.fill_null(right, False)).as_py() and len(table):
            raise UserError(where, f"its column '{name}' holds what no pointer has", "", "do not use it")
    return table


def word_of(text: str) -> int:
    """Return the first 16 hexadecimal digits of a hash as a number, 0 for what is no hash."""
    try:
        return int(text[:16], 16)
    except ValueError:
        return 0


def words(texts: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.uint64]:
    """Return hashes as numbers (see ``word_of``): enough to find them by, and 8 bytes for each."""
    return np.fromiter(map(word_of, texts.to_pylist()), np.uint64, len(texts))


def evidence(pointers: pa.Table) -> Iterator[list[str]]:
    """Yield the captures' SHA-256 of each pointer, none for what is made of other documents."""
    for spans in pointers["made_from"].to_pylist():
        yield [span["id"][7:] for span in spans if span["id"].startswith("sha256:")]
