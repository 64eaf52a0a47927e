"""The records of captures: each read once, copied as they are, and pointed at the bodies that moved."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corpus.captures import INDEX, MAX_HEADERS, member, read_at
from corpus.takedown.grams import APART, Grams, json_strings, text_of_body
from datacards.takedown.eraser import Read
from datacards.takedown.removed import Mask, Removed, among

Numbers = NDArray[np.int64]
Shifts = dict[str, tuple[Numbers, Numbers]]  # segment -> where its records were, where they are
Moved = dict[str, tuple[str, Shifts]]  # version -> its successor, and where its records are now
_LEVEL = 3  # of gzip, as the writer of segments has it
_PLACES = ["warc", "offset"]


@dataclass
class Walk:
    """Where the records of a version begin and end, by segment, and which rows of its index share a stretch.

    ``soft`` are rows that no document is made of (lists, errors, redirects) with the numbers of what they share;
    ``stale`` are segments that hold a record, listed nowhere any more, of something that goes.
    """

    bounds: dict[str, tuple[Numbers, Numbers]] = field(default_factory=dict)
    soft: dict[int, Numbers] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)
    packed: int = 0


@dataclass
class Listed:
    """The rows of an index, as far as each is needed: some 20 bytes each."""

    segments: list[str]
    segment: Numbers
    offset: Numbers
    gone: Mask
    soft: Mask

    @classmethod
    def read(cls, index: Path, removed: Removed) -> "Listed":
        """Read an index."""
        names: dict[str, int] = {}
        parts: list[list[NDArray[Any]]] = []
        columns = [*_PLACES, "url", "status", "kind", "problem"]
        with pq.ParquetFile(index) as file:
            for number in range(file.num_row_groups):
                table = file.read_row_group(number, columns=columns)
                own = table["warc"].combine_chunks().dictionary_encode()
                numbers = [names.setdefault(name, len(names)) for name in own.dictionary.to_pylist()]
                soft = among(table["kind"], {"index", "redirect"}) | ~among(table["problem"], {""})
                soft |= table["status"].to_numpy() != 200
                segment = np.array(numbers, np.int64)[own.indices.to_numpy(zero_copy_only=False)]
                gone = among(table["url"], removed.urls)
                parts.append([segment, table["offset"].to_numpy(), gone, soft])
        columns_ = (
            [np.concatenate(one) for one in zip(*parts, strict=True)] if parts else [np.zeros(0, int)] * 4
        )
        segment, offset, gone, soft = columns_
        return cls(list(names), segment, offset, gone.astype(bool), soft.astype(bool))


def walk(folder: Path, removed: Removed, search: Grams) -> Walk:
    """Read every record of a version; what a kept page says is heard, what a list says is noted to be judged later."""
    listed, found = Listed.read(folder / INDEX, removed), Walk()
    for number, name in enumerate(listed.segments):
        rows = np.flatnonzero(listed.segment == number)
        at = dict(zip(listed.offset[rows].tolist(), rows.tolist(), strict=True))
        starts, ends = [], []
        for start, end, url, text, packed in _records(folder / name):
            starts.append(start)
            ends.append(end)
            found.packed += packed
            row = at.get(start)
            if row is None:
                if url in removed.urls or len(search.own_keys(text)):
                    found.stale.add(name)
            elif listed.gone[row]:
                continue
            elif not listed.soft[row]:
                search.hear_text(text)
            elif len(keys := search.own_keys(text)):
                found.soft[row] = keys
        found.bounds[name] = np.array(starts, np.int64), np.array(ends, np.int64)
    return found


def _records(path: Path) -> Iterator[tuple[int, int, str, str, bool]]:
    """Yield (start, end, address, text, whether the body is no text) of every record of a segment.

    The text is what a body says to a reader, and what is said of it.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        member(stream, MAX_HEADERS)  # what the segment says of itself
        at = stream.tell()
        while at < size:
            entry, end = read_at(stream, at)
            text: str | None = ""
            if entry.capture and entry.capture.body:
                text = text_of_body(entry.capture.body, entry.capture.media_type)
            said = APART.join(json_strings([entry.said["meta"], entry.said["signals"]]))
            yield at, end, entry.url, (text or "") + APART + said, text is None
            at = end


def copy(
    path: Path, out: Path, bounds: tuple[Numbers, Numbers], keep: Numbers, *, changed: set[int], moved: Moved
) -> tuple[Numbers, Numbers]:
    """Copy the records of a segment that begin at ``keep``, in order; return where they were and where they are.

    ``bounds`` are the beginnings and ends of all its records. Those that begin at ``changed`` point at a body in a
    version that has a successor, as ``moved`` says. Nothing is written when no record stays.
    """
    starts, ends = bounds
    order = np.argsort(starts)
    last = dict(zip(starts[order].tolist(), ends[order].tolist(), strict=True))
    new = []
    if not len(keep):
        return keep, keep
    out.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as source, out.open("wb") as target:
        target.write(source.read(int(starts.min())))  # what the segment says of itself
        for start in keep.tolist():
            new.append(target.tell())
            source.seek(start)
            block = source.read(last[start] - start)
            target.write(_pointed(block, moved) if start in changed else block)
    return keep, np.array(new, np.int64)


def _pointed(block: bytes, moved: Moved) -> bytes:
    """Return the records of an unchanged or carried capture with where its body lies now."""
    stream = NamedStream(block)
    at = 0
    while True:
        record = member(stream, MAX_HEADERS)
        if stream.tell() == len(block):
            break
        at = stream.tell()
    head, _, body = record.partition(b"\r\n\r\n")
    said = json.loads(body.removesuffix(b"\r\n\r\n"))
    held_ = said["body"]
    version, segments = moved[held_["version"]]
    held_["offset"] = int(shifted(segments[held_["warc"]], np.array([held_["offset"]]))[0])
    held_["version"] = version
    new = json.dumps(said, ensure_ascii=False, sort_keys=True).encode()
    head = b"\r\n".join(
        b"Content-Length: %d" % len(new) if line.lower().startswith(b"content-length:") else line
        for line in head.split(b"\r\n")
    )
    pack = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return block[:at] + pack.compress(head + b"\r\n\r\n" + new + b"\r\n\r\n") + pack.flush()


class NamedStream(BytesIO):
    """Bytes with the name that errors tell."""

    name = "a record"


def shifted(shift: tuple[Numbers, Numbers], offsets: Numbers) -> Numbers:
    """Return where records are that were at ``offsets``."""
    old, new = shift
    if not len(old):
        return offsets
    at = np.minimum(np.searchsorted(old, offsets), len(old) - 1)
    return np.where(old[at] == offsets, new[at], offsets)


def read_segment(path: Path, search: Grams, removed: Removed) -> Read:
    """Search a segment again, bodies and what is said of them: nothing may leak, and no address that goes be there."""
    read = Read(files=1, bytes=path.stat().st_size)
    for start, _, url, text, packed in _records(path):
        read.strings += 1
        read.packed += packed
        if url in removed.urls or search.leaks_in(text):
            read.leaks += 1
            read.where.append(f"{path.name} at {start}")
    return read
