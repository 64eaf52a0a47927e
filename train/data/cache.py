"""The tokens of one Parquet file, made once and kept by the digests of the file and of the tokenizer."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from datacards.drafts import sync
from datacards.errors import UserError
from datacards.places import sha256_of
from train.base import Shard
from train.data.tokenizer import Loaded

TOKENS, LENGTHS, SOURCES, NOTE = "tokens.bin", "lengths.bin", "sources.bin", "entry.json"
TYPES = {TOKENS: np.uint32, LENGTHS: np.uint32, SOURCES: np.uint16}
ROWS, CHARACTERS = 1_000, 1 << 20  # that are tokenized at once
NAMED, OTHERS = 10_000, "(others)"  # sources of one file that are told apart, and what the rest is called


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """What lies in the folder of one file: its tokens end to end, how many are of each row, and whose each row is."""

    folder: Path
    sources: tuple[str, ...]

    def array(self, name: str) -> NDArray[Any]:
        """Return one of its arrays; it stays on the disk until it is used."""
        path = self.folder / name
        if not path.stat().st_size:
            return np.zeros(0, TYPES[name])
        return np.memmap(path, TYPES[name], "r")


def place(cache: Path, key: str, shard: Shard) -> Path:
    """Return the folder of a shard's tokens, which is named by digests alone."""
    return cache / key[:16] / shard.sha256


def found(folder: Path, *, thorough: bool) -> Entry | None:
    """Return the entry in a folder when it is whole: the lengths of its files, and if ``thorough`` their digests, are as noted."""
    try:
        note = json.loads((folder / NOTE).read_bytes())
        for name, (size, sha256) in note["files"].items():
            path = folder / name
            if path.stat().st_size != size or (thorough and sha256_of(path) != sha256):
                return None
        return Entry(folder, tuple(note["sources"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # nothing there, or damaged


def make(folder: Path, shard: Shard, encode: Loaded, tell: Callable[[int], object]) -> None:
    """Tokenize a shard into ``folder``; ``tell`` hears of every few rows that are done.

    Whoever comes second waits, and then finds it made. A killed process leaves nothing that counts: the folder appears
    with all in it. Raises UserError for a file without the column ``text``.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _held(folder.with_name(f"{folder.name}.part"), folder) as part:
        if part is None:
            return
        for old in part.iterdir():
            old.unlink()
        sources = _write(part, shard, encode, tell)
        files = {name: ((part / name).stat().st_size, sha256_of(part / name)) for name in TYPES}
        note = {"files": files, "sources": sources}
        (part / NOTE).write_text(json.dumps(note, ensure_ascii=False), encoding="utf-8")
        for path in (*part.iterdir(), part):
            sync(path)
        shutil.rmtree(folder, ignore_errors=True)  # damaged, or it would have been used
        part.rename(folder)
        sync(folder.parent)


@contextmanager
def _held(part: Path, final: Path) -> Iterator[Path | None]:
    """Hold the folder ``part`` for this process; yield None where another one made ``final`` of it meanwhile."""
    while True:
        part.mkdir(exist_ok=True)
        try:
            descriptor = os.open(part, os.O_RDONLY)
        except FileNotFoundError:
            continue  # the one who held it has just finished
        try:
            fcntl.flock(
                descriptor, fcntl.LOCK_EX
            )  # freed by the kernel when its process dies, however it dies
            if found(final, thorough=True):
                with suppress(OSError):
                    part.rmdir()  # made by this process after the other's had become the entry
                yield None
                return
            if _is(part, descriptor):
                yield part
                return
        finally:
            os.close(descriptor)


def _is(path: Path, descriptor: int) -> bool:
    """Tell whether a path leads to the folder that is open, and not to one that has taken its name since."""
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def _write(part: Path, shard: Shard, encode: Loaded, tell: Callable[[int], object]) -> list[str]:
    """Write the arrays of a shard; return its sources in the order of their numbers."""
    numbers: dict[str, int] = {}
    with (
        (part / TOKENS).open("wb") as tokens,
        (part / LENGTHS).open("wb") as lengths,
        (part / SOURCES).open("wb") as sources,
    ):
        for texts, names in _texts(shard):
            rows = encode(texts)
            sizes = np.array([len(row) for row in rows], TYPES[LENGTHS])
            _append(lengths, sizes)
            _append(tokens, np.fromiter(chain.from_iterable(rows), TYPES[TOKENS], count=int(sizes.sum())))
            for name in names:
                if name not in numbers and len(numbers) <= NAMED:
                    numbers.setdefault(name if len(numbers) < NAMED else OTHERS, len(numbers))
            other = numbers.get(OTHERS, 0)
            _append(sources, np.array([numbers.get(name, other) for name in names], TYPES[SOURCES]))
            tell(len(texts))
    return list(numbers)


def _append(stream: BinaryIO, array: NDArray[Any]) -> None:
    stream.write(array.tobytes())


def _texts(shard: Shard) -> Iterator[tuple[list[str], list[str]]]:
    """Yield texts and sources of all rows in order, few enough at once to bound memory."""
    with pq.ParquetFile(shard.path) as file:
        columns = file.schema_arrow.names
        if "text" not in columns:
            raise UserError(shard.name, "has no column 'text'", f"its columns: {', '.join(columns)}")
        wanted = [column for column in ("text", "source") if column in columns]
        for batch in file.iter_batches(batch_size=ROWS, columns=wanted, use_threads=False):
            step = max(1, ROWS * CHARACTERS // max(batch.nbytes, CHARACTERS))
            for at in range(0, len(batch), step):
                part = batch.slice(at, step)
                texts = pc.fill_null(pc.cast(part["text"], pa.string()), "")
                if "source" in wanted:
                    names = pc.fill_null(pc.cast(part["source"], pa.string()), "").to_pylist()
                else:
                    names = [""] * len(part)
                yield texts.to_pylist(), names
