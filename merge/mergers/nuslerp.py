"""NuSLERP: spherical linear interpolation between two task vectors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacards.errors import UserError
from merge.base import Part, Weighted, Weights
from merge.mergers import gram

FLAT = (
    1 - 1e-12
)  # the cosine above which arc and line are the same in every format, and the sine is near zero


class NuSlerp(Weighted):
    """``base + (sin((1 - t) a) * one + sin(t a) * other) / sin(a)`` on task vectors, ``a`` their angle.

    The method is of mergekit (https://github.com/arcee-ai/mergekit), the formula Shoemake's
    (https://doi.org/10.1145/325165.325242): unlike ``slerp`` it turns what was learned, not the weights, and task
    vectors have large angles. The angle is that of the two whole tensors. ``t`` is the second weight divided by the
    sum of the weights, one half where the sum is 0. Parallel, opposite and zero vectors are interpolated on the line.
    """

    passes = 1

    def check(self, roles: Sequence[str]) -> None:
        """Raise UserError unless there are two models."""
        super().check(roles)
        if len(roles) != 2:
            raise UserError(
                "merge",
                f"nuslerp of {len(roles)} models",
                "it goes from one model to another",
                "name two models",
            )

    def measure(self, part: Part, number: int) -> NDArray[np.float64]:
        """Return the inner products of the two vectors."""
        del number
        return gram.products(list(part.vectors.values()))

    def settle(self, total: Any, number: int, n: int, found: Any) -> float:
        """Return the cosine of the two vectors; 1 where one of them is all zero, which means the line."""
        del number, n, found
        whole = gram.total(total or [])
        return gram.cosine(whole, 0, 1) if whole.size and whole[0, 0] and whole[1, 1] else 1.0

    def combine(self, part: Part) -> Weights:
        """Return the base plus the weighted sum of the two vectors."""
        (one, first), (other, second) = part.vectors.items()
        total = self.weight(one) + self.weight(other)
        t = self.weight(other) / total if total else 0.5
        left, right = gram.arc(part.found, t, FLAT)
        merged = part.base
        merged += np.multiply(first, left, out=first)
        merged += np.multiply(second, right, out=second)
        return merged
