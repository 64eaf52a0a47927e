"""Histograms that are filled batch by batch in a few hundred bytes."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from datacards.profile.record import Histogram

_TENTHS = (10, 12, 15, 20, 25, 30, 40, 50, 60, 80)  # steps of a fifth or so, as round as can be
#: 0 to 10, then ten steps of every power of ten up to ten million.
LENGTHS = (*range(10), *(base * 10**power for power, base in product(range(6), _TENTHS)), 10**7)
CLUSTERS = (1, 2, 3, 4, 5, 6, 11, 21, 51, 101, 1001)
SHARES = tuple(place / 100 for place in range(101))


class Bins:
    """Counts values between ``edges``; values below the first edge count to the first bin."""

    def __init__(self, edges: Sequence[float]) -> None:
        self.edges = np.asarray(edges, dtype=float)
        self.counts = np.zeros(len(edges), dtype=np.int64)
        self.total = 0.0
        self.least, self.most = np.inf, -np.inf

    def add(self, values: npt.NDArray[np.float64]) -> None:
        """Count some values; those that are no finite numbers are passed over."""
        values = values[np.isfinite(values)]
        if not len(values):
            return
        places = np.maximum(np.searchsorted(self.edges, values, side="right") - 1, 0)
        self.counts += np.bincount(places, minlength=len(self.counts))
        self.total += float(values.sum())
        self.least, self.most = min(self.least, float(values.min())), max(self.most, float(values.max()))

    def histogram(self) -> Histogram | None:
        """Return what was counted, None when nothing was."""
        rows = int(self.counts.sum())
        if not rows:
            return None
        return Histogram(
            rows=rows,
            mean=round(self.total / rows, 6),
            least=self.least,
            most=self.most,
            edges=tuple(self.edges.tolist()),
            counts=tuple(self.counts.tolist()),
        )
