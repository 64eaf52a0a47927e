"""What the methods that look at a tensor as a matrix share: exact singular directions, and when there are none."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacards.errors import UserError
from merge.base import Part, Weighted, Weights

Matrix = NDArray[np.float32]
TINY = (
    2.0**-20
)  # of the greatest singular value: what float32 numbers say of a direction below it is rounding
ROWS = 1 << 20  # elements widened to float64 at once


class Spectral(Weighted):
    """A method that merges every matrix by its singular values; it needs the whole tensor.

    A tensor of more than two dimensions is a stack of matrices (the experts of a layer, say). Vectors, and matrices
    with a side shorter than the number of models, get the mean of the task vectors, as the papers do with what is no
    matrix. Embeddings and heads are matrices like any other; a rule of the recipe gives them a method of their own.

    ``weights`` multiply what a model learned before it is merged, ``scale`` what is added to the base afterwards. A
    model that equals the base in a matrix takes no part in it: it has no singular directions there.

    Memory beside base, vectors and result: about five squares of the shorter side in float64, and up to five times the
    matrix, so about 4 GiB for 8,192 by 8,192. The result does not depend on the signs that LAPACK gives to singular
    vectors; its last bits do on the LAPACK at hand.
    """

    sees = "tensor"
    scale: float = 1.0

    @abstractmethod
    def matrix(self, vectors: list[Matrix]) -> Matrix:
        """Return what is added to the base's matrix; the vectors, none of them zero, may be overwritten."""

    def combine(self, part: Part) -> Weights:
        """Return the base plus ``scale`` times what the task vectors give together."""
        base, vectors = part.base, {}
        for role, vector in part.vectors.items():
            if not np.isfinite(vector).all():
                raise UserError(
                    part.tensor, f"what {role} learned is not finite", todo="check the base and that model"
                )
            if (weight := self.weight(role)) != 1:
                np.multiply(vector, np.float32(weight), out=vector)
            vectors[role] = vector
        for place in np.ndindex(base.shape[:-2]):
            learned = [vector[place] for vector in vectors.values() if vector[place].any()]
            if learned:
                add = self.matrix(learned) if _is_matrix(learned) else sum(learned) / len(learned)
                base[(*place, ...)] += add if self.scale == 1 else add * np.float32(self.scale)
        return base


def _is_matrix(vectors: list[Matrix]) -> bool:
    return vectors[0].ndim == 2 and min(vectors[0].shape) >= len(vectors)


def singular(matrix: Matrix, most: int, floor: float = 0.0) -> tuple[Matrix, NDArray[Any], Matrix]:
    """Return the greatest ``most`` singular triples (U, s, V), ``matrix ~ (U * s) @ V``.

    Fewer where the others are rounding: below ``TINY`` of the greatest, or of ``floor``. They are found from the
    Gram matrix of the shorter side in float64, where squaring loses nothing that float32 inputs have, three times
    as fast as the decomposition of the matrix itself; s is float64.
    """
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    s, across = _eigen(tall, floor)
    s, across = s[:most], across[:, :most]
    along, across = _product(tall, across / s), across.astype(np.float32)
    return (along, s, across.T) if tall is matrix else (across, s, along.T)


def isometry(matrix: Matrix) -> tuple[Matrix, NDArray[Any]]:
    """Return ``U @ V`` of the singular decomposition, the nearest matrix whose singular values are all 1, and s.

    Directions that are rounding, or nothing, are left out rather than filled with what LAPACK happens to return.
    """
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    s, across = _eigen(tall, 0.0)
    nearest = _product(tall, (across / s) @ across.T)
    return (nearest if tall is matrix else nearest.T), s


def _eigen(tall: Matrix, floor: float) -> tuple[NDArray[Any], NDArray[Any]]:
    gram = np.zeros((tall.shape[1], tall.shape[1]))
    for block in _blocks(tall):
        gram += block.T @ block
    squares, across = np.linalg.eigh(gram)
    s = np.sqrt(np.maximum(squares[::-1], 0))
    kept = np.count_nonzero(s > TINY * max(floor, s[0]))
    return s[:kept], across[:, ::-1][:, :kept]


def _product(tall: Matrix, factor: NDArray[Any]) -> Matrix:
    made = np.empty((tall.shape[0], factor.shape[1]), np.float32)
    first = 0
    for block in _blocks(tall):
        made[first : first + len(block)] = block @ factor
        first += len(block)
    return made


def _blocks(tall: Matrix) -> Iterator[NDArray[np.float64]]:
    step = max(1, ROWS // tall.shape[1])
    return (tall[first : first + step].astype(np.float64) for first in range(0, tall.shape[0], step))
