"""Numbers that were seen before, at eight bytes each."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_NEW = 1 << 14  # numbers that wait in Python before they are sorted in: some MiB at most
_LOW = np.uint64(0xFFFFFFFF)


class Sorted:
    """64-bit numbers in sorted arrays, in the order in which they came, each at least twice as long as the next.

    Memory: 8 bytes a number, 16 while two arrays become one. There are at most log2(n / 16384) arrays.
    """

    def __init__(self) -> None:
        self.runs: list[NDArray[np.uint64]] = []

    @property
    def nbytes(self) -> int:
        """Bytes that the arrays hold."""
        return sum(run.nbytes for run in self.runs)

    def add(self, numbers: Iterable[int], count: int) -> None:
        """Take in ``count`` numbers."""
        last = np.fromiter(numbers, np.uint64, count)
        while self.runs and len(self.runs[-1]) < 2 * len(last):
            last = np.concatenate([self.runs.pop(), last])
        last.sort()
        self.runs.append(last)


class Seen:
    """A set of 64-bit numbers that only grows.

    Two texts that share a 64-bit hash count as equal: among eight million of them, in one run of half a million.
    """

    def __init__(self) -> None:
        self._old, self._new = Sorted(), set[int]()

    @property
    def nbytes(self) -> int:
        """Bytes that grow with the numbers."""
        return self._old.nbytes

    def __contains__(self, number: int) -> bool:
        if number in self._new:
            return True
        value = np.uint64(number)
        for run in self._old.runs:
            at = int(run.searchsorted(value))
            if at < len(run) and run[at] == value:
                return True
        return False

    def add(self, number: int) -> None:
        """Take in a number that is not there yet."""
        self._new.add(number)
        if len(self._new) == _NEW:
            self._old.add(self._new, _NEW)
            self._new.clear()


class Postings:
    """Which entries were seen under a 32-bit key; at most ``limit`` of one key are told, the earliest first."""

    def __init__(self, limit: int = 64) -> None:
        self.limit = limit
        self._old = Sorted()
        self._new: dict[int, list[int]] = {}
        self._waiting = 0

    @property
    def nbytes(self) -> int:
        """Bytes that grow with the entries."""
        return self._old.nbytes

    def of(self, key: int) -> list[int]:
        """Return entries under a key, in the order in which they came."""
        found: list[int] = []
        bounds = np.array([key << 32, (key << 32) | int(_LOW)], np.uint64)
        for run in self._old.runs:
            first = int(run.searchsorted(bounds[0]))
            last = int(run.searchsorted(bounds[1], side="right"))
            found += (run[first:last][: self.limit] & _LOW).tolist()
        return (found + self._new.get(key, []))[: self.limit]

    def add(self, key: int, entry: int) -> None:
        """Note an entry, below 2**32 and higher than all before, under a key."""
        self._new.setdefault(key, []).append(entry)
        self._waiting += 1
        if self._waiting == _NEW:
            pairs = ((key << 32) | entry for key, entries in self._new.items() for entry in entries)
            self._old.add(pairs, _NEW)
            self._new, self._waiting = {}, 0
