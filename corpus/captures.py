"""Reads the captures of a version back: an index in Parquet beside WARC 1.1 segments, every digest checked.

The writer is ``spiders.warc``; the two meet only in the file format. One capture is two WARC records, one gzip
member each: a ``response`` record (the HTTP response, ISO 28500:2017, section 6.3) and right behind it a
``metadata`` record (section 6.6) whose JSON holds what HTTP does not say: source, license, signals, meta.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from corpus.document import Capture
from corpus.shards import read
from datacards.errors import UserError

INDEX = "captures.parquet"
SCHEMA = pa.schema(
    [
        ("url", pa.string()),
        ("source", pa.string()),  # a publisher's series
        ("fetched_at", pa.timestamp("us", tz="UTC")),
        ("status", pa.int64()),  # HTTP status
        ("media_type", pa.string()),
        ("sha256", pa.string()),  # of the body
        ("n_bytes", pa.int64()),  # of the body
        ("license", pa.string()),
        ("kind", pa.string()),  # what the spider took it for: index, speech, filing, ...
        ("problem", pa.string()),  # why it is kept aside and no good document; "" for a good one
        ("warc", pa.string()),  # segment, relative to the version's folder
        ("offset", pa.int64()),  # of the response record's first byte in the segment
    ]
)
MAX_BODY = 8 << 30  # bytes of one body; a Wikipedia dump has about 4.5e9
MAX_HEADERS = 1 << 20  # bytes of the WARC and HTTP headers of one record, and of one metadata record
_BLOCK = 1 << 20


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
        rows = list(read(index))
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{folder.name}/{INDEX}", f"cannot be read: {error}", todo="restore it") from error
    for row in rows:
        yield _capture_of(folder, row)


def _capture_of(folder: Path, row: dict[str, Any]) -> Capture:
    name = row["warc"]
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise UserError(
            f"{folder.name}/{INDEX}", f"points outside of the version: {name!r}", todo="restore it"
        )
    try:
        with path.open("rb") as stream:
            capture, _ = read_at(stream, row["offset"], limit=row["n_bytes"])
    except OSError as error:
        raise UserError(
            f"{folder.name}/{name}", f"cannot be read: {error.strerror}", todo="restore it"
        ) from error
    if (capture.url, capture.sha256) != (row["url"], row["sha256"]):
        raise damaged(f"{folder.name}/{name}", row["offset"], "it is not the record that the index lists")
    return capture


def read_at(stream: IO[bytes], offset: int, limit: int = MAX_BODY) -> tuple[Capture, int]:
    """Return the capture whose response record begins at ``offset`` of a segment, and where the next begins.

    ``limit`` bounds the bytes of the body. Raises UserError for a record that is cut off, larger than the
    limit, no response followed by its metadata, or whose payload digest differs.
    """
    where = Path(str(stream.name)).name
    stream.seek(offset)
    response = _record(member(stream, limit + MAX_HEADERS), where, offset, "response")
    about = _record(member(stream, MAX_HEADERS), where, offset, "metadata")
    if about["headers"].get("WARC-Concurrent-To") != response["headers"].get("WARC-Record-ID"):
        raise damaged(where, offset, "its metadata record belongs to another response")
    digest = "sha256:" + hashlib.sha256(response["body"]).hexdigest()
    if response["headers"].get("WARC-Payload-Digest") != digest:
        raise damaged(where, offset, "the payload digest differs")
    try:
        said = json.loads(about["body"])
        capture = Capture(
            url=response["headers"]["WARC-Target-URI"],
            source=said["source"],
            fetched_at=datetime.fromisoformat(response["headers"]["WARC-Date"]),
            status=response["status"],
            headers=tuple(map(tuple, response["http_headers"])),
            media_type=said["media_type"],
            body=response["body"],
            license=said["license"],
            signals=said["signals"],
            meta=said["meta"],
        )
    except (KeyError, ValueError) as error:
        raise damaged(where, offset, f"its metadata cannot be read: {error!r}") from error
    return capture, stream.tell()


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


def _record(data: bytes, where: str, offset: int, kind: str) -> dict[str, Any]:
    try:
        record = next(iter(ArchiveIterator(BytesIO(data), no_record_parse=False)))
        found: dict[str, Any] = {
            "headers": dict(record.rec_headers.headers),
            "body": record.raw_stream.read(),
        }
        if record.http_headers:
            found["status"] = int(record.http_headers.get_statuscode())
            found["http_headers"] = record.http_headers.headers
    except (ArchiveLoadFailed, StopIteration, ValueError, EOFError) as error:
        raise damaged(where, offset, f"it is no WARC record ({error})") from error
    if record.rec_type != kind or (kind == "response" and "status" not in found):
        raise damaged(where, offset, f"it is a {record.rec_type} record where a {kind} record must be")
    return found


def damaged(where: str, offset: int, why: str) -> UserError:
    """Return the error for a record that cannot be trusted; it names the segment and the offset."""
    return UserError(
        f"{where}, record at offset {offset}", why, "", "restore the segment from a copy, or crawl again"
    )


def write_index(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the index of captures, sorted by url, then sha256; ``rows`` hold the columns of ``SCHEMA``."""
    ordered = sorted(rows, key=lambda row: (row["url"], row["sha256"], row["warc"], row["offset"]))
    pq.write_table(pa.Table.from_pylist(ordered, schema=SCHEMA), path, compression="zstd")
