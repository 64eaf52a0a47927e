"""Writes captures as WARC 1.1 segments so that a crawl killed at any moment goes on where it stopped.

The layout and the reader are in ``corpus.captures``. Every record is one gzip member that is handed to the
operating system at once, so a killed process loses at most the record it was writing; at least every second the
segment is forced to the disk, so a power cut loses at most that second. Follows ISO 28500:2017 (WARC 1.1).
"""

import logging
import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO

from corpus.captures import INDEX, MAX_HEADERS, Entry, body_of, capture_of, read_at, said_at
from corpus.captures import member as read_member
from corpus.document import Capture
from datacards.errors import UserError
from spiders.records import Carried, Visit, carried, entry_of, held_by, instant, member, members, validators
from spiders.rows import Row, Rows

SEGMENTS = "warc"
SYNC_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Segments:
    """The captures of one version in the making: ``warc/00000.warc.gz`` and so on below ``folder``.

    Opening a folder that holds segments already reads them, drops what a killed run left unfinished at the
    end, and goes on behind it. ``rows`` holds one index row for every URL; the newest capture of a URL wins.
    """

    def __init__(
        self,
        folder: Path,
        roll: int = 256 << 20,
        *,
        work: Path | None = None,
        earlier: Sequence[Path] = (),
    ) -> None:
        """Open the segments below ``folder``; a segment of ``roll`` bytes or more is followed by a new one.

        ``work`` is a folder for the index in the making (in memory if there is none). ``earlier`` are the folders
        of finished versions of the same name, oldest first: what has not changed since refers to them.
        """
        self.folder, self.roll = folder, roll
        self.versions = earlier[-1].parent if earlier else folder.parent
        self.written = 0  # bytes of bodies that were new
        self._synced = 0.0
        self._known = {path.name for path in earlier}
        (folder / SEGMENTS).mkdir(parents=True, exist_ok=True)
        self.rows = Rows(work / "rows.sqlite" if work else None)
        self.rows.read_earlier(earlier)
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
        self.free()

    def write(self, visit: Visit | Capture) -> Row:
        """Append one capture and return its index row; when this returns, a killed process does not lose it.

        A fetched body that an earlier version holds byte for byte is not written again (a revisit record).
        """
        visit = Visit(visit) if isinstance(visit, Capture) else visit
        capture, sha256 = visit.capture, visit.capture.sha256
        before = self.rows.get(capture.url, "earlier")
        held = held_by(before) if before and _same(before, capture, sha256) else None
        # A 304 was answered with the earlier body itself; what was fetched anew can mend a damaged one.
        if held and visit.how == "new" and self.find_earlier(capture.url) is None:
            held = None
        if visit.how != "new" and held is None:
            raise ValueError(f"no earlier version holds {capture.url}")
        entry = entry_of(visit, held, sha256)
        self.written += len(capture.body) if held is None else 0
        size = len(capture.body)
        return self._append(entry, members(visit, entry, sha256), sha256, size, capture.status)

    def carry(self, item: Carried) -> Row:
        """Append what says that an earlier version's capture still stands; raise ValueError if none holds it."""
        row = self.rows.get(item.url, "earlier")
        if row is None:
            raise ValueError(f"no earlier version holds {item.url}")
        said = said_at(self.versions / row["version"], row["warc"], row["about"])
        entry, record = carried(item, row, said)
        return self._append(entry, [record], row["sha256"], row["n_bytes"], row["status"])

    def _append(self, entry: Entry, records: list[bytes], sha256: str, n_bytes: int, status: int) -> Row:
        if self._stream.tell() >= self.roll:
            self._sync(force=True)
            self._stream.close()
            self._stream = self._next()
        offset = self._stream.tell()
        self._stream.write(b"".join(records))
        self._sync()
        segment = f"{self._number:05d}.warc.gz"
        entry = replace(entry, about=offset + sum(map(len, records[:-1])))
        row = _row(entry, sha256=sha256, n_bytes=n_bytes, status=status, segment=segment, offset=offset)
        self.rows.put(row)
        return row

    def find(self, url: str) -> Capture | None:
        """Return the capture of ``url`` that is in the segments already, or None.

        One that cannot be read is given up, with a warning: it will be asked for again.
        """
        row = self.rows.get(url)
        if row is None:
            return None
        try:
            with (self.folder / row["warc"]).open("rb") as stream:
                entry, _ = read_at(stream, row["offset"])
            return entry.capture or body_of(self.versions, entry)
        except UserError as error:
            self._forget(url, "here", error)
            return None

    def find_earlier(self, url: str) -> Capture | None:
        """Return the good capture of ``url`` that the newest earlier version with one holds, or None.

        One that cannot be read is given up, with a warning: nothing will refer to it.
        """
        row = self.rows.get(url, "earlier")
        if row is None:
            return None
        place = {"warc": row["body_warc"], "offset": row["body_offset"]}
        try:
            return capture_of(self.versions / row["body_version"], {**row, **place})
        except UserError as error:
            self._forget(url, "earlier", error)
            return None

    def _forget(self, url: str, table: str, error: UserError) -> None:
        logger.warning("%s; %s is fetched again", error.format_message(), url)
        for one in {table, "earlier"}:
            self.rows.forget(url, one)

    def close(self, *, index: bool = False) -> None:
        """Force everything to the disk and, when ``index``, write ``captures.parquet``."""
        if self._stream.closed:
            return
        self._sync(force=True)
        self._stream.close()
        if index:
            self.rows.write_index(self.folder / INDEX)

    def free(self) -> None:
        """Give up the index in the making; the segments stay."""
        self.close()
        self.rows.close()

    def _next(self) -> IO[bytes]:
        self._number += 1
        return self._open(self.folder / SEGMENTS / f"{self._number:05d}.warc.gz")

    def _open(self, path: Path) -> IO[bytes]:
        stream = path.open("ab")
        if stream.tell() == 0:
            info = b"software: kanagura\r\nformat: WARC File Format 1.1\r\n"
            now = instant(datetime.now(UTC))
            stream.write(
                member(
                    "warcinfo",
                    now,
                    "application/warc-fields",
                    info,
                    {"WARC-Filename": path.name, "WARC-Record-ID": f"<urn:uuid:{uuid.uuid4()}>"},
                )
            )
            stream.flush()
        return stream

    def _sync(self, *, force: bool = False) -> None:
        self._stream.flush()
        now = time.monotonic()
        if force or now - self._synced >= SYNC_SECONDS:
            os.fsync(self._stream.fileno())
            self._synced = now

    def _recover(self, path: Path, *, last: bool) -> None:
        """Read a segment of an earlier run; cut an unfinished end off the last one."""
        at, size = 0, path.stat().st_size
        with path.open("rb") as stream:
            try:
                if size:
                    read_member(stream, MAX_HEADERS)
                    at = stream.tell()
                while at < size:
                    entry, end = read_at(stream, at)
                    # What refers to a version that is gone now is asked for again.
                    if entry.held is None or entry.held.version in self._known:
                        self.rows.put(_row_found(entry, path.name, at))
                    at = end
            except UserError as error:
                if not last:
                    raise
                logger.info("dropped the unfinished end of the last segment: %s", error.format_message())
        if at < size:
            os.truncate(path, at)


def _same(before: Row, capture: Capture, sha256: str) -> bool:
    """Return whether an earlier version holds these bytes as what they are now said to be."""
    now = (sha256, capture.media_type, 200)
    return (before["sha256"], before["media_type"], capture.status) == now


def _row(entry: Entry, *, sha256: str, n_bytes: int, status: int, segment: str, offset: int) -> Row:
    """Return the index row of an entry; the three numbers are those of the body, wherever it lies."""
    held, said = entry.held, entry.said
    if held:
        told = {"etag": held.etag, "last_modified": held.last_modified}
    else:
        told = validators(entry.capture.headers if entry.capture else ())
    return {
        **told,
        "url": entry.url,
        "source": said["source"],
        "fetched_at": datetime.fromisoformat(held.fetched_at) if held else entry.seen_at,
        "seen_at": entry.seen_at,
        "status": status,
        "media_type": said["media_type"],
        "sha256": sha256,
        "n_bytes": n_bytes,
        "license": said["license"],
        "kind": said["meta"].get("kind", ""),
        "problem": said["meta"].get("problem", ""),
        "state": entry.state,
        "warc": f"{SEGMENTS}/{segment}",
        "offset": offset,
        "about": entry.about,
        "body_version": held.version if held else "",
        "body_warc": held.warc if held else "",
        "body_offset": held.offset if held else 0,
    }


def _row_found(entry: Entry, segment: str, offset: int) -> Row:
    """Return the index row of an entry that was read from a segment."""
    held, capture = entry.held, entry.capture
    if held:
        sha256, n_bytes, status = held.sha256, held.n_bytes, held.status
    else:
        assert capture is not None  # noqa: S101  an entry has one or the other
        sha256, n_bytes, status = capture.sha256, len(capture.body), capture.status
    return _row(entry, sha256=sha256, n_bytes=n_bytes, status=status, segment=segment, offset=offset)
