"""How much of a task vector its model's storage has left of it, judged by the weights that did not change."""

import re
from collections.abc import Sequence

import numpy as np

from merge.streaming.measured import Measured

#: Share of weights that are, bit for bit, those of the base -> correlation of what is left of the vector with what was
#: learned, and so the share of every cosine with it that can still be read. A weight changes only when it moves by
#: half a step of its format at least; the smaller the moves beside the steps, the more weights stay, and those that do
#: jump a whole step. Simulated (4,000,000 weights, normally distributed, as are the moves): the curve is the same for
#: every scale and for bfloat16 and float16, because steps grow with the weights.
_SHARES = (
    0.0,
    0.036,
    0.094,
    0.174,
    0.228,
    0.324,
    0.387,
    0.495,
    0.599,
    0.680,
    0.775,
    0.884,
    0.941,
    0.971,
    1.0,
)
_KEPT = (1.0, 0.999, 0.996, 0.987, 0.977, 0.950, 0.927, 0.876, 0.808, 0.737, 0.631, 0.461, 0.329, 0.233, 0.0)
_WORDS = re.compile(r"embed|(^|\.)wte\.")  # tensors with a row per word that is read


def kept(share: float) -> float:
    """Return the estimated share of a vector's cosines that storage left, from the share of unchanged weights."""
    return float(np.interp(share, _SHARES, _KEPT))


def unchanged(measured: Sequence[Measured], at: int) -> float:
    """Return the share of weights that the vector number ``at`` leaves as they were, where storage is what kept them.

    Those are the matrices that it moves at all: a tensor that was not trained is no sign of rounding, norms lie near 1
    where steps are coarse, and rows of an embedding stay because their words never came. Where there is no such matrix
    all tensors that it moves count, and where it moves none, all do.
    """
    moved = [one for one in measured if one.dots[at, at] > 0]
    matrices = [one for one in moved if len(one.shape) > 1 and not _WORDS.search(one.tensor)]
    counted = matrices or moved or measured
    n = sum(one.n for one in counted)
    return sum(int(one.zeros[at]) for one in counted) / n if n else 0.0
