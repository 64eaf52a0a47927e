"""Many tests at once: Holm's bound on any false claim, Benjamini and Hochberg's on the share of false claims."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

Adjustment = Literal["holm", "benjamini-hochberg", "none"]


def adjusted(ps: Sequence[float], method: Adjustment) -> list[float]:
    """Return the adjusted p of every test, in the order of ``ps``."""
    if method == "none" or len(ps) < 2:
        return list(ps)
    values = np.array(ps, dtype=float)
    order = np.argsort(values, kind="stable")
    number = len(values)
    if method == "holm":
        told = np.maximum.accumulate(values[order] * (number - np.arange(number)))
    else:
        told = np.minimum.accumulate((values[order] * number / np.arange(1, number + 1))[::-1])[::-1]
    found = np.empty(number)
    found[order] = np.minimum(told, 1.0)
    return [float(one) for one in found]
