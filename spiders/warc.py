"""Writes captures as WARC 1.1 segments so that a crawl killed at any moment goes on where it stopped.

The layout and the reader are in ``corpus.captures``. Every record is one gzip member that is handed to the
operating system at once, so a killed process loses at most the record it was writing; every few records are
forced to the disk, so a power cut loses at most those. Follows ISO 28500:2017 (WARC 1.1).
"""

import json
import logging
import os
import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from corpus.captures import INDEX, MAX_HEADERS, member, read_at, write_index
from corpus.document import Capture
from datacards.errors import UserError

SEGMENTS = "warc"
SYNC_EVERY = 8  # captures
_LENGTHS = ("content-length", "content-encoding", "transfer-encoding")

logger = logging.getLogger(__name__)


class Segments:
    """The captures of one version in the making: ``warc/00000.warc.gz`` and so on below ``folder``.

    Opening a folder that holds segments already reads them, drops what a killed run left unfinished at the
    end, and goes on behind it. ``rows`` holds one index row for every URL; the newest capture of a URL wins.
    """

    def __init__(self, folder: Path, roll: int = 256 << 20) -> None:
        """Open the segments below ``folder``; a segment of ``roll`` bytes or more is followed by a new one."""
        self.folder, self.roll = folder, roll
        self.rows: dict[str, dict[str, Any]] = {}
        self._unsynced = 0
        (folder / SEGMENTS).mkdir(parents=True, exist_ok=True)
        found = sorted((folder / SEGMENTS).glob("*.warc.gz"))
        for path in found:
            self._recover(path, last=path == found[-1])
        self._number = len(found) - 1
        self._stream = self._open(found[-1]) if found else self._next()

    def __enter__(self) -> "Segments":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, capture: Capture) -> None:
        """Append one capture; when this returns, a killed process does not lose it."""
        if self._stream.tell() >= self.roll:
            self._stream.close()
            self._stream = self._next()
        offset = self._stream.tell()
        writer = _writer(self._stream)
        response = _response(writer, capture)
        writer.write_record(response)
        writer.write_record(_metadata(writer, capture, response.rec_headers.get_header("WARC-Record-ID")))
        self._sync()
        self.rows[capture.url] = _row(capture, Path(self._stream.name), offset)

    def find(self, url: str) -> Capture | None:
        """Return the capture of ``url`` that is in the segments already, or None."""
        row = self.rows.get(url)
        if row is None:
            return None
        with (self.folder / row["warc"]).open("rb") as stream:
            return read_at(stream, row["offset"])[0]

    def close(self, *, index: bool = False) -> None:
        """Force everything to the disk and, when ``index``, write ``captures.parquet``."""
        if not self._stream.closed:
            self._sync(force=True)
            self._stream.close()
        if index:
            write_index(self.folder / INDEX, list(self.rows.values()))

    def _next(self) -> IO[bytes]:
        self._number += 1
        return self._open(self.folder / SEGMENTS / f"{self._number:05d}.warc.gz")

    def _open(self, path: Path) -> IO[bytes]:
        stream = path.open("ab")
        if stream.tell() == 0:
            writer = _writer(stream)
            info = {"software": "kanagura", "format": "WARC File Format 1.1"}
            writer.write_record(writer.create_warcinfo_record(path.name, info))
        return stream

    def _sync(self, *, force: bool = False) -> None:
        self._stream.flush()
        self._unsynced += 1
        if force or self._unsynced >= SYNC_EVERY:
            os.fsync(self._stream.fileno())
            self._unsynced = 0

    def _recover(self, path: Path, *, last: bool) -> None:
        """Read a segment of an earlier run; cut an unfinished end off the last one."""
        at, size = 0, path.stat().st_size
        with path.open("rb") as stream:
            try:
                if size:
                    member(stream, MAX_HEADERS)
                    at = stream.tell()
                while at < size:
                    capture, end = read_at(stream, at)
                    self.rows[capture.url] = _row(capture, path, at)
                    at = end
            except UserError as error:
                if not last:
                    raise
                logger.info("dropped the unfinished end of the last segment: %s", error.format_message())
        if at < size:
            os.truncate(path, at)


def _writer(stream: IO[bytes]) -> WARCWriter:
    return WARCWriter(stream, gzip=True, warc_version="WARC/1.1")


def _response(writer: WARCWriter, capture: Capture) -> Any:
    # The body is kept as decoded, so the lengths and codings of the transfer would lie about it. They are kept
    # under the X-Crawl- names that other archives use for the same purpose.
    headers = [
        (f"X-Crawl-{name}" if name.lower() in _LENGTHS else name, value) for name, value in capture.headers
    ]
    try:
        phrase = HTTPStatus(capture.status).phrase
    except ValueError:
        phrase = "Unknown"
    return writer.create_warc_record(
        capture.url,
        "response",
        payload=BytesIO(capture.body),
        length=len(capture.body),
        http_headers=StatusAndHeaders(f"{capture.status} {phrase}", headers, protocol="HTTP/1.1"),
        warc_headers_dict={
            "WARC-Record-ID": _identifier(capture, "response"),
            "WARC-Date": _instant(capture.fetched_at),
            "WARC-Payload-Digest": f"sha256:{capture.sha256}",
        },
    )


def _metadata(writer: WARCWriter, capture: Capture, response_id: str) -> Any:
    said = {
        "source": capture.source,
        "license": capture.license,
        "media_type": capture.media_type,
        "signals": dict(capture.signals),
        "meta": dict(capture.meta),
    }
    body = json.dumps(said, ensure_ascii=False, sort_keys=True).encode()
    return writer.create_warc_record(
        capture.url,
        "metadata",
        payload=BytesIO(body),
        length=len(body),
        warc_content_type="application/json",
        warc_headers_dict={
            "WARC-Record-ID": _identifier(capture, "metadata"),
            "WARC-Date": _instant(capture.fetched_at),
            "WARC-Concurrent-To": response_id,
        },
    )


def _identifier(capture: Capture, kind: str) -> str:
    """Return a record ID that follows from the record, so that equal captures give equal segments."""
    name = f"{kind} {capture.url} {_instant(capture.fetched_at)} {capture.sha256}"
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}>"


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _row(capture: Capture, path: Path, offset: int) -> dict[str, Any]:
    return {
        "url": capture.url,
        "source": capture.source,
        "fetched_at": capture.fetched_at,
        "status": capture.status,
        "media_type": capture.media_type,
        "sha256": capture.sha256,
        "n_bytes": len(capture.body),
        "license": capture.license,
        "kind": capture.meta.get("kind", ""),
        "problem": capture.meta.get("problem", ""),
        "warc": f"{SEGMENTS}/{path.name}",
        "offset": offset,
    }
