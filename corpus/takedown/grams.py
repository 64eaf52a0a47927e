"""The stretches of 13 letters and digits of removed texts: found again in anything that a version may hold.

A text is compared as ``corpus.folding`` has it, so that neither width, spacing nor punctuation hides it; a stretch is
known by its 64-bit rolling hash. Memory: 10 bytes for each different stretch.
"""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from corpus.contamination.ngrams import Hashes, candidates, hashes, sieve
from corpus.encoding import decode
from corpus.folding import fold
from datacards.takedown.eraser import Read
from datacards.takedown.removed import Mask
from datacards.takedown.tables import groups

GRAM = 13
APART = "\u9fff"  # between two strings that are searched together: a sign that no text has, and that folding keeps
_MERGE = 1 << 22  # stretches that are gathered before they are sorted
_CHARACTERS = 4_000_000  # folded at once
_TAG = re.compile(r"<(?:!--.{0,4000}?--|[^<>]{0,4000})>", re.DOTALL)
_READABLE = ("text/", "json", "xml", "html", "csv", "javascript")
_TEXTS = (".md", ".json", ".yaml", ".svg", ".html", ".txt", ".csv", ".jinja", "SHA256SUMS")
Numbers = NDArray[np.int64]


class Grams:
    """Stretches to look for: ``look_for`` them first, then ``settle``, then ``hear`` what others say."""

    def __init__(self) -> None:
        self._waiting: list[Hashes] = []
        self._count = 0
        self.keys: Hashes = np.zeros(0, np.uint64)
        self.said: Mask = np.zeros(0, np.bool_)
        self._table: Hashes = sieve(self.keys)

    @property
    def looked_for(self) -> int:
        """Number of different stretches that only removed texts say."""
        return len(self.keys) - self.also_said

    @property
    def also_said(self) -> int:
        """Number of those that others say, too."""
        return int(self.said.sum())

    def look_for(self, text: str) -> None:
        """Take the stretches of a removed text; one that is shorter is known by its id alone."""
        found = np.unique(hashes(fold(text).codes, GRAM))
        self._waiting.append(found)
        self._count += len(found)
        if self._count > _MERGE:
            self._gather()

    def _gather(self) -> None:
        self.keys = np.unique(np.concatenate([self.keys, *self._waiting]))
        self._waiting, self._count = [], 0

    def settle(self) -> "Grams":
        """End the looking for; begin the listening."""
        self._gather()
        self.said = np.zeros(len(self.keys), np.bool_)
        self._table = sieve(self.keys)
        return self

    def hear(self, table: pa.Table) -> Numbers:
        """Take what rows say as said by others; return how many places of each row share a stretch."""
        shared = np.zeros(table.num_rows, np.int64)
        for rows, keys in self._hits(table):
            self.said[keys] = True
            shared += np.bincount(rows, minlength=table.num_rows)
        return shared

    def hear_text(self, text: str) -> int:
        """Take what a text says as said by others; return how many of its places share a stretch."""
        _, keys = self._found(text, np.array([0]))
        self.said[keys] = True
        return len(keys)

    def leaks(self, table: pa.Table) -> Mask:
        """Return which rows hold something that only removed texts say."""
        mask = np.zeros(table.num_rows, np.bool_)
        for rows, keys in self._hits(table):
            mask[rows[~self.said[keys]]] = True
        return mask

    def leaks_in(self, text: str) -> bool:
        """Return whether a text holds something that only removed texts say."""
        _, keys = self._found(text, np.array([0]))
        return bool((~self.said[keys]).any())

    def own_keys(self, text: str) -> Numbers:
        """Return the numbers of the stretches that a text shares, to be judged when all others have been heard."""
        return np.unique(self._found(text, np.array([0]))[1])

    def _hits(self, table: pa.Table) -> Iterator[tuple[Numbers, Numbers]]:
        """Yield (rows, stretches) for the strings of all columns, nested ones too."""
        if not len(self.keys):
            return
        for column in table.column_names:
            for rows, strings in strings_of(table[column].combine_chunks(), np.arange(table.num_rows)):
                texts = strings.to_pylist()
                for first, last in _pieces(texts):
                    some = [_plain(text) for text in texts[first:last]]
                    ends = np.cumsum([len(text) for text in some])
                    which, keys = self._found("".join(some), np.concatenate([[0], ends[:-1]]))
                    if len(keys):
                        yield rows[first:last][which], keys

    def _found(self, text: str, starts: Numbers) -> tuple[Numbers, Numbers]:
        """Return (which text, which stretch) for texts one behind the other, none across the border of two."""
        folded = fold(text)
        places, keys = candidates(folded.codes, GRAM, self._table)
        if not len(places) or not len(self.keys):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        number = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        first = np.searchsorted(starts, folded.places[places], side="right") - 1
        last = np.searchsorted(starts, folded.places[places + GRAM - 1], side="right") - 1
        true = (self.keys[number] == keys) & (first == last)
        return first[true], number[true]

    # -- whole files ---------------------------------------------------------------------------------------

    def read_file(self, path: Path) -> Read:
        """Search a file: Parquet, JSON Lines and text; WARC segments are read by ``corpus.takedown.segments``."""
        read = Read(files=1, bytes=path.stat().st_size)
        where = f"{path.parent.name}/{path.name}"
        if path.suffix == ".parquet":
            for table in groups(path):
                read.strings += table.num_rows
                read.leaks += (number := int(self.leaks(table).sum()))
                read.where += [where] if number else []
        elif path.suffix == ".jsonl":
            for line in path.read_bytes().splitlines():
                self._read_text(APART.join(json_strings(json.loads(line))), where, read)
        elif path.name.endswith(_TEXTS):
            self._read_text(path.read_text("utf-8", "replace"), where, read)
        else:
            read.packed += 1
        return read

    def _read_text(self, text: str, where: str, read: Read) -> None:
        read.strings += 1
        if self.leaks_in(text):
            read.leaks += 1
            read.where.append(where)


def strings_of(column: pa.Array, rows: Numbers) -> Iterator[tuple[Numbers, pa.Array]]:
    """Yield the strings in a column of any type, each array with the rows that its strings stand in."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        yield from strings_of(column.dictionary_decode(), rows)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        there = column.is_valid()
        if pc.any(there).as_py():
            yield rows[np.asarray(there.to_numpy(zero_copy_only=False))], column.drop_null()
    elif pa.types.is_struct(kind):
        for number in range(kind.num_fields):
            yield from strings_of(pc.struct_field(column, [number]), rows)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        parents = np.asarray(pc.list_parent_indices(column))
        yield from strings_of(pc.list_flatten(column), rows[parents])
    elif pa.types.is_map(kind):
        pairs = pa.ListArray.from_arrays(
            column.offsets, pa.StructArray.from_arrays([column.keys, column.items], ["k", "v"])
        )
        yield from strings_of(pairs, rows)


def _pieces(texts: list[str]) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of texts that are folded together."""
    first = size = 0
    for at, text in enumerate(texts):
        if size and size + len(text) > _CHARACTERS:
            yield first, at
            first, size = at, 0
        size += len(text)
    if first < len(texts):
        yield first, len(texts)


def _plain(text: str) -> str:
    """Return what a string says: of JSON, which writes a line break as a letter, the strings inside of it."""
    if text[:1] in ("{", "["):
        try:
            return APART.join(json_strings(json.loads(text)))
        except (ValueError, RecursionError):
            return text
    return text


def json_strings(value: object) -> Iterator[str]:
    """Yield all strings in a value that JSON can hold, keys too."""
    if isinstance(value, str):
        yield _plain(value)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield str(name)
            yield from json_strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from json_strings(one)


def text_of_body(body: bytes, media_type: str) -> str | None:
    """Return what a body says to a reader, tags taken out; None for what is no text (PDF, ZIP, pictures)."""
    if not any(word in media_type for word in _READABLE) or body[:4] in (b"%PDF", b"PK\x03\x04"):
        return None
    text = decode(body).text
    if "json" in media_type:
        return _plain(text)
    return html.unescape(_TAG.sub("", text)) if "<" in text else text
