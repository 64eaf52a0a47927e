"""TIES: trim each task vector to its largest elements, elect a sign for each element, merge those that have it."""

from typing import Any

from merge.base import Part, Weights
from merge.mergers import selection
from merge.mergers.scaled import Selecting


class Ties(Selecting):
    """``base + scale * mean(weight * trimmed)`` over the models with the elected sign: arXiv 2306.01708.

    Trimming keeps ``max(1, int(density * n))`` of a tensor's ``n`` elements, those of the largest magnitude
    as float32 numbers; of elements that tie at the border those of lowest place are kept. The elected sign is that of
    ``sum(weight * trimmed)``; where the sum is exactly 0 nothing is elected. ``normalize: true`` (the paper's
    disjoint mean) divides by the sum of the weights of the models that have the sign, ``false`` by nothing.
    A density of 0 keeps nothing and of 1 everything.
    """

    normalize: bool = True

    def measure(self, part: Part, number: int) -> dict[str, selection.Counts]:
        """Count magnitudes: which there are, then those near the border of each vector."""
        if number == 0:
            return {role: selection.coarse(v) for role, v in part.vectors.items() if self.share(role) < 1}
        return {role: selection.fine(part.vectors[role], border) for role, border in part.found.items()}

    def settle(self, total: Any, number: int, n: int, found: Any) -> Any:
        """Return by role where the k-th magnitude lies, then which elements are kept."""
        if number == 0:
            return {
                role: selection.border(counts, self.kept(role, n)) for role, counts in (total or {}).items()
            }
        return {
            role: selection.cut(selection.parts_of(total, role), border) for role, border in found.items()
        }

    def kept(self, role: str, n: int) -> int:
        """Return how many of ``n`` elements of one vector are kept."""
        return max(1, int(self.share(role) * n)) if self.share(role) else 0

    def combine(self, part: Part) -> Weights:
        """Return the base plus what trimming and election leave."""
        for role, cut in part.found.items():
            cut.trim(part.vectors[role], part.first)
        return self.elected(part)
