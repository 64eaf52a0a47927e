"""Model Stock: how far the mean of several models is from their base follows from the angle between them."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacards.errors import UserError
from merge.base import Merger, Part, Weights
from merge.mergers import gram


class ModelStock(Merger):
    """``t * mean(model) + (1 - t) * base`` with ``t = N cos / (1 + (N - 1) cos)``: arXiv 2403.19522.

    ``N`` models; ``cos`` is the mean over all pairs of the cosine of their task vectors in this tensor (0 where a
    vector is all zero). The paper's geometry knows no angle above 90 degrees: for a mean cosine below 0
    ``t`` is 0, the base, where the bare formula would go to the other side of it, without bound.
    """

    passes = 1

    def check(self, roles: Sequence[str]) -> None:
        """Raise UserError for a single model, which has no angle to another."""
        if len(roles) < 2:
            raise UserError("merge", "model_stock of one model", "it needs two or more", "name another model")

    def measure(self, part: Part, number: int) -> NDArray[np.float64]:
        """Return the inner products of the task vectors."""
        del number
        return gram.products(list(part.vectors.values()))

    def settle(self, total: Any, number: int, n: int, found: Any) -> float:
        """Return the mean cosine."""
        del number, n, found
        whole = gram.total(total or [])
        cosines = [gram.cosine(whole, one, other) for one, other in combinations(range(len(whole)), 2)]
        return sum(cosines) / len(cosines) if cosines else 0.0

    def combine(self, part: Part) -> Weights:
        """Return the base plus ``t`` times the mean of the task vectors."""
        count = len(part.vectors)
        cosine = max(0.0, part.found)
        t = count * cosine / (1 + (count - 1) * cosine)
        merged = part.base
        for vector in part.vectors.values():
            merged += np.multiply(vector, t / count, out=vector)
        return merged
