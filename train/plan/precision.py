"""Says what is left of a step, and of a whole run, in weights that are kept in bfloat16."""

from collections.abc import Callable
from math import erf, sqrt

DEVIATION = 0.02  # of the weights of a language model, about: what most are initialized with
BITS = 8  # significant bits of bfloat16
LEAST, MOST = -60, 4  # exponents of weights that are looked at


def unchanged_by(step: float) -> float:
    """Return the share of bfloat16 weights, normal with deviation 0.02, that adding ``step`` leaves as they are.

    A weight between two powers of two stands for all numbers within half its last bit: a smaller step is rounded away.
    """
    return _share(lambda half: 1.0 if step <= half else 0.0)


def unchanged_after(deviation: float) -> float:
    """Return the share of bfloat16 weights that changes of a normal ``deviation`` leave as they are."""
    return _share(lambda half: erf(half / (deviation * sqrt(2))) if deviation else 1.0)


def _share(stays: Callable[[float], float]) -> float:
    return sum(
        (_within(2.0 ** (power + 1)) - _within(2.0**power)) * stays(2.0 ** (power - BITS))
        for power in range(LEAST, MOST)
    )


def _within(size: float) -> float:
    """Return the share of weights smaller than ``size``."""
    return erf(size / (DEVIATION * sqrt(2)))
