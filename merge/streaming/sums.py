"""The sums that a pass adds up of the task vectors of one tensor."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from merge import kernels
from merge.base import Weights
from merge.plan import Target
from merge.streaming.cuts import elements
from merge.streaming.measured import Measured


class Sums:
    """What has been added up so far of ``k`` vectors; see ``Measured`` for what each sum is."""

    def __init__(self, k: int) -> None:
        self.base = 0.0
        self.dots = np.zeros((k, k))
        self.zeros = np.zeros(k, np.int64)
        self.agree = np.zeros((k, k), np.int64)
        self.differ = np.zeros((k, k), np.int64)

    def measure(self, base: Weights, vectors: Sequence[Weights]) -> None:
        """Add one piece of float64 weights; what is exact in float64 is added up in float64."""
        self.base += kernels.dot(base, base)
        for i, one in enumerate(vectors):
            self.zeros[i] += kernels.zeros(one)
            self.dots[i, i] += kernels.dot(one, one)
            for j in range(i + 1, len(vectors)):
                self.dots[i, j] += kernels.dot(one, vectors[j])
                agree, differ = kernels.signs(one, vectors[j])
                self.agree[i, j] += agree
                self.differ[i, j] += differ

    def count(self, dots: NDArray[np.float64], counts: NDArray[np.int64]) -> None:
        """Add what ``merge.kernels.add_vectors`` has summed up."""
        k = len(self.zeros)
        self.base += float(dots[0])
        self.dots[np.triu_indices(k)] += dots[1:]
        at = 0
        for i in range(k):
            self.zeros[i] += counts[at]
            self.agree[i, i + 1 :] += counts[at + 1 : at + 2 * (k - i) - 1 : 2]
            self.differ[i, i + 1 :] += counts[at + 2 : at + 2 * (k - i) : 2]
            at += 2 * (k - i) - 1

    def add(self, other: Self) -> None:
        """Add the sums of another part."""
        self.base += other.base
        for name in ("dots", "zeros", "agree", "differ"):
            getattr(self, name).__iadd__(getattr(other, name))

    def plain(self) -> list[Any]:
        """Return the sums as JSON holds them, to the last bit."""
        return [self.base, *(getattr(self, name).tolist() for name in ("dots", "zeros", "agree", "differ"))]

    @classmethod
    def of(cls, k: int, plain: Sequence[Any]) -> Self:
        """Return what ``plain`` gave."""
        sums = cls(k)
        sums.base = float(plain[0])
        for name, rows in zip(("dots", "zeros", "agree", "differ"), plain[1:], strict=True):
            getattr(sums, name)[...] = rows
        return sums

    def measured(self, target: Target, roles: tuple[str, ...]) -> Measured:
        """Return the sums of a whole tensor."""
        upper = np.triu(np.ones_like(self.dots, bool), 1)
        dots, agree, differ = (np.where(upper, m, 0) for m in (self.dots, self.agree, self.differ))
        return Measured(
            tensor=target.name,
            shape=target.shape,
            n=elements(target),
            roles=roles,
            base=self.base,
            dots=dots + dots.T + np.diag(np.diag(self.dots)),
            zeros=self.zeros,
            agree=agree + agree.T,
            differ=differ + differ.T,
        )
