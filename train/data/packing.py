"""Packs documents into rows of equal length with hardly a gap, and says which row comes when.

Best-fit decreasing (arXiv 2404.10830): the longest piece first, each into the row with the least room that
still takes it. Since only lengths matter, all pieces of one length and all rows with one room are handled
together, which packs millions of documents in seconds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
IGNORE = -100  # the label of a position that predicts nothing


@dataclass(frozen=True, slots=True)
class Plan:
    """Which piece lies in which row: the pieces ``pieces[starts[r]:starts[r + 1]]`` form row ``r``.

    Piece ``p`` is the tokens ``first[p]`` to ``first[p] + length[p]`` of the flat token file. A document longer
    than a row is cut into several pieces; no token is lost and none is used twice.
    """

    first: Ints
    length: Ints
    pieces: Ints
    starts: Ints
    width: int

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(self.starts) - 1

    @property
    def fill(self) -> float:
        """The share of the rows' places that hold a token."""
        return float(self.length.sum() / (self.n_rows * self.width)) if self.n_rows else 0.0

    def targets(self) -> Ints:
        """Return how many tokens each row predicts: all but the first of each piece."""
        ahead = np.concatenate(([0], np.cumsum(self.length[self.pieces] - 1)))
        return np.asarray(ahead[self.starts[1:]] - ahead[self.starts[:-1]], np.int64)

    def tokens(self) -> Ints:
        """Return how many tokens each row holds."""
        ahead = np.concatenate(([0], np.cumsum(self.length[self.pieces])))
        return np.asarray(ahead[self.starts[1:]] - ahead[self.starts[:-1]], np.int64)


def pack(offsets: Ints, width: int) -> Plan:
    """Return the plan for documents that lie at ``offsets`` (n + 1 of them) in the token file.

    ``width`` is the number of tokens of a row. Equal inputs give equal plans.
    """
    lengths = np.diff(offsets)
    counts = -(-lengths // width)  # pieces of each document
    document = np.repeat(np.arange(len(lengths)), counts)
    nth = np.arange(len(document)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = offsets[:-1][document] + nth * width
    length = np.minimum(width, lengths[document] - nth * width)
    row = _best_fit(length, width)
    order = np.argsort(row, kind="stable")
    n_rows = int(row.max()) + 1 if len(row) else 0
    starts = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=n_rows)))) if n_rows else np.zeros(1)
    return Plan(first, length, order, starts.astype(np.int64), width)


def _best_fit(length: Ints, width: int) -> Ints:
    """Return the row of each piece."""
    rows = _Rows(len(length), width)
    by_length = np.argsort(-length, kind="stable")
    sizes, begins = np.unique(-length[by_length], return_index=True)
    for size, begin, end in zip(-sizes, begins, [*begins[1:], len(length)], strict=True):
        waiting = by_length[begin:end]
        while len(waiting):
            waiting = rows.fill(waiting, int(size))
    return rows.of


class _Rows:
    """Open rows by the room that is left in them."""

    def __init__(self, n_pieces: int, width: int) -> None:
        self.of = np.empty(n_pieces, np.int64)  # piece -> row
        self.width = width
        self.room: dict[int, list[Ints]] = {}  # free places -> the rows that have them
        self.has = np.zeros(width + 1, bool)
        self.opened = 0

    def fill(self, waiting: Ints, size: int) -> Ints:
        """Put pieces of one size into the rows with the least room for them; return those still waiting."""
        free, rows = self._tightest(len(waiting), size)
        each = free // size
        full = min(len(rows), len(waiting) // each)
        self.of[waiting[: full * each]] = np.repeat(rows[:full], each)
        self._keep(rows[:full], free - each * size)
        waiting, rows = waiting[full * each :], rows[full:]
        if len(rows) and len(waiting):
            self.of[waiting] = rows[0]
            self._keep(rows[:1], free - len(waiting) * size)
            waiting, rows = waiting[:0], rows[1:]
        self._keep(rows, free)
        return waiting

    def _tightest(self, n: int, size: int) -> tuple[int, Ints]:
        free = int(np.argmax(self.has[size:])) + size
        if self.has[free]:
            self.has[free] = False
            return free, np.concatenate(self.room.pop(free))
        needed = -(-n // (self.width // size))  # no open row takes one: open as many as all of them need
        self.opened += needed
        return self.width, np.arange(self.opened - needed, self.opened)

    def _keep(self, rows: Ints, free: int) -> None:
        if free and len(rows):
            self.room.setdefault(free, []).append(rows)
            self.has[free] = True


@dataclass(frozen=True, slots=True)
class Order:
    """Which rows form the batch of a step: a pure function of the seed, whatever was trained before.

    Every epoch is a permutation of its own; a batch may span the end of one and the beginning of the next, and
    only the very last may be short.
    """

    n_rows: int
    rows_per_step: int
    epochs: int
    seed: int

    @property
    def steps(self) -> int:
        """The number of steps in which every row is used once per epoch."""
        return -(-self.n_rows * self.epochs // self.rows_per_step)

    def rows(self, step: int) -> Ints:
        """Return the rows of a step (from 0)."""
        first = step * self.rows_per_step
        places = np.arange(first, min(first + self.rows_per_step, self.n_rows * self.epochs))
        epochs = places // self.n_rows
        chosen = np.empty(len(places), np.int64)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            chosen[here] = self._permutation(int(epoch))[places[here] % self.n_rows]
        return chosen

    def _permutation(self, epoch: int) -> Ints:
        return np.random.default_rng([self.seed, epoch]).permutation(self.n_rows)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as a model takes them, all of shape (rows, longest row); ``labels`` are shifted already."""

    input_ids: Ints
    position_ids: Ints
    labels: Ints
    borders: NDArray[
        np.int32
    ]  # where each piece begins when the rows are laid end to end, and the end of the last


def batch(plan: Plan, tokens: NDArray[np.uint32], rows: Ints, n_rows: int) -> Batch:
    """Return ``rows`` as one batch of ``n_rows`` rows; rows that are missing predict nothing.

    ``position_ids`` begin at 0 with every piece: that, and passing no attention mask, is what keeps the
    documents of a row from seeing each other. What is left of a row is filled with a last piece of zeros.
    """
    members = [plan.pieces[plan.starts[row] : plan.starts[row + 1]] for row in rows]
    width = max([int(plan.length[pieces].sum()) for pieces in members], default=2)
    ids = np.zeros((n_rows, width), np.int64)
    positions = np.zeros((n_rows, width), np.int64)
    positions[:] = np.arange(width)
    labels = np.full((n_rows, width), IGNORE, np.int64)
    for line, pieces in enumerate(members):
        at = 0
        for piece in pieces:
            n, first = int(plan.length[piece]), int(plan.first[piece])
            words = tokens[first : first + n]
            ids[line, at : at + n] = words
            positions[line, at : at + n] = np.arange(n)
            labels[line, at : at + n - 1] = words[1:]
            at += n
        positions[line, at:] = np.arange(width - at)
    begins = np.flatnonzero(positions.ravel() == 0)
    return Batch(ids, positions, labels, np.append(begins, positions.size).astype(np.int32))
