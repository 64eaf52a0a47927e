"""Task singular vectors: each model keeps its strongest directions, and the directions are made not to interfere."""

import numpy as np

from merge.mergers.matrices import Matrix, Spectral, isometry, singular


class Tsv(Spectral):
    """TSV-Merge (TSV-M) of arXiv 2412.00081: the singular directions of all models, made orthogonal to each other.

    Each of T models keeps the ``min(rows, columns) // T`` greatest singular triples of its task vector. The left
    vectors of all models side by side are replaced by the nearest orthonormal ones (orthogonal Procrustes), so are
    the right ones, and the product with the singular values is added to the base. With one model that is the model.
    """

    def matrix(self, vectors: list[Matrix]) -> Matrix:
        """Return the product of the orthogonal directions and the singular values."""
        if len(vectors) == 1:
            return vectors[0]  # its directions are orthogonal already
        most = min(vectors[0].shape) // len(vectors)
        triples = [singular(vector, most) for vector in vectors]
        left, _ = isometry(np.hstack([u for u, _, _ in triples]))
        right, _ = isometry(np.vstack([v for _, _, v in triples]))
        left *= np.concatenate([s for _, s, _ in triples]).astype(np.float32)
        return left @ right
