"""DELLA: elements are dropped at random, small ones more likely than large ones, then elected and merged."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from merge.base import Part, Weights
from merge.mergers.scaled import Sparse


class Della(Sparse):
    """``base + scale * mean(weight * dropped)`` over the models with the elected sign: arXiv 2406.11617.

    In each row (a vector is one row) the ``m`` elements have the ranks 0 to ``m - 1`` by magnitude as float32
    numbers, the smallest first and of ties that of lowest place first. An element is kept with the probability
    ``density + epsilon * (2 * rank / (m - 1) - 1)`` and then divided by it (the paper's MagPrune: its window is
    ``2 * epsilon``); ``rescale: false`` leaves out the division. Election and ``normalize`` are those of ``ties``. A
    density of 0 keeps nothing and of 1 everything; ``epsilon: 0`` is ``dare_ties``.
    """

    normalize: bool = True
    epsilon: float = Field(0.15, ge=0, lt=0.5)
    rescale: bool = True
    sees = "rows"

    @model_validator(mode="after")
    def _probabilities(self) -> Self:
        for share in (self.density, *self.densities.values()):
            if 0 < share < 1 and not 0 < share - self.epsilon <= share + self.epsilon < 1:
                raise ValueError(
                    f"density {share} with epsilon {self.epsilon} leaves the range between 0 and 1"
                )
        return self

    def combine(self, part: Part) -> Weights:
        """Return the base plus what dropping and election leave."""
        for role, vector in part.vectors.items():
            share = self.share(role)
            if share == 0:
                vector[...] = 0
            elif share < 1:
                last = vector.shape[-1] - 1
                likely = (
                    share + self.epsilon * (ranks(vector) * (2 / last) - 1) if last else np.full(1, share)
                )
                kept = part.uniform(role) < likely
                if self.rescale:
                    np.divide(vector, likely, out=vector)
                np.multiply(vector, kept, out=vector)
        return self.elected(part)


def ranks(vector: Weights) -> NDArray[Any]:
    """Return the rank of each element in its row by magnitude, from 0 for the smallest, in float64.

    The bits of a float32 magnitude with the column behind them make keys that all differ: sorting keys is many times as
    fast as a stable sort of places.
    """
    rows, columns = vector.shape
    keys = np.abs(vector).astype(np.float32).view(np.uint32).astype(np.uint64)
    keys <<= 32
    keys |= np.arange(columns, dtype=np.uint64)
    keys.sort(axis=-1)
    order = (keys & 0xFFFFFFFF).astype(np.int64)
    ranked = np.empty((rows, columns))
    np.put_along_axis(ranked, order, np.arange(columns, dtype=np.float64)[None, :], axis=-1)
    return ranked
