"""Fits pieces of given lengths into rows with hardly a gap.

Best-fit decreasing (arXiv 2404.10830): the longest piece first, each into the row with the least room that
still takes it. Only lengths matter, and rows that hold the same lengths lie side by side: all pieces of one length go
into whole runs of such rows at once. So the layout of millions of pieces is a few thousand runs, found in moments.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Run(NamedTuple):
    """``rows`` rows from ``row`` on hold ``each`` pieces more, in order: those from ``piece`` on, longest first."""

    row: int
    rows: int
    each: int
    piece: int


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How pieces of given lengths are laid into rows, whosever they are; a row of it is found in the runs that cover it."""

    runs: Ints  # (number of runs, 4), as in Run, in the order in which they were laid
    n_rows: int

    def row(self, number: int) -> Ints:
        """Return which pieces form a row, as places in the order of their lengths."""
        row, rows, each, piece = self.runs.T
        here = np.flatnonzero((row <= number) & (number < row + rows))
        begin = piece[here] + (number - row[here]) * each[here]
        ends = np.cumsum(each[here])
        return np.asarray(
            np.repeat(begin - ends + each[here], each[here]) + np.arange(ends[-1] if len(ends) else 0),
            np.int64,
        )


def layout(of_length: Ints, width: int) -> Layout:
    """Return the layout of ``of_length[n]`` pieces of n tokens each, n from 0 to ``width``, in rows of ``width`` tokens."""
    open_rows = _Open(width)
    runs: list[Run] = []
    piece = 0
    for size in np.flatnonzero(of_length)[::-1].tolist():
        if size:
            waiting = int(of_length[size])
            runs.extend(open_rows.lay(size, waiting, piece))
            piece += waiting
    return Layout(np.array(runs, np.int64).reshape(-1, 4), open_rows.n)


class _Open:
    """Rows by the room that is left in them; those with one room are runs of neighbors."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.n = 0
        self.room: dict[
            int, list[tuple[int, int]]
        ] = {}  # free places -> runs of rows: the first and how many
        self.has = np.zeros(width + 1, bool)

    def lay(self, size: int, waiting: int, piece: int) -> Iterator[Run]:
        """Yield the runs that take ``waiting`` pieces of one size, ``piece`` being the first of them."""
        while waiting:
            free, runs = self._tightest(size, waiting)
            most = free // size
            for row, rows in runs:
                full = min(rows, waiting // most)
                part = waiting % most if full < rows else 0
                for begin, n, each in ((row, full, most), (row + full, 1, part)):
                    if n and each:
                        yield Run(begin, n, each, piece)
                        self._keep(begin, n, free - each * size)
                        piece, waiting = piece + n * each, waiting - n * each
                done = full + bool(part)
                self._keep(row + done, rows - done, free)

    def _tightest(self, size: int, waiting: int) -> tuple[int, list[tuple[int, int]]]:
        free = int(np.argmax(self.has[size:])) + size
        if self.has[free]:
            self.has[free] = False
            return free, self.room.pop(free)
        opened = -(
            -waiting // (self.width // size)
        )  # no open row takes one: open as many as all of them need
        self.n += opened
        return self.width, [(self.n - opened, opened)]

    def _keep(self, row: int, rows: int, free: int) -> None:
        if free and rows:
            self.room.setdefault(free, []).append((row, rows))
            self.has[free] = True
