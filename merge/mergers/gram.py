"""Inner products of the arrays of several models over one tensor, summed part by part."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from merge.base import Weights


def products(arrays: Sequence[Weights]) -> NDArray[np.float64]:
    """Return the matrix of the inner products of one part's arrays."""
    flat = [array.reshape(-1) for array in arrays]
    return np.array([[float(one @ other) for other in flat] for one in flat])


def total(measured: Sequence[tuple[int, Any]]) -> NDArray[np.float64]:
    """Return the sum of arrays of one shape that were measured of all parts, exact but for one rounding."""
    if not measured:
        return np.zeros((0, 0))
    parts = np.array([part for _, part in measured])
    if not np.isfinite(parts).all():  # of a model that the engine refuses, once its sums are complete
        return parts.sum(axis=0)
    sums = [math.fsum(column) for column in parts.reshape(len(parts), -1).T]
    return np.array(sums).reshape(parts.shape[1:])


def cosine(gram: NDArray[np.float64], one: int, other: int) -> float:
    """Return the cosine of the angle between two tensors, 0 where one of them is all zero."""
    norms = math.sqrt(gram[one, one]) * math.sqrt(gram[other, other])
    return min(1.0, max(-1.0, float(gram[one, other]) / norms)) if norms else 0.0


def arc(cosine: float, t: float, flat: float) -> tuple[float, float]:
    """Return the factors of spherical interpolation from one direction to the other, Shoemake's formula.

    Where the cosine's magnitude is above ``flat`` the sine in the denominator is near zero: there the factors
    are those of the straight line.
    """
    if abs(cosine) > flat:
        return 1 - t, t
    angle = math.acos(cosine)
    return math.sin((1 - t) * angle) / math.sin(angle), math.sin(t * angle) / math.sin(angle)
