"""The generation log: every finished reply on disk under the key of its request, so that nothing is asked twice.

A folder of append-only segments. A segment is a row of frames, a frame a head (magic, rows, length, length unpacked,
CRC-32) and zstd-packed JSON lines. A kill can only cut off the last frame, which is dropped when the log is opened.
A full segment gets its keys sorted beside it, read as a mapped file: memory does not grow with the log.
"""

import json
import os
import struct
import time
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus import shards
from datacards.errors import UserError
from rephrase.requests import REFUSED, UNDONE, Reply

FRAME = 256  # rows, and
SECONDS = 1.0  # that a kill can cost at most
SEGMENT = 131_072  # rows of a segment
_HEAD = struct.Struct("<4sIIII")
_MAGIC = b"KGL1"
_COLUMNS = 3  # the two halves of a key, and its place: the byte of its frame times 2**16, plus the row
_ROW = 16  # bits of the row
_HELD = 64  # unpacked frames, since replies are read again in about the order in which they came


class _Place(NamedTuple):
    segment: int
    frame: int
    row: int


class _Keys(NamedTuple):
    """The keys of a full segment in their order, in halves, with their places."""

    high: npt.NDArray[np.uint64]
    low: npt.NDArray[np.uint64]
    place: npt.NDArray[np.uint64]


class Log:
    """The replies of one folder; one process writes at a time, from one thread. Close it to have all of it on disk."""

    def __init__(self, folder: Path, *, frame: int = FRAME, segment: int = SEGMENT) -> None:
        self.folder, self._rows_of_frame, self._rows_of_segment = folder, frame, segment
        self._sealed: list[_Keys] = []
        self._open: dict[bytes, tuple[int, int]] = {}  # key -> frame and row, of the segment that is written
        self._waiting: dict[bytes, bytes] = {}  # key -> line, not on disk yet
        self._since = 0.0
        self._frames: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()
        folder.mkdir(parents=True, exist_ok=True)
        paths = sorted(folder.glob("*.log"))
        self._paths = paths or [self._new(0)]
        for path in paths[:-1]:
            self._sealed.append(_keys(path))
        self._open = dict(_scanned(self._paths[-1]))
        self._stream = self._paths[-1].open("ab", buffering=0)

    def __len__(self) -> int:
        """Return how many replies the log holds."""
        return sum(len(keys.high) for keys in self._sealed) + len(self._open) + len(self._waiting)

    def __contains__(self, key: str) -> bool:
        """Whether the reply to the request of this key is known."""
        packed = _packed(key)
        return packed in self._waiting or self._found(packed) is not None

    def get(self, key: str) -> Reply | None:
        """Return the reply to the request of this key, or None when it has not been answered."""
        packed = _packed(key)
        if line := self._waiting.get(packed):
            return _reply(line)
        place = self._found(packed)
        return _reply(self._frame(place.segment, place.frame)[place.row]) if place else None

    def add(self, key: str, reply: Reply) -> None:
        """Keep a reply; it is on disk after ``FRAME`` further ones, or when ``flush`` is called.

        One that was refused or broken off is none: another server, or the same one later, may answer.
        """
        if reply.finish_reason in (REFUSED, *UNDONE):
            return
        packed = _packed(key)
        if packed in self._waiting or self._found(packed):
            return
        if not self._waiting:
            self._since = time.monotonic()
        row = {"key": key, **reply._asdict(), "logprobs": dict(reply.logprobs)}
        self._waiting[packed] = json.dumps(row, ensure_ascii=False, sort_keys=True).encode()
        if len(self._waiting) >= self._rows_of_frame or time.monotonic() - self._since >= SECONDS:
            self.flush()

    def tick(self) -> None:
        """Write what has waited for longer than ``SECONDS``; for a clock, since no reply may come for a while."""
        if self._waiting and time.monotonic() - self._since >= SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits as one frame; it is on the disk when this returns.

        OSError as of a full disk: then the frame is taken back, and what waits goes on waiting.
        """
        if not self._waiting:
            return
        at = self._stream.seek(0, os.SEEK_END)
        left = memoryview(_framed(list(self._waiting.values())))
        try:
            while left:
                left = left[self._stream.write(left) :]
            os.fsync(self._stream.fileno())
        except OSError:
            self._stream.truncate(at)
            raise
        for row, key in enumerate(self._waiting):
            self._open[key] = (at, row)
        self._waiting.clear()
        if len(self._open) >= self._rows_of_segment:
            self._seal()

    def close(self) -> None:
        """Write what waits and let go of the files, also when it cannot be written."""
        try:
            self.flush()
        finally:
            self._stream.close()

    def take_over(self, paths: Iterable[Path]) -> int:
        """Add the replies of the Parquet files ``replies/*.parquet`` of another version; return how many were new."""
        before = len(self)
        for path in paths:
            for row in shards.read(path, ["key", *(name for name in Reply._fields)]):
                key = row.pop("key")
                self.add(key, Reply(**{**row, "logprobs": json.loads(row["logprobs"] or "{}")}))
        self.flush()
        return len(self) - before

    def __iter__(self) -> Iterator[str]:
        """Yield the first 32 digits of the keys of all replies, in no order of meaning."""
        for keys in self._sealed:
            for high, low in zip(keys.high, keys.low, strict=True):
                yield f"{int(high):016x}{int(low):016x}"
        yield from (key.hex() for key in (*self._open, *self._waiting))

    def _found(self, packed: bytes) -> _Place | None:
        if place := self._open.get(packed):
            return _Place(len(self._sealed), *place)
        high, low = np.frombuffer(packed, ">u8").astype("<u8")
        for number in range(len(self._sealed) - 1, -1, -1):
            keys = self._sealed[number]
            at = int(keys.high.searchsorted(high))
            while at < len(keys.high) and keys.high[at] == high:
                if keys.low[at] == low:
                    frame, row = divmod(int(keys.place[at]), 1 << _ROW)
                    return _Place(number, frame, row)
                at += 1
        return None

    def _frame(self, segment: int, at: int) -> list[bytes]:
        if (held := self._frames.get((segment, at))) is not None:
            self._frames.move_to_end((segment, at))
            return held
        with self._paths[segment].open("rb") as stream:
            stream.seek(at)
            lines = _unframed(stream.read(_HEAD.size), stream.read)
        if lines is None:
            raise _damaged(self._paths[segment], at)
        self._frames[segment, at] = lines
        if len(self._frames) > _HELD:
            self._frames.popitem(last=False)
        return lines

    def _seal(self) -> None:
        """Close the segment that is written, lay its sorted keys beside it, and begin the next one."""
        self._stream.close()
        self._sealed.append(_sorted(self._open, self._paths[-1]))
        self._open = {}
        # Counted from the last one: a damaged segment may have been moved away.
        self._paths.append(self._new(int(self._paths[-1].stem) + 1))
        self._stream = self._paths[-1].open("ab", buffering=0)

    def _new(self, number: int) -> Path:
        path = self.folder / f"{number:06d}.log"
        path.touch()
        return path


def _packed(key: str) -> bytes:
    """Return the first 16 bytes of a key: two requests in 10**12 share them with a chance of one to 10**14."""
    return bytes.fromhex(key[:32])


def _reply(line: bytes) -> Reply:
    row = json.loads(line)
    del row["key"]
    return Reply(**row)


def _framed(lines: list[bytes]) -> bytes:
    raw = b"\n".join(lines)
    packed = pa.compress(raw, codec="zstd", asbytes=True)
    return _HEAD.pack(_MAGIC, len(lines), len(packed), len(raw), zlib.crc32(packed)) + packed


def _unframed(head: bytes, read: Any) -> list[bytes] | None:
    """Return the lines of a frame, or None where it is cut off or damaged."""
    if len(head) < _HEAD.size:
        return None
    magic, rows, length, size, crc = _HEAD.unpack(head)
    packed = read(length)
    if magic != _MAGIC or len(packed) < length or zlib.crc32(packed) != crc:
        return None
    lines: list[bytes] = pa.decompress(packed, size, codec="zstd", asbytes=True).split(b"\n")
    return lines if len(lines) == rows else None


def _scanned(path: Path) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Yield the keys of a segment with their frames and rows; cut off whatever stands behind the last whole frame."""
    end = 0
    with path.open("rb") as stream:
        while (lines := _unframed(stream.read(_HEAD.size), stream.read)) is not None:
            for row, line in enumerate(lines):
                yield _packed(json.loads(line)["key"]), (end, row)
            end = stream.tell()
        stream.seek(end)
        rest = stream.read()
    if (
        rest.find(_MAGIC, 1) >= 0
    ):  # no kill does that: whole frames stand behind it, and none of them may be lost
        raise _damaged(path, end)
    if rest:
        os.truncate(path, end)


def _damaged(path: Path, at: int) -> UserError:
    return UserError(
        "replies",
        f"{path.name} is damaged at byte {at:,}",
        "a log that only kills cut off",
        "restore the file or move it away: what it held is asked again",
    )


def _keys(path: Path) -> _Keys:
    """Return the sorted keys of a full segment, from beside it, or anew where they are not whole there."""
    try:
        return _mapped(path)
    except (OSError, ValueError, EOFError):
        return _sorted(dict(_scanned(path)), path)


def _mapped(path: Path) -> _Keys:
    """Return the keys that lie beside a segment. Raises OSError or ValueError where there are none, or not all of them."""
    beside = path.with_suffix(".npy")
    # A plain array over the mapped file: numpy's own class for these makes every look many times as dear.
    rows = np.asarray(np.load(beside, mmap_mode="r", allow_pickle=False))
    if rows.dtype != np.uint64 or rows.ndim != 2 or len(rows) != _COLUMNS:
        raise ValueError("another layout")
    return _Keys(*rows)


def _sorted(places: dict[bytes, tuple[int, int]], path: Path) -> _Keys:
    """Lay the keys of a segment, sorted, beside it, and return them as a mapped file."""
    keys = np.frombuffer(b"".join(places), ">u8").reshape(-1, 2).astype(np.uint64)
    place = np.fromiter((frame << _ROW | row for frame, row in places.values()), np.uint64, len(places))
    # Column by column: numpy copies a column of rows before it looks for anything in it.
    columns = np.stack([keys[:, 0], keys[:, 1], place])
    shards.write_array(path.with_suffix(".npy"), columns[:, np.lexsort((keys[:, 1], keys[:, 0]))])
    return _mapped(path)
