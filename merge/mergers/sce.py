"""SCE: select the elements in which the models differ most, calculate a weight for each model, erase minority signs."""

from typing import Any

import numpy as np

from merge.base import Merger, Part, Weights
from merge.mergers import gram, selection
from merge.mergers.scaled import Share
from merge.mergers.signs import elected


class Sce(Merger):
    """``base + scale * sum(w * selected) / sum(w)`` over the models with the elected sign: FuseChat, arXiv 2408.07990.

    Select: of the elements whose variance over the models (as a float32 number) is not 0, the share ``select`` of
    largest variance is kept, rounded down, of ties those of lowest place; ``select: 1`` keeps every element. Calculate:
    ``w`` of a model is its sum of squares over the selected elements, for each tensor. Erase: the elected sign is that of
    the unweighted sum of the selected vectors; where it is exactly 0 nothing is merged.
    """

    select: Share = 1.0
    scale: float = 1.0
    passes = 3

    def measure(self, part: Part, number: int) -> Any:
        """Count variances, then those near the border, then sum the squares of what is selected."""
        if number == 2:
            if part.found is not None:
                self._selected(part, part.found)
            return np.array([float(v @ v) for v in part.vectors.values()])
        if self.select == 1:
            return None
        spread = variance(part)
        if number == 1:
            return selection.fine(spread, part.found)
        return selection.coarse(spread), int(np.count_nonzero(spread.astype(np.float32)))

    def join(self, total: Any, first: int, measured: Any, number: int) -> Any:
        """Add up the first pass; the others are few numbers for each part."""
        if number or measured is None:
            return super().join(total, first, measured, number)
        counts, differing = measured
        before, count = total or (None, 0)
        return selection.added(before, {"variance": counts}), count + differing

    def settle(self, total: Any, number: int, n: int, found: Any) -> Any:
        """Return where the k-th variance lies, then which elements are selected, then that with the weights."""
        del n
        if number == 2:
            return found, gram.total(total or [])
        if self.select == 1 or not total:
            return None
        if number == 1:
            return selection.cut(total, found)
        counts, differing = total
        return selection.border(counts["variance"], int(self.select * differing))

    def combine(self, part: Part) -> Weights:
        """Return the base plus the weighted mean of what selection and erasing leave."""
        cut, squares = part.found
        if cut is not None:
            self._selected(part, cut)
        merged = elected(
            part.vectors, dict(zip(part.vectors, squares, strict=True)), weighted=False, mean=True
        )
        if self.scale != 1:
            merged *= self.scale
        merged += part.base
        return merged

    def _selected(self, part: Part, cut: selection.Cut) -> None:
        spread = variance(part)
        cut.trim(spread, part.first)
        for vector in part.vectors.values():
            np.multiply(vector, spread > 0, out=vector)


def variance(part: Part) -> Weights:
    """Return the variance of each element over the models (divided by their number)."""
    vectors = list(part.vectors.values())
    mean = sum(vectors[1:], vectors[0]) / len(vectors)
    spread = np.zeros_like(mean)
    for vector in vectors:
        apart = vector - mean
        apart *= apart
        spread += apart
    spread /= len(vectors)
    return spread
