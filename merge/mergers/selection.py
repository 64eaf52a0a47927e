"""The k elements of largest magnitude of a tensor that is never held whole: exactly k, by two passes of counting.

A magnitude is that of the element as a float32 number. The first pass counts how often each value of its upper 14
bits occurs, which says in which bucket the k-th largest lies; the second counts the magnitudes in that bucket. Of
elements that tie at the k-th magnitude those of lowest place are taken, so no cut of the tensor changes what is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from merge.base import Weights
from merge.mergers import loops

Totals = NDArray[np.int64]  # how many elements lie in each bucket
_NOTHING = 1 << 31  # above the bits of every magnitude


class Counts(NamedTuple):
    """How often each value occurs in one part, the values in ascending order."""

    values: NDArray[Any]
    counts: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Border:
    """The bucket that holds the k-th largest magnitude, and how many elements of it are taken."""

    bucket: int
    left: int


@dataclass(frozen=True, slots=True)
class Cut:
    """Which elements are the k largest: all above the magnitude whose bits are ``least``, and some equal to it.

    Of the equal ones all are taken in parts before the place ``border``, the first ``ties`` in the part that begins
    there, and none behind it.
    """

    least: int
    border: int
    ties: int

    def trim(self, vector: Weights, first: int) -> None:
        """Set to zero, in place, what is not taken of the part that begins at the place ``first``."""
        ties = vector.size if first < self.border else self.ties if first == self.border else 0
        loops.keep(vector.reshape(-1), np.uint32(self.least), ties)


def coarse(vector: Weights) -> Counts:
    """Return what the first pass must know of one part: some kilobytes for the 65,536 elements of a piece."""
    values, counts = loops.coarse(vector.reshape(-1))
    return Counts(values.astype(np.uint16), counts)


def fine(vector: Weights, border: Border) -> Counts:
    """Return what the second pass must know of one part: the lower bits of the magnitudes in the bucket."""
    return Counts(*loops.fine(vector.reshape(-1), np.uint32(border.bucket)))


def added(total: dict[str, Totals] | None, measured: Mapping[str, Counts]) -> dict[str, Totals]:
    """Add to ``total`` (None at first) what the first pass found in one part, by vector."""
    total = {key: np.zeros(1 << (31 - loops.LOW), np.int64) for key in measured} if total is None else total
    for key, (values, counts) in measured.items():
        total[key][values] += counts
    return total


def border(total: Totals, k: int) -> Border:
    """Return where the k-th largest magnitude lies, from the first pass over all parts; ``k`` may exceed them."""
    k = min(k, int(total.sum()))
    above = np.cumsum(total[::-1])[::-1]  # how many lie in a bucket or above it
    bucket = int(np.flatnonzero(above >= k)[-1])
    return Border(bucket, k - int(above[bucket] - total[bucket]))


def cut(parts: Sequence[tuple[int, Counts]], border: Border) -> Cut:
    """Return which elements are taken, from the second pass; ``parts`` are in order of place, with their first."""
    if border.left <= 0:
        return Cut(_NOTHING, 0, 0)
    values = np.concatenate([part.values for _, part in parts])
    counts = np.concatenate([part.counts for _, part in parts])
    distinct, which = np.unique(values, return_inverse=True)
    above = np.cumsum(np.bincount(which, counts, len(distinct))[::-1])[::-1].astype(np.int64)
    at = int(np.flatnonzero(above >= border.left)[-1])
    ties = border.left - (int(above[at + 1]) if at + 1 < len(distinct) else 0)
    least = distinct[at]
    for first, part in parts:
        here = int(part.counts[part.values == least].sum())
        if ties <= here:
            return Cut(border.bucket << loops.LOW | int(least), first, ties)
        ties -= here
    raise AssertionError("the parts hold fewer elements than were counted in them")


def parts_of(measured: Sequence[tuple[int, Any]], key: str) -> list[tuple[int, Any]]:
    """Return what the second pass measured of one vector, with the places of the parts."""
    return [(first, found[key]) for first, found in measured]
