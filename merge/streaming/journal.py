"""Remembers which blocks of a merge are written, so that one that is stopped goes on where it was."""

import hashlib
import json
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import xxhash
from numpy.typing import NDArray


class Written(NamedTuple):
    """One finished block: the fingerprint of its stored numbers and the sums that were measured."""

    fingerprint: str
    sums: list[Any]


def fingerprint(numbers: NDArray[Any]) -> str:
    """Return a fingerprint of stored numbers."""
    return xxhash.xxh3_64_hexdigest(numbers.view("u1").data)


class Journal:
    """A file with one line for every block that is written, each with its fingerprint.

    A line may be torn, and bytes that were handed to the system may be lost with the power: whoever goes on compares
    each block with its fingerprint and computes again what differs. A journal of another ``work`` is not gone on with.
    """

    def __init__(self, path: Path | None, work: str) -> None:
        self._path = path
        self._head = json.dumps({"work": hashlib.sha256(work.encode()).hexdigest()})
        self.known: dict[tuple[str, int, int], Written] = {}

    def __enter__(self) -> Self:
        if not self._path:
            return self
        kept = [self._head]
        lines = self._path.read_bytes().split(b"\n") if self._path.is_file() else []
        if lines[:1] == [self._head.encode()]:
            for line in lines[1:-1]:
                try:
                    tensor, first, last, mark, sums = json.loads(line)
                except ValueError:  # torn: what stands behind it is not trusted either
                    break
                self.known[tensor, first, last] = Written(mark, sums)
                kept.append(line.decode())
        self._path.write_text("\n".join(kept) + "\n", encoding="utf-8")
        self._file = self._path.open("a", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path:
            self._file.close()

    def note(self, tensor: str, first: int, last: int, written: Written) -> None:
        """Add one block."""
        if self._path and (tensor, first, last) not in self.known:
            self._file.write(
                json.dumps([tensor, first, last, *written], ensure_ascii=False, separators=(",", ":")) + "\n"
            )
            self._file.flush()
