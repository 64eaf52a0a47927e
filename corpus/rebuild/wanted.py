"""The base documents that pointers need: what they may come from, where they were found, or why they were not."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus import shards
from corpus.document import Document
from datacards.rebuild.base import CAPTURE_MISSING, CHANGED_SINCE, OTHER_TEXT, Pending
from datacards.rebuild.groups import evidence, word_of, words
from datacards.rebuild.sources import Words, among, url_words

WITHDRAWN = "withdrawn"  # the publisher has taken the filing back, or a takedown names it
_DIGEST, _ADDRESS = 1, 2  # what was seen of an entry's evidence: the body itself, another body of its address
_LEFT = (
    "filing_",
    "taken_down",
)  # drops of filings that are withdrawn, hidden or gone begin so; those of takedowns
_ROW = np.dtype([("id", "<u8"), ("digest", "<u8"), ("url", "<u8")])
Rows = npt.NDArray[np.void]
Made = Callable[[dict[str, Any]], Document | None]


class Wanted:
    """Base documents by the first 64 bits of their ids: some 40 bytes for each, whatever their texts are.

    ``where`` is the number of the prepared file and the row in it, or -1. Two ids may share their bits: what is
    read there is compared with the whole id.
    """

    def __init__(self, passes: Callable[[], Iterable[Pending]], released: Words) -> None:
        base = _joined(map(_pointed, passes()))
        known = np.union1d(base["id"], released)
        rows = np.concatenate([base, _joined(_parents(one, known) for one in passes())])
        ids, first = np.unique(rows["id"], return_index=True)
        kept = ~among(ids, released)
        self.ids, first = ids[kept], first[kept]
        self.digests, self.urls = rows["digest"][first], rows["url"][first]
        self.sources: set[str] = set()  # of those whose address nobody tells
        for one in passes() if not self.urls.all() else ():
            self.sources.update(_sources(one, self.ids[self.urls == 0]))
        self.where = np.full(len(self.ids), -1, np.int64)
        self.seen = np.zeros(len(self.ids), np.uint8)
        self.reason = np.zeros(len(self.ids), np.int16)
        self.reasons = [""]
        self.files: list[Path] = []
        self._digest_order, self._url_order = np.argsort(self.digests), np.argsort(self.urls)

    def lacking(self) -> npt.NDArray[np.bool_]:
        """Return which documents were not found yet."""
        return self.where < 0

    def see(self, digests: Words, urls: Words) -> None:
        """Note what an index of captures holds."""
        self.seen[among(self.digests, np.unique(digests))] |= _DIGEST
        self.seen[among(self.urls, np.unique(urls))] |= _ADDRESS

    def take(self, path: Path, made: Made | None = None) -> None:
        """Look through a prepared file for documents that are wanted; ``made`` makes of a row what it became later."""
        number, first = len(self.files), 0
        self.files.append(path)
        columns = ["id", "drop.reason", "drop.sha256", "drop.url"]
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(1000, columns=None if made else columns):
                ids = batch["id"].to_pylist()
                if made:
                    documents = map(made, batch.to_pylist())
                    ids = [one.id if one else None for one in documents]
                self._place(ids, number, first)
                self._note(batch["drop"].to_pylist())
                first += len(batch)

    def _place(self, ids: list[str | None], number: int, first: int) -> None:
        found = np.fromiter((word_of(name or "") for name in ids), np.uint64, len(ids))
        if not len(self.ids):
            return
        at = np.minimum(np.searchsorted(self.ids, found), len(self.ids) - 1)
        for row in np.flatnonzero(self.ids[at] == found):
            if ids[row] and self.where[at[row]] < 0:
                self.where[at[row]] = (number << 32) | (first + int(row))

    def _note(self, drops: Iterable[dict[str, Any] | None]) -> None:
        for drop in drops:
            if drop is None:
                continue
            digest = np.uint64(word_of(drop["sha256"] or ""))
            entries = _equal(self.digests, self._digest_order, digest) if digest else self.ids[:0]
            if not len(entries):
                entries = _equal(self.urls, self._url_order, url_words([drop["url"]])[0])
            if drop["reason"] not in self.reasons:
                self.reasons.append(drop["reason"])
            self.reason[entries] = self.reasons.index(drop["reason"])

    def entry(self, name: str) -> int:
        """Return the number of a wanted document, or -1."""
        word = np.uint64(word_of(name))
        at = int(np.searchsorted(self.ids, word))
        return at if at < len(self.ids) and self.ids[at] == word else -1

    def why(self, name: str) -> tuple[str, str]:
        """Return why a document was not found, as outcome and detail."""
        at = self.entry(name)
        if at < 0:
            return OTHER_TEXT, ""
        detail = self.reasons[self.reason[at]]
        if detail.startswith(_LEFT):
            return WITHDRAWN, detail
        if self.seen[at] & _DIGEST:
            return OTHER_TEXT, detail
        return (CHANGED_SINCE if self.seen[at] & _ADDRESS else CAPTURE_MISSING), detail

    def rows(self, names: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield where a document was found and its prepared row, for those of ``names`` that were, in that order."""
        entries = [at for name in names if (at := self.entry(name)) >= 0 and self.where[at] >= 0]
        places = np.unique(self.where[entries]) if entries else np.empty(0, np.int64)
        for number in np.unique(places >> 32):
            own = places[places >> 32 == number] & 0xFFFFFFFF
            for row, found in zip(own, _taken(self.files[number], own), strict=True):
                yield (int(number) << 32) | int(row), found


def _pointed(pending: Pending) -> Rows:
    """Return id, digest and address of the base documents that pointers are."""
    pointers = pending.pointers.filter(pc.equal(pending.pointers["format"], "markdown"))
    rows = np.zeros(len(pointers), _ROW)
    rows["id"] = words(pointers["id"])
    rows["url"] = url_words(pointers["url"].to_pylist())
    rows["digest"] = [word_of(shas[0]) if shas else 0 for shas in evidence(pointers)]
    return rows


def _parents(pending: Pending, known: Words) -> Rows:
    """Return the base documents that derived pointers name and that are no pointers themselves; 0 for what nobody says."""
    pointers = pending.pointers.filter(pc.not_equal(pending.pointers["format"], "markdown"))
    found: dict[int, int] = {}
    for url, spans in zip(pointers["url"].to_pylist(), pointers["made_from"].to_pylist(), strict=True):
        parents = {span["id"] for span in spans}
        # Gathered documents are at several addresses, of which only that of the first one is told.
        address = int(url_words([url])[0]) if len(parents) == 1 else 0
        for parent in map(word_of, parents):
            found[parent] = found.get(parent, 0) or address
    rows = np.zeros(len(found), _ROW)
    rows["id"], rows["url"] = list(found), list(found.values())
    return rows[~among(rows["id"], known)]


def _sources(pending: Pending, wanted: Words) -> Iterator[str]:
    """Yield the sources of pointers with parents among ``wanted``."""
    columns = (pending.pointers[name].to_pylist() for name in ("source", "made_from"))
    for source, spans in zip(*columns, strict=True):
        if among(np.array([word_of(span["id"]) for span in spans], np.uint64), wanted).any():
            yield source


def _joined(parts: Iterable[Rows]) -> Rows:
    return np.concatenate([np.zeros(0, _ROW), *parts])


def _equal(values: Words, order: npt.NDArray[np.intp], value: np.uint64) -> npt.NDArray[np.intp]:
    start, end = (np.searchsorted(values, value, side, sorter=order) for side in ("left", "right"))
    return order[start:end]


def _taken(path: Path, rows: npt.NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file that ascending numbers name; only the row groups that hold some are read."""
    with pq.ParquetFile(path) as file:
        first = 0
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            own = rows[(rows >= first) & (rows < first + count)] - first
            if len(own):
                yield from file.read_row_group(group).take(pa.array(own)).to_pylist()
            first += count


def document_of(row: dict[str, Any]) -> Document | None:
    """Return the document of a prepared row with its facts, or None for what left."""
    if row["drop"] is not None:
        return None
    fields = {name: row[name] for name in shards.DOCUMENT.names}
    return shards.row_document(fields, map(shards.row_fact, row["facts"]))
