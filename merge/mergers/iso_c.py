"""Isotropic merging: every direction of the summed task vectors becomes equally strong."""

import numpy as np

from merge.mergers.matrices import Matrix, Spectral, isometry


class IsoC(Spectral):
    """Iso-C of arXiv 2502.04959: the sum of the task vectors, with all singular values set to their mean.

    The mean counts every singular value, ``min(rows, columns)`` of them; a direction that no model learned stays
    unlearned. The authors tune ``scale`` on validation data; 1 is their starting point.
    """

    def matrix(self, vectors: list[Matrix]) -> Matrix:
        """Return the flattened sum."""
        total = vectors[0]
        for vector in vectors[1:]:
            total += vector
        flat, s = isometry(total)
        flat *= np.float32(s.sum() / min(total.shape))
        return flat
