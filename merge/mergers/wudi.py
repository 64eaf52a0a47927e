"""WUDI: the merged task vector that interferes least with what each model learned, without any data."""

from typing import Annotated

import numpy as np
from pydantic import Field, NonNegativeInt

from merge.mergers.matrices import Matrix, Spectral

MEAN, SQUARE, SMALL = 0.9, 0.999, 1e-8  # Adam as in arXiv 1412.6980


class Wudi(Spectral):
    """WUDI-Merging of arXiv 2503.08099: minimizes ``sum_i |(merged - v_i) @ v_i.T|^2 / |v_i|^2`` by Adam.

    It begins at the sum of the task vectors; ``steps`` and ``rate`` are the authors' 300 and 1e-5. The loss is
    quadratic, so that each gradient is one product with a matrix made once. Needs memory for seven such tensors.
    """

    steps: NonNegativeInt = 300
    rate: Annotated[float, Field(gt=0)] = 1e-5

    def matrix(self, vectors: list[Matrix]) -> Matrix:
        """Return what Adam finds."""
        if len(vectors) == 1:
            return vectors[0]  # the minimum; from here Adam would only follow the rounding
        merged: Matrix = sum(vectors[1:], vectors[0].copy())
        gradient = _Gradient(vectors)
        mean, square = np.zeros_like(merged), np.zeros_like(merged)
        for step in range(1, self.steps + 1):
            slope = gradient(merged)
            mean *= MEAN
            mean += (1 - MEAN) * slope
            square *= SQUARE
            slope *= slope
            slope *= 1 - SQUARE
            square += slope
            np.sqrt(square, out=slope)
            slope /= np.float32(np.sqrt(1 - SQUARE**step))
            slope += SMALL
            np.divide(mean, slope, out=slope)
            slope *= self.rate / (1 - MEAN**step)
            merged -= slope
        return merged


class _Gradient:
    """``2 * sum_i (merged - v_i) @ v_i.T @ v_i / |v_i|^2``, by whichever order of products is cheaper.

    The vectors are overwritten by their directions, so that no number is squared before it is of ordinary size.
    """

    def __init__(self, vectors: list[Matrix]) -> None:
        self.sizes = [np.float32(np.sqrt(np.square(v, dtype=np.float64).sum())) for v in vectors]
        for vector, size in zip(vectors, self.sizes, strict=True):
            np.divide(vector, size, out=vector)
        self.units = vectors
        rows, columns = vectors[0].shape
        self.inputs = np.zeros((columns, columns) if columns <= 2 * len(vectors) * rows else 0, np.float32)
        if self.inputs.size:
            self.target = np.zeros((rows, columns), np.float32)
            for unit, size in zip(self.units, self.sizes, strict=True):
                gram = 2 * (unit.T @ unit)
                self.inputs += gram
                self.target += size * (unit @ gram)

    def __call__(self, merged: Matrix) -> Matrix:
        if self.inputs.size:
            slope: Matrix = merged @ self.inputs
            slope -= self.target
            return slope
        slope = np.zeros_like(merged)
        for unit, size in zip(self.units, self.sizes, strict=True):
            slope += (2 * ((merged - size * unit) @ unit.T)) @ unit
        return slope
