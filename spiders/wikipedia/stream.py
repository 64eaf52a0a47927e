"""Reads a large file as a stream of blocks: bzip2, gzip or plain; of one part or many; whole, cut off or hostile."""

import asyncio
import bz2
import hashlib
import logging
import sys
import time
import zlib
from collections.abc import Callable, Generator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar

from scrapy.exceptions import CloseSpider
from tqdm import tqdm

BLOCK = 1 << 18  # bytes that are unpacked at a time
PACKED = 1 << 14  # compressed bytes that are read at a time: so much is lost before a broken byte
RATIO = 100  # times the compressed size; real dumps have about 5, an attack a million
LEAST = 64 << 20  # bytes that are unpacked whatever the ratio
SAY_EVERY = 30.0  # seconds between two lines of progress where there is no terminal
BREATH = 0.05  # seconds after which the rest of a crawl gets its turn
Result = TypeVar("Result")
logger = logging.getLogger(__name__)


class Unpacked:
    """A file as blocks of unpacked bytes; what it is follows from its first bytes, never from its name.

    ``damage`` says after reading why it ended too early ("" for a whole file): the stream is cut off or broken,
    or it unpacks to more than any real file of its size. At most twice ``BLOCK`` unpacked bytes are held.
    """

    def __init__(self, path: Path) -> None:
        self.total = path.stat().st_size  # bytes, as stored
        self.damage = ""
        self._source = path.open("rb")
        head = self._source.read(4)
        self._source.seek(0)
        self._bzip = head.startswith(b"BZh")
        self._gzip = head.startswith(b"\x1f\x8b")
        self._bunzip = bz2.BZ2Decompressor()
        self._gunzip = zlib.decompressobj(wbits=31)
        self._left = max(LEAST, RATIO * self.total)

    def __enter__(self) -> "Unpacked":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.close()

    @property
    def done(self) -> int:
        """Bytes read so far, as stored."""
        return self._source.tell()

    def read(self) -> bytes:
        """Return the next block, b"" at the end; never raises for what is wrong with the bytes."""
        parts, size = [], 0
        while size < BLOCK and not self.damage:
            try:
                part = self._part()
            except (OSError, zlib.error) as error:
                self.damage = f"the compressed stream is broken: {error}"
                break
            if not part:
                break
            parts.append(part)
            size += len(part)
        self._left -= size
        if self._left < 0 and (self._bzip or self._gzip):
            self.damage = "it unpacks to far more than any real dump"
        return b"".join(parts)

    def _part(self) -> bytes:
        if self._bzip:
            return self._next(self._bz2, b"BZh")
        if self._gzip:
            return self._next(self._gz, b"\x1f\x8b")
        return self._source.read(BLOCK)

    def _next(self, unpack: Callable[[IO[bytes]], tuple[bytes, bool, bytes]], mark: bytes) -> bytes:
        part = b""
        while not part and not self.damage:
            part, ended, rest = unpack(self._source)
            if not ended:
                continue
            # A dump is many streams, one behind the other; what begins otherwise is padding.
            rest = rest if len(rest) >= len(mark) else rest + self._source.read(PACKED)
            if not rest.startswith(mark):
                self._bzip = self._gzip = False
                self._source.seek(0, 2)
                return part
            self._source.seek(-len(rest), 1)
            self._bunzip, self._gunzip = bz2.BZ2Decompressor(), zlib.decompressobj(wbits=31)
        return part

    def _bz2(self, source: IO[bytes]) -> tuple[bytes, bool, bytes]:
        packed = source.read(PACKED) if self._bunzip.needs_input else b""
        if self._bunzip.needs_input and not packed:
            self.damage = "the compressed stream ends early"
            return b"", False, b""
        part = self._bunzip.decompress(packed, BLOCK)
        return part, self._bunzip.eof, self._bunzip.unused_data

    def _gz(self, source: IO[bytes]) -> tuple[bytes, bool, bytes]:
        packed = self._gunzip.unconsumed_tail or source.read(PACKED)
        part = self._gunzip.decompress(packed, BLOCK)
        if not packed and not part and not self._gunzip.eof:
            self.damage = "the compressed stream ends early"
        return part, self._gunzip.eof, self._gunzip.unused_data


class Distance:
    """Says how far the reading of a file is: a bar on a terminal, else a line now and then with the time left."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total = what, total
        self.start = self.said = time.monotonic()
        self.bar: Any = None
        if sys.stderr.isatty():
            self.bar = tqdm(desc=what, total=total, unit="B", unit_scale=True, file=sys.stderr, leave=False)

    def at(self, done: int) -> None:
        """Say that ``done`` of the total bytes have been read."""
        if self.bar is not None:
            self.bar.update(done - self.bar.n)
            return
        now = time.monotonic()
        if now - self.said >= SAY_EVERY and done:
            self.said = now
            left = (now - self.start) * (self.total - done) / done
            logger.info(
                "%s: %.0f of %.0f MB, %.0f min left", self.what, done / 1e6, self.total / 1e6, left / 60
            )

    def close(self) -> None:
        """End the bar."""
        if self.bar is not None:
            self.bar.close()


def sha1_of(path: Path) -> Generator[None, None, str]:
    """Return the SHA-1 of a file as hexadecimal text, with a step for every few MiB."""
    digest = hashlib.sha1(usedforsecurity=False)  # what the dumps publish
    with path.open("rb") as stream:
        while block := stream.read(BLOCK << 4):
            digest.update(block)
            yield
    return digest.hexdigest()


def at_once(steps: Generator[None, None, Result]) -> Result:
    """Return what ``steps`` return at their end, without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


class Breath:
    """Gives the rest of a crawl its turn between the steps of long work; ends the work when the crawl ends."""

    def __init__(self, ending: Callable[[], bool]) -> None:
        self.ending = ending
        self.last = time.monotonic()

    async def take(self) -> None:
        """Pause if it is time; raise CloseSpider when the crawl is ending."""
        if time.monotonic() - self.last >= BREATH:
            await asyncio.sleep(0)
            self.last = time.monotonic()
        if self.ending():
            raise CloseSpider("shutdown")

    async def between(self, steps: Generator[None, None, Result]) -> Result:
        """Return what ``steps`` return at their end, with a breath between any two."""
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value
            await self.take()
