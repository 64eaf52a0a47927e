"""Model Breadcrumbs: of each task vector neither the outliers nor the small elements are kept."""

from typing import Any

from merge.base import Part, Weights
from merge.mergers import selection
from merge.mergers.scaled import Selecting, Share

Pair = tuple[selection.Border, selection.Border]


class Breadcrumbs(Selecting):
    """``base + scale * sum(weight * masked)``: Model Breadcrumbs, arXiv 2312.06795.

    Of a tensor's ``n`` elements in order of magnitude (as float32 numbers, of ties the one of lowest place first) the
    first ``int(gamma * n)`` are dropped as outliers and the next ``int(density * n)`` kept. The paper's beta, the
    share of small elements that are dropped, is ``1 - density - gamma``. Where ``density + gamma`` is above 1 fewer
    outliers are dropped, so that a density of 1 keeps everything.
    """

    density: Share = 0.9
    gamma: Share = 0.01

    def measure(self, part: Part, number: int) -> Any:
        """Count magnitudes: which there are, then those near both borders of each vector."""
        if number == 0:
            return {role: selection.coarse(v) for role, v in part.vectors.items() if self.share(role) < 1}
        return {
            role: tuple(selection.fine(part.vectors[role], border) for border in borders)
            for role, borders in part.found.items()
        }

    def settle(self, total: Any, number: int, n: int, found: Any) -> Any:
        """Return by role where the two borders lie, then which elements are outliers and which are no small ones."""
        if number == 0:
            return {role: self._borders(counts, role, n) for role, counts in (total or {}).items()}
        return {
            role: tuple(
                selection.cut(
                    [(first, both[which]) for first, both in selection.parts_of(total, role)], border
                )
                for which, border in enumerate(borders)
            )
            for role, borders in found.items()
        }

    def _borders(self, counts: selection.Totals, role: str, n: int) -> Pair:
        kept = int(self.share(role) * n)
        outliers = min(int(self.gamma * n), n - kept)
        return selection.border(counts, outliers), selection.border(counts, outliers + kept)

    def combine(self, part: Part) -> Weights:
        """Return the base plus the weighted sum of what is left of the vectors."""
        for role, (outliers, larger) in part.found.items():
            vector = part.vectors[role]
            taken = vector.copy()
            outliers.trim(taken, part.first)
            larger.trim(vector, part.first)
            vector -= taken
        return self.summed(part)
