"""Spherical linear interpolation between the weights of two models."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from datacards.errors import UserError
from merge.base import Merger, Part, Weights
from merge.mergers import gram

FLAT = 0.9995  # the cosine above which others, too, take the straight line


class Slerp(Merger):
    """``(sin((1 - t) a) * one + sin(t a) * other) / sin(a)``, ``a`` the angle of the two: Shoemake, SIGGRAPH 1985.

    https://doi.org/10.1145/325165.325242. The angle is that of the two whole tensors as vectors of weights (not of
    task vectors); the weights themselves are not normalized. ``one`` and ``other`` are the two models in the order of
    the recipe, ``t: 0`` gives the first; with a single model they are the base and that model. Where the
    tensors are nearly parallel or opposite (cosine beyond 0.9995) or one is all zero the line is straight:
    ``(1 - t) * one + t * other``.
    """

    t: float = Field(0.5, ge=0, le=1)
    passes = 1

    def check(self, roles: Sequence[str]) -> None:
        """Raise UserError for more than two models."""
        if len(roles) > 2:
            raise UserError(
                "merge",
                f"slerp of {len(roles)} models",
                "it goes from one model to another",
                "name two models",
            )

    def measure(self, part: Part, number: int) -> NDArray[np.float64]:
        """Return the inner products of the two models."""
        del number
        return gram.products(_ends(part))

    def settle(self, total: Any, number: int, n: int, found: Any) -> tuple[float, float]:
        """Return the factors of the two models."""
        del number, n, found
        whole = gram.total(total or [])
        if not whole.size or not whole[0, 0] or not whole[1, 1]:
            return 1 - self.t, self.t
        return gram.arc(gram.cosine(whole, 0, 1), self.t, FLAT)

    def combine(self, part: Part) -> Weights:
        """Return the weighted sum of the two models."""
        one, other = _ends(part)
        return one * part.found[0] + other * part.found[1]


def _ends(part: Part) -> list[Weights]:
    models = [part.model(role) for role in part.vectors]
    return models if len(models) == 2 else [part.base, *models]
