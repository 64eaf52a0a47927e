"""Numbers that were seen before, at eight bytes each."""

import numpy as np
from numpy.typing import NDArray

_NEW = 1 << 14  # numbers that wait in a Python set, about a MiB, before they are sorted in


class Seen:
    """A set of 64-bit numbers that only grows: sorted arrays, each at least twice as long as the next.

    Memory: 8 bytes a number, 16 while two arrays become one, and a MiB. A question costs a binary search in each of
    at most log2(n / 16384) arrays. Two texts that share a 64-bit hash count as equal: among eight million, once in
    half a million runs.
    """

    def __init__(self) -> None:
        self._runs: list[NDArray[np.uint64]] = []
        self._new: set[int] = set()

    def __len__(self) -> int:
        return len(self._new) + sum(map(len, self._runs))

    @property
    def nbytes(self) -> int:
        """Bytes that the sorted arrays hold."""
        return sum(run.nbytes for run in self._runs)

    def __contains__(self, number: int) -> bool:
        if number in self._new:
            return True
        value = np.uint64(number)
        for run in self._runs:
            at = int(run.searchsorted(value))
            if at < len(run) and run[at] == value:
                return True
        return False

    def add(self, number: int) -> None:
        """Take in a number that is not there yet."""
        self._new.add(number)
        if len(self._new) < _NEW:
            return
        last = np.fromiter(self._new, np.uint64, len(self._new))
        self._new.clear()
        while self._runs and len(self._runs[-1]) < 2 * len(last):
            last = np.concatenate([self._runs.pop(), last])
        last.sort()
        self._runs.append(last)


class Postings:
    """Which entries were seen under a 32-bit key: pairs of key and entry in one sorted 64-bit number each.

    Memory as for ``Seen``. At most ``limit`` entries of one key are told, the earliest first.
    """

    def __init__(self, limit: int = 64) -> None:
        self.limit = limit
        self._runs: list[NDArray[np.uint64]] = []
        self._new: dict[int, list[int]] = {}
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting + sum(map(len, self._runs))

    @property
    def nbytes(self) -> int:
        """Bytes that the sorted arrays hold."""
        return sum(run.nbytes for run in self._runs)

    def of(self, key: int) -> list[int]:
        """Return entries under a key, in the order in which they came."""
        found: list[int] = []
        first, last = np.uint64(key << 32), np.uint64((key << 32) | 0xFFFFFFFF)
        for run in self._runs:
            at = int(run.searchsorted(first))
            end = int(run.searchsorted(last, side="right"))
            found += (run[at : min(end, at + self.limit - len(found))] & np.uint64(0xFFFFFFFF)).tolist()
            if len(found) >= self.limit:
                return found
        return (found + self._new.get(key, []))[: self.limit]

    def add(self, key: int, entry: int) -> None:
        """Note an entry, below 2**32 and higher than all before, under a key."""
        self._new.setdefault(key, []).append(entry)
        self._waiting += 1
        if self._waiting < _NEW:
            return
        pairs = ((key << 32) | entry for key, entries in self._new.items() for entry in entries)
        last = np.fromiter(pairs, np.uint64, self._waiting)
        self._new, self._waiting = {}, 0
        while self._runs and len(self._runs[-1]) < 2 * len(last):
            last = np.concatenate([self._runs.pop(), last])
        last.sort()
        self._runs.append(last)
