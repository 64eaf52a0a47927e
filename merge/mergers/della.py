"""DELLA: elements are dropped at random, small ones more likely than large ones, then elected and merged."""

from typing import Self

from pydantic import Field, model_validator

from merge.base import Part, Weights
from merge.mergers import loops
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
                loops.draw_ranked(vector, part.uniform(role), share, self.epsilon, self.rescale)
        return self.elected(part)
