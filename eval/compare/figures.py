"""Every figure as a mean of ratios of sums, so that one formula serves accuracy, F1, shares and means of groups."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from datacards.evaluated import Figure

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


def value_of(sums: Floats, figure: Figure) -> Floats:
    """Return the figure of each row of ``sums`` (..., 2 J): J numerators, then J denominators.

    The figure is the mean of the J ratios. A ratio over nothing counts zero in ``f1``, as a class that is neither there
    nor predicted does; it is left out elsewhere (a group without items). Nan where nothing is left.
    """
    above, below = _halves(sums)
    ratios = np.divide(above, below, out=np.zeros_like(above), where=below != 0)
    there = _counted(below, figure)
    with np.errstate(invalid="ignore"):
        value: Floats = ratios.sum(axis=-1) / there
    return value


def gradient_of(sums: Floats, figure: Figure) -> Floats:
    """Return the derivative of the figure by each of ``sums`` (..., 2 J), zero where a ratio is over nothing; nan as above."""
    above, below = _halves(sums)
    inverse = np.divide(1.0, below, out=np.zeros_like(below), where=below != 0)
    counted = _counted(below, figure)[..., None]
    share = np.divide(1.0, counted, out=np.full_like(counted, np.nan), where=counted != 0)
    return np.concatenate([inverse * share, -above * inverse**2 * share], axis=-1)


def ratio_parts(values: Floats, weights: Floats) -> Floats:
    """Return the parts (n, 2) of the sum of ``values`` over the sum of ``weights``; a value that is nan is left out."""
    known = ~np.isnan(values)
    return np.column_stack([np.where(known, values, 0.0), np.where(known, weights, 0.0)])


def group_parts(values: Floats, groups: Ints, number: int) -> Floats:
    """Return the parts (n, 2 ``number``) of the mean of the means of every group; a value that is nan is left out."""
    parts = np.zeros((len(values), 2 * number))
    known = np.flatnonzero(~np.isnan(values))
    parts[known, groups[known]] = values[known]
    parts[known, number + groups[known]] = 1.0
    return parts


def f1_parts(golds: Ints, predictions: Ints, choices: int) -> Floats:
    """Return the parts (n, 2 ``choices``) of the mean F1 of the choices; a gold below zero is none of them.

    F1 of a class is twice its hits over how often it is right plus how often it is predicted.
    """
    classes = np.arange(choices)
    right, predicted = golds[:, None] == classes, predictions[:, None] == classes
    return np.hstack([2.0 * (right & predicted), right.astype(float) + predicted])


def _halves(sums: Floats) -> tuple[Floats, Floats]:
    half = sums.shape[-1] // 2
    return sums[..., :half], sums[..., half:]


def _counted(below: Floats, figure: Figure) -> Floats:
    if figure == "f1":
        return np.full(below.shape[:-1], float(below.shape[-1]))
    counted: Floats = (below != 0).sum(axis=-1).astype(float)
    return counted
