"""Sign election of TIES-Merging (arXiv 2306.01708): what most of the magnitude points to is merged, the rest is not."""

from collections.abc import Mapping

import numpy as np

from merge.base import Weights
from merge.mergers import loops


def elected(
    vectors: Mapping[str, Weights], weights: Mapping[str, float], *, mean: bool, weighted: bool = True
) -> Weights:
    """Return the sum of those of the vectors that have the elected sign, or their mean by ``weights``.

    The elected sign of an element is the sign of the sum of all vectors as they come. Where that sum is zero nothing
    is elected and the result is zero, as the paper's sign function has it; a sum below 2**-40 of the sum of the
    magnitudes is zero but for rounding, so that no order of the models changes what is elected. ``weighted`` says
    that the vectors were multiplied by their weights already; else they are multiplied when they are merged.
    ``mean`` divides by the sum of the magnitudes of the weights of those that have the sign.
    """
    shape = next(iter(vectors.values())).shape
    stack = np.stack([vector.reshape(-1) for vector in vectors.values()])
    by = np.array([weights[role] for role in vectors], np.float64)
    merged = np.empty(stack.shape[1])
    loops.elect(stack, np.ones(len(by)) if weighted else by, np.abs(by), mean, merged)
    return merged.reshape(shape)
