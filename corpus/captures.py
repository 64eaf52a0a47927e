"""Reads the captures of a version back: an index in Parquet beside WARC 1.1 segments, every digest checked.

The writer is ``spiders.warc``; the two meet only in the file format. One row of the index is one of three states,
told by the records at its place, one gzip member each (ISO 28500:2017):

* ``new``: a ``response`` record (section 6.3) and right behind it a ``metadata`` record (6.6) whose JSON holds what
  HTTP does not say: source, license, signals, meta;
* ``unchanged``: the publisher was asked again and has the same bytes: a ``revisit`` record (6.7) and its metadata;
* ``carried``: the publisher was not asked again: the metadata record alone.

The body of the last two lies in an earlier version of the same name, where ``body_version``, ``body_warc`` and
``body_offset`` say; the card lists that version among its inputs.
"""

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from corpus.document import Capture
from datacards.card import VERSION
from datacards.errors import UserError

INDEX = "captures.parquet"
SCHEMA = pa.schema(
    [
        ("url", pa.string()),
        ("source", pa.string()),  # a publisher's series
        ("fetched_at", pa.timestamp("us", tz="UTC")),  # when the body came
        ("seen_at", pa.timestamp("us", tz="UTC")),  # when the publisher last had it so
        ("status", pa.int64()),  # HTTP status
        ("media_type", pa.string()),
        ("sha256", pa.string()),  # of the body
        ("n_bytes", pa.int64()),  # of the body
        ("license", pa.string()),
        ("kind", pa.string()),  # what the spider took it for: index, speech, filing, ...
        ("problem", pa.string()),  # why it is kept aside and no good document; "" for a good one
        ("etag", pa.string()),  # as the publisher gave it, to ask later whether the body has changed
        ("last_modified", pa.string()),
        ("state", pa.string()),  # new, unchanged or carried
        ("warc", pa.string()),  # segment, relative to the version's folder
        ("offset", pa.int64()),  # of the first byte of its records in the segment
        ("about", pa.int64()),  # of the first byte of its metadata record
        ("body_version", pa.string()),  # the version of the same name that holds the body; "" for this one
        ("body_warc", pa.string()),
        ("body_offset", pa.int64()),
    ]
)
MAX_BODY = 8 << 30  # bytes of one body
MAX_HEADERS = 1 << 20  # bytes of the WARC and HTTP headers of one record, and of one metadata record
_BLOCK = 1 << 20
_SEGMENT = re.compile(r"warc/\d{5}\.warc\.gz")


class Held(NamedTuple):
    """Where the body of an unchanged or carried capture lies, and what the index says of it."""

    version: str
    warc: str
    offset: int
    record: str  # its WARC-Record-ID
    fetched_at: str  # ISO 8601, UTC
    status: int
    sha256: str
    n_bytes: int
    etag: str
    last_modified: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What a segment says of one address: the whole ``capture``, or ``held``, where its unchanged body lies."""

    url: str
    state: str
    seen_at: datetime
    about: int  # where its metadata record begins
    said: dict[str, Any]  # source, license, media_type, signals, meta
    capture: Capture | None = None
    held: Held | None = None


def read_captures(folder: Path) -> Iterator[Capture]:
    """Yield the captures of the version in ``folder``, sorted by url, then sha256.

    Everything the crawl kept is yielded: error pages, redirects and index pages too (look at ``status``,
    ``meta["kind"]`` and ``meta["problem"]``). One body at a time is in memory. Raises UserError naming the
    segment and the offset of a record that is damaged or does not match the index.
    """
    index = folder / INDEX
    if not index.is_file():
        raise UserError(
            folder.name, f"holds no {INDEX}", "a captures version has one", "name a captures version"
        )
    try:
        with pq.ParquetFile(index) as file:
            yield from (
                capture_of(folder, row) for batch in file.iter_batches(1000) for row in batch.to_pylist()
            )
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{folder.name}/{INDEX}", f"cannot be read: {error}", todo="restore it") from error


def capture_of(folder: Path, row: Mapping[str, Any]) -> Capture:
    """Return the capture that one row of the index of the version in ``folder`` stands for.

    Raises UserError when its record, or the earlier one that holds its body, is missing or damaged.
    """
    entry = _entry_at(folder, row["warc"], row["offset"], row["n_bytes"])
    capture = entry.capture or body_of(folder.parent, entry)
    if (capture.url, capture.sha256) != (row["url"], row["sha256"]):
        raise damaged(
            f"{folder.name}/{row['warc']}", row["offset"], "it is not the record that the index lists"
        )
    return capture


def body_of(versions: Path, entry: Entry) -> Capture:
    """Return the capture of an unchanged or carried entry; ``versions`` is the folder of all versions of the name."""
    held = entry.held
    assert held is not None  # noqa: S101  an entry has one or the other
    if not VERSION.fullmatch(held.version):
        raise UserError(entry.url, f"its body is said to lie in {held.version!r}", todo="restore the segment")
    old = _entry_at(versions / held.version, held.warc, held.offset, held.n_bytes).capture
    if old is None or (old.url, old.sha256) != (entry.url, held.sha256):
        raise damaged(f"{held.version}/{held.warc}", held.offset, f"it does not hold the body of {entry.url}")
    said, signals, meta = entry.said, entry.said["signals"], entry.said["meta"]
    if (
        entry.state == "carried"
    ):  # the publisher was not asked: what was said then stands, what is known now is added
        signals, meta = old.signals, {**old.meta, **meta}
    return replace(old, source=said["source"], license=said["license"], signals=signals, meta=meta)


def _entry_at(folder: Path, name: str, offset: int, n_bytes: int) -> Entry:
    if not _SEGMENT.fullmatch(name):
        raise UserError(
            f"{folder.name}/{INDEX}", f"points outside of the version: {name!r}", todo="restore it"
        )
    try:
        with (folder / name).open("rb") as stream:
            return read_at(stream, offset, limit=n_bytes)[0]
    except OSError as error:
        raise UserError(
            f"{folder.name}/{name}", f"cannot be read: {error.strerror}", todo="restore it"
        ) from error


def read_at(stream: IO[bytes], offset: int, limit: int = MAX_BODY) -> tuple[Entry, int]:
    """Return the entry whose records begin at ``offset`` of a segment, and where the next begins.

    ``limit`` bounds the bytes of the body. Raises UserError for a record that is cut off, larger than the
    limit, none of the three states, or whose payload digest differs.
    """
    where = Path(str(stream.name)).name
    stream.seek(offset)
    first = _record(member(stream, limit + MAX_HEADERS), where, offset)
    about, place = first, offset
    if first["kind"] != "metadata":
        place = stream.tell()
        about = _record(member(stream, MAX_HEADERS), where, offset)
        if about["headers"].get("WARC-Concurrent-To") != first["headers"].get("WARC-Record-ID"):
            raise damaged(where, offset, "its metadata record belongs to another response")
    if about["kind"] != "metadata":
        raise damaged(where, offset, f"it is a {about['kind']} record where a metadata record must be")
    try:
        entry = _entry(first, json.loads(about["body"]), place)
    except (KeyError, ValueError, TypeError) as error:
        raise damaged(where, offset, f"its metadata cannot be read: {error!r}") from error
    if entry.capture and first["headers"].get("WARC-Payload-Digest") != f"sha256:{entry.capture.sha256}":
        raise damaged(where, offset, "the payload digest differs")
    return entry, stream.tell()


def _entry(first: dict[str, Any], said: dict[str, Any], about: int) -> Entry:
    headers, state = first["headers"], _STATES[first["kind"]]
    url, moment = headers["WARC-Target-URI"], datetime.fromisoformat(headers["WARC-Date"])
    if state != "new":
        seen_at = datetime.fromisoformat(said["seen_at"]) if "seen_at" in said else moment
        return Entry(url, state, seen_at, about, said, held=Held(**said["body"]))
    capture = Capture(
        url=url,
        source=said["source"],
        fetched_at=moment,
        status=first["status"],
        headers=tuple(map(tuple, first["http_headers"])),
        media_type=said["media_type"],
        body=first["body"],
        license=said["license"],
        signals=said["signals"],
        meta=said["meta"],
    )
    return Entry(url, state, moment, about, said, capture=capture)


def said_at(folder: Path, name: str, about: int) -> dict[str, Any]:
    """Return what the metadata record at ``about`` of a segment says, without reading the body beside it."""
    try:
        with (folder / name).open("rb") as stream:
            stream.seek(about)
            record = _record(member(stream, MAX_HEADERS), name, about)
            return dict(json.loads(record["body"]))
    except (OSError, ValueError) as error:
        raise damaged(f"{folder.name}/{name}", about, f"its metadata cannot be read: {error!r}") from error


def member(stream: IO[bytes], limit: int) -> bytes:
    """Return what one gzip member holds, leaving the stream at the first byte behind it.

    zlib checks the member's CRC. Raises UserError when the member is cut off, damaged, or holds more than
    ``limit`` bytes, without unpacking more than that.
    """
    where, offset = Path(str(stream.name)).name, stream.tell()
    unpack, parts, size = zlib.decompressobj(zlib.MAX_WBITS | 16), [], 0
    try:
        while not unpack.eof:
            packed = unpack.unconsumed_tail or stream.read(_BLOCK)
            if not packed:
                raise damaged(where, offset, "it is cut off")
            part = unpack.decompress(packed, _BLOCK)
            parts.append(part)
            if (size := size + len(part)) > limit:
                raise damaged(where, offset, f"it holds more than {limit} bytes")
    except zlib.error as error:
        raise damaged(where, offset, f"it is damaged ({error})") from error
    stream.seek(-len(unpack.unused_data), 1)
    return b"".join(parts)


_STATES = {"response": "new", "revisit": "unchanged", "metadata": "carried"}


def _record(data: bytes, where: str, offset: int) -> dict[str, Any]:
    try:
        record = next(iter(ArchiveIterator(BytesIO(data), no_record_parse=True)))
        block = record.raw_stream.read()
        found: dict[str, Any] = {
            "kind": record.rec_type,
            "headers": dict(record.rec_headers.headers),
            "body": block,
        }
        if record.rec_type in ("response", "revisit"):
            found |= _http(block)
    except (ArchiveLoadFailed, StopIteration, ValueError, IndexError, EOFError) as error:
        raise damaged(where, offset, f"it is no WARC record ({error})") from error
    if found["kind"] not in _STATES:
        raise damaged(where, offset, f"it is a {found['kind']} record where a capture must be")
    return found


def _http(block: bytes) -> dict[str, Any]:
    """Return status, headers and body of an HTTP response; header bytes are told one by one, as latin-1 characters."""
    head, _, body = block.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return {"status": int(status.split(" ", 2)[1]), "http_headers": headers, "body": body}


def damaged(where: str, offset: int, why: str) -> UserError:
    """Return the error for a record that cannot be trusted; it names the segment and the offset."""
    return UserError(
        f"{where}, record at offset {offset}", why, "", "restore the segment from a copy, or crawl again"
    )
