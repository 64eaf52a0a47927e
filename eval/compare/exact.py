"""Tests and intervals for questions that are right or wrong and share nothing: Wilson, exact McNemar, Tango."""

import math
from collections.abc import Callable

import numpy as np
from scipy.special import bdtr, ndtr, ndtri


def wilson(right: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a share, ``right`` of ``n`` (Wilson 1927); it stays within 0 and 1."""
    z = normal_quantile(0.5 + level / 2)
    share = right / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, center - half), min(1.0, center + half)


def mcnemar(more: int, less: int) -> float:
    """Return the two-sided exact p of ``more`` against ``less`` discordant questions (McNemar 1947, binomial tails)."""
    return min(1.0, 2 * float(bdtr(min(more, less), more + less, 0.5))) if more + less else 1.0


def tango_z(more: int, less: int, n: int, bound: float) -> float:
    """Return the score statistic of the paired difference (more - less) / n against ``bound`` (Tango 1998).

    It is close to a standard normal where the true difference is ``bound``, in small samples and with few discordant
    questions too, which the plain one is not.
    """
    distance = more - less - n * bound
    middle = -more - less + (2 * n - more + less) * bound
    last = -less * bound * (1 - bound)
    reverse = (math.sqrt(max(0.0, middle * middle - 8 * n * last)) - middle) / (4 * n)
    variance = n * (2 * reverse + bound * (1 - bound))
    if variance <= 1e-12:
        return 0.0 if abs(distance) < 1e-12 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def tango(more: int, less: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the score interval of the paired difference (more - less) / n (Tango 1998)."""
    z, observed = normal_quantile(0.5 + level / 2), (more - less) / n
    low = _crossing(lambda bound: tango_z(more, less, n, bound) > z, -1.0, observed)
    high = _crossing(lambda bound: tango_z(more, less, n, bound) > -z, observed, 1.0)
    return low, high


def _crossing(before: Callable[[float], bool], low: float, high: float) -> float:
    """Return where ``before``, which holds at first, ceases to hold."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if before(middle) else (low, middle)
    return (low + high) / 2


def normal_quantile(share: float) -> float:
    """Return the value below which a standard normal lies with probability ``share``."""
    return float(ndtri(share))


def normal_tail(z: float) -> float:
    """Return the chance that a standard normal exceeds ``z``."""
    return float(ndtr(-z)) if np.isfinite(z) else float(z < 0)
