"""Packs documents into rows of equal length, and lays rows out as a model takes them."""

import math
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from train.data.fitting import Ints, Layout, layout

IGNORE = -100  # the label of a position that predicts nothing
GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """Documents cut into pieces of at most ``width`` tokens and packed; no token is lost and none is used twice.

    ``document`` says of every piece whose it is, the pieces of a document one after the other, and ``order`` has the
    pieces by length, the longest first. Memory is 8 bytes a piece.
    """

    document: NDArray[np.int32]
    order: NDArray[np.int32]
    of_length: Ints
    layout: Layout
    stride: Ints
    shift: Ints
    width: int

    @classmethod
    def of(cls, documents: NDArray[np.int32], lengths: NDArray[np.int32], *, width: int, seed: int) -> Self:
        """Pack ``documents``, of which one that is to be read twice is named twice, side by side.

        ``lengths`` are those of all documents by number. Equal inputs give equal packings.
        """
        pieces = -(-lengths[documents] // width)
        document = np.repeat(documents, pieces)
        length = np.minimum(lengths[document], width)
        last = np.cumsum(pieces)[pieces > 1] - 1
        length[last] -= (pieces[pieces > 1] * width - lengths[documents[pieces > 1]]).astype(length.dtype)
        # Sorting 16 bits takes a third of the time of sorting 32.
        longest_first = (width - length).astype(np.uint16 if width < 1 << 16 else np.int32)
        order = np.argsort(longest_first, kind="stable").astype(np.int32)
        of_length = np.bincount(length, minlength=width + 1)
        stride, shift = _mixing(of_length, seed)
        return cls(document, order, of_length, layout(of_length, width), stride, shift, width)

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return self.layout.n_rows

    def rows(self, numbers: Ints, tokens: "Placed") -> "Rows":
        """Return the rows of these numbers."""
        places = [self.layout.row(number) for number in numbers.tolist()]
        starts = np.cumsum([0, *map(len, places)])
        pieces = self.order[self._mixed(np.concatenate([np.zeros(0, np.int64), *places]))].astype(np.int64)
        document = self.document[pieces].astype(np.int64)
        nth = pieces - np.searchsorted(self.document, document.astype(np.int32))
        lengths = tokens.lengths[document].astype(np.int64)
        nth %= np.maximum(1, -(-lengths // self.width))  # a document that is read twice lies there twice
        length = np.minimum(self.width, lengths - nth * self.width)
        first = tokens.first(document) + nth * self.width
        return Rows(starts, first, length, document, tokens.group[document].astype(np.int64))

    def _mixed(self, places: Ints) -> Ints:
        """Return which place of the order a place of the layout stands for.

        Among pieces of one length any will do. Neighbors in the order would fill whole rows with the documents of one
        source, or with one document and its own copies; these strides are far apart, and come to every piece once.
        """
        ends = np.cumsum(self.of_length[::-1])
        size = self.width - np.searchsorted(ends, places, "right")
        begin, n = ends[self.width - size] - self.of_length[size], np.maximum(1, self.of_length[size])
        return np.asarray(begin + ((places - begin) * self.stride[size] + self.shift[size]) % n, np.int64)


def lengths(times: NDArray[np.int32], of_documents: NDArray[np.int32], width: int) -> Ints:
    """Return how many pieces of each length, 0 to ``width``, documents give that are read that many times."""
    whole, rest = np.divmod(of_documents, width)
    found = np.bincount(rest, times, minlength=width + 1).astype(np.int64)
    found[0] = 0
    found[width] = whole @ times.astype(np.int64)
    return found


def _mixing(of_length: Ints, seed: int) -> tuple[Ints, Ints]:
    """Return for every length a stride that has no divisor in common with the number of its pieces, and a beginning."""
    stride = np.ones(len(of_length), np.int64)
    for size in np.flatnonzero(of_length > 2).tolist():
        n = int(of_length[size])
        stride[size] = next(s for s in range(int(n * GOLDEN), 2 * n) if math.gcd(s, n) == 1)
    return stride, np.random.default_rng([seed, len(of_length)]).integers(0, np.maximum(1, of_length))


class Placed(Protocol):
    """What packing needs of tokens: how long each document is, where it begins, and which group it is of."""

    @property
    def lengths(self) -> NDArray[np.int32]:
        """The number of tokens of each document."""

    @property
    def group(self) -> NDArray[np.int16]:
        """The group of each document."""

    def first(self, documents: Ints) -> Ints:
        """Return the places of the first tokens of documents."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some rows: row ``r`` is the pieces ``starts[r]`` to ``starts[r + 1]``.

    Piece ``p`` is the tokens ``first[p]`` to ``first[p] + length[p]`` of all tokens, and part of the document
    ``document[p]``, which is of the group ``group[p]``.
    """

    starts: Ints
    first: Ints
    length: Ints
    document: Ints
    group: Ints

    @property
    def n(self) -> int:
        """The number of rows."""
        return len(self.starts) - 1

    def tokens(self) -> Ints:
        """Return how many tokens each row holds."""
        ahead = np.concatenate(([0], np.cumsum(self.length)))
        return np.asarray(np.diff(ahead[self.starts]), np.int64)

    def targets(self) -> Ints:
        """Return how many tokens each row predicts: all but the first of each piece."""
        return self.tokens() - np.diff(self.starts)

    def groups(self) -> dict[int, int]:
        """Return how many tokens are of each group."""
        count = np.bincount(self.group, self.length)
        return {int(group): int(count[group]) for group in np.flatnonzero(count)}


class Readable(Protocol):
    """What a batch needs of tokens."""

    def read(self, first: int, n: int) -> NDArray[np.uint32]:
        """Return ``n`` tokens from place ``first`` on."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as a model takes them, all of shape (rows, longest row); ``labels`` are shifted already."""

    input_ids: Ints
    position_ids: Ints
    labels: Ints
    borders: NDArray[
        np.int32
    ]  # where each piece begins when the rows are laid end to end, and the end of the last


def batch(rows: Rows, tokens: Readable, part: slice, n_rows: int) -> Batch:
    """Return the ``part`` of ``rows`` as one batch of ``n_rows`` rows; rows that are missing predict nothing.

    ``position_ids`` begin at 0 with every piece: that, and passing no attention mask, is what keeps the
    documents of a row from seeing each other. What is left of a row is filled with a last piece of zeros.
    """
    chosen = range(rows.n)[part]
    held = rows.tokens()[part]
    width = int(held.max(initial=0)) or 2
    pieces = slice(rows.starts[chosen.start], rows.starts[chosen.stop])
    first, length = rows.first[pieces].tolist(), rows.length[pieces]
    words = [tokens.read(begin, n) for begin, n in zip(first, length.tolist(), strict=True)]
    line = np.repeat(np.arange(len(chosen)), held)
    at = line * width + np.arange(len(line)) - np.repeat(np.cumsum(held) - held, held)
    within = np.arange(len(line)) - np.repeat(np.cumsum(length) - length, length)
    ids = np.zeros((n_rows, width), np.int64)
    labels = np.full((n_rows, width), IGNORE, np.int64)
    positions = np.tile(np.arange(width), (n_rows, 1))
    positions[: len(chosen)] -= held[:, None]  # what is left of a row
    if words:
        flat = np.concatenate(words).astype(np.int64)
        ids.ravel()[at], positions.ravel()[at] = flat, within
        ahead = within[1:] > 0  # the next token is of the same piece
        labels.ravel()[at[:-1][ahead]] = flat[1:][ahead]
    begins = np.flatnonzero(positions.ravel() == 0)
    return Batch(ids, positions, labels, np.append(begins, positions.size).astype(np.int32))
