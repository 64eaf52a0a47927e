"""Documents whose tokens lie in one array, packed without a corpus."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.data import packing
from train.data.fitting import Ints
from train.data.packing import Batch, Packed, Rows


@dataclass(frozen=True)
class Flat:
    """Documents that lie at ``offsets`` (n + 1 of them) in the tokens ``flat``, all of one group."""

    offsets: Ints
    flat: NDArray[np.uint32]

    @property
    def lengths(self) -> NDArray[np.int32]:
        """The number of tokens of each document."""
        return np.diff(self.offsets).astype(np.int32)

    @property
    def group(self) -> NDArray[np.int16]:
        """Zeros."""
        return np.zeros(len(self.offsets) - 1, np.int16)

    def first(self, documents: Ints) -> Ints:
        """Return where documents begin."""
        return self.offsets[documents]

    def read(self, first: int, n: int) -> NDArray[np.uint32]:
        """Return ``n`` tokens from a place on."""
        return self.flat[first : first + n]


@dataclass(frozen=True)
class Plan:
    """A packing and what it packs."""

    packed: Packed
    offsets: Ints

    def rows(self, numbers: Ints) -> Rows:
        """Return the rows of these numbers."""
        return self.packed.rows(numbers, Flat(self.offsets, np.zeros(0, np.uint32)))


def pack(offsets: Ints, width: int) -> Plan:
    """Pack the documents that lie at ``offsets``."""
    lengths = np.diff(offsets).astype(np.int32)
    return Plan(Packed.of(np.arange(len(lengths), dtype=np.int32), lengths, width=width, seed=0), offsets)


def batch(plan: Plan, flat: NDArray[np.uint32], rows: Ints, n_rows: int) -> Batch:
    """Return the rows of these numbers as one batch."""
    tokens = Flat(plan.offsets, flat)
    return packing.batch(plan.rows(rows), tokens, slice(None), n_rows)
