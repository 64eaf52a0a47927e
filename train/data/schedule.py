"""The order of a run: which rows a step reads, as a pure function of tokens, sizes and seed, whatever ran before."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from datacards.errors import UserError
from train.data.fitting import Ints, layout
from train.data.packing import Packed, Rows, lengths
from train.data.tokens import Tokens

HELD = 2  # packings that are kept at hand: a step may lie in two epochs


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Every epoch is a permutation of its rows of its own; only the very last step of a run may be short.

    A document of weight w is read floor((e + 1) w + u) - floor(e w + u) times in epoch e, where u in [0, 1) is drawn from
    seed, file and row: as often over all epochs as asked for, but for less than once. Epochs of whole weights share one packing, others
    have one each. A packing is made when a step needs it; how many rows it has is found from the lengths alone.
    """

    tokens: Tokens
    width: int
    rows_per_step: int
    epochs: int
    seed: int
    ends: Ints  # rows until the end of each epoch
    n_tokens: int
    whole: bool  # epochs are alike
    _packed: OrderedDict[int, Packed] = field(default_factory=OrderedDict)

    @classmethod
    def make(cls, tokens: Tokens, *, width: int, rows_per_step: int, epochs: int, seed: int) -> Self:
        """Return the order of a run over ``epochs`` epochs in rows of ``width`` tokens; raise UserError for an empty one."""
        whole = bool(np.all(tokens.times == np.floor(tokens.times)))
        n_rows, n_tokens = [], []
        for epoch in range(1 if whole else epochs):
            of_length = lengths(turns(tokens, epoch, seed), tokens.lengths, width)
            n_rows.append(layout(of_length, width).n_rows)
            n_tokens.append(int(of_length @ np.arange(width + 1)))
        if not sum(n_rows):
            raise UserError("train", "no epoch would read a token", todo="give more weight or more epochs")
        alike = epochs if whole else 1
        return cls(
            tokens,
            width,
            rows_per_step,
            epochs,
            seed,
            np.cumsum(n_rows * alike),
            sum(n_tokens * alike),
            whole,
        )

    @property
    def n_rows(self) -> int:
        """The number of rows of the first epoch."""
        return int(self.ends[0])

    @property
    def steps(self) -> int:
        """The number of steps in which every row of every epoch is used once."""
        return -(-int(self.ends[-1]) // self.rows_per_step)

    @property
    def fill(self) -> float:
        """The share of the rows' places that hold a token, over all epochs."""
        return self.n_tokens / (int(self.ends[-1]) * self.width)

    def rows(self, step: int) -> Rows:
        """Return the rows of a step (from 0)."""
        first = step * self.rows_per_step
        places = np.arange(first, min(first + self.rows_per_step, int(self.ends[-1])))
        epochs = np.searchsorted(self.ends, places, "right")
        parts = []
        for epoch in np.unique(epochs).tolist():
            begin = int(self.ends[epoch - 1]) if epoch else 0
            permutation = np.random.default_rng([self.seed, epoch]).permutation(int(self.ends[epoch]) - begin)
            parts.append(self._of(epoch).rows(permutation[places[epochs == epoch] - begin], self.tokens))
        return _joined(parts)

    def read(self) -> NDArray[np.bool_]:
        """Return which documents some epoch reads."""
        found = np.zeros(len(self.tokens.lengths), np.bool_)
        for epoch in range(1 if self.whole else self.epochs):
            found |= turns(self.tokens, epoch, self.seed) > 0
        return found

    def _of(self, epoch: int) -> Packed:
        key = 0 if self.whole else epoch
        if key not in self._packed:
            times = turns(self.tokens, epoch, self.seed)
            documents = np.repeat(np.arange(len(times), dtype=np.int32), times)
            self._packed[key] = Packed.of(documents, self.tokens.lengths, width=self.width, seed=self.seed)
            while len(self._packed) > HELD:
                self._packed.popitem(last=False)
        self._packed.move_to_end(key)
        return self._packed[key]


def turns(tokens: Tokens, epoch: int, seed: int) -> NDArray[np.int32]:
    """Return how often an epoch reads each document."""
    times = tokens.times
    if np.all(times == np.floor(times)):
        found = times.astype(np.int32)
    else:
        wide, drawn = times.astype(np.float64), tokens.drawn(seed)
        found = (np.floor((epoch + 1) * wide + drawn) - np.floor(epoch * wide + drawn)).astype(np.int32)
    found[tokens.lengths == 0] = 0
    return found


def _joined(parts: Sequence[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    lengths = [np.diff(part.starts) for part in parts]
    columns = ("first", "length", "document", "group")
    return Rows(
        np.concatenate(([0], np.cumsum(np.concatenate([np.zeros(0, np.int64), *lengths])))),
        *(np.concatenate([np.zeros(0, np.int64), *(getattr(p, name) for p in parts)]) for name in columns),
    )
