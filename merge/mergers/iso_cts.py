"""Isotropic merging that keeps room for what only one model learned."""

from typing import Annotated

import numpy as np
from pydantic import Field

from merge.mergers.matrices import Matrix, Spectral, isometry, singular


class IsoCts(Spectral):
    """Iso-CTS of arXiv 2502.04959: common directions, then the strongest directions of each model outside of them.

    ``common`` is the share of the ``min(rows, columns)`` directions that come from the sum of the task vectors; the
    others are divided evenly among the models. All are made orthogonal and get the mean singular value.
    """

    common: Annotated[float, Field(ge=0, le=1)] = 0.8

    def matrix(self, vectors: list[Matrix]) -> Matrix:
        """Return the flattened sum with each model's own directions in place of the weakest common ones."""
        rank = min(vectors[0].shape)
        own = min(round((rank - int(rank * self.common)) / len(vectors)), rank // len(vectors))
        shared, s, right = singular(sum(vectors[1:], vectors[0]), rank - own * len(vectors))
        lefts, strengths, rights = [shared], [s], [right]
        for vector in vectors if own else ():
            size = float(np.linalg.norm(vector))
            np.subtract(vector, shared @ (shared.T @ vector), out=vector)
            u, s, v = singular(vector, own, floor=size)
            lefts.append(u)
            strengths.append(s)
            rights.append(v)
        flat = isometry(np.hstack(lefts))[0] @ isometry(np.vstack(rights))[0]
        flat *= np.float32(sum(float(s.sum()) for s in strengths) / rank)
        return flat
