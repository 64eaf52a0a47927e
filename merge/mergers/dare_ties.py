"""DARE with the sign election of TIES: random elements are dropped, and those that are left are elected and merged."""

from merge.base import Part, Weights
from merge.mergers.dare_linear import DareLinear


class DareTies(DareLinear):
    """``base + scale * sum(weight * dropped)`` over the models with the elected sign: arXiv 2311.03099 and 2306.01708.

    Elements are dropped as in ``dare_linear`` in place of trimming. ``normalize: true`` divides by the sum of the
    weights of the models that have the elected sign, as in ``ties``.
    """

    def combine(self, part: Part) -> Weights:
        """Return the base plus what dropping and election leave."""
        self.drop(part)
        return self.elected(part)
