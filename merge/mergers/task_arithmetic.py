"""Task arithmetic: what each model learned is added to the model that all began from."""

from collections.abc import Sequence

from merge.base import Part, Weights
from merge.mergers.scaled import Scaled


class TaskArithmetic(Scaled):
    """``base + scale * sum(weight * (model - base))``: Editing Models with Task Arithmetic, arXiv 2212.04089.

    With a domain and an instruct model of weight 1 this is ``domain + instruct - base``, equation 1 of
    arXiv 2409.19854; its first use on a chat model is Chat Vector, arXiv 2310.04799. ``normalize`` divides by the
    sum of the weights.
    """

    def combine(self, part: Part) -> Weights:
        """Return the base plus the weighted task vectors."""
        return self.summed(part)

    def coefficients(self, roles: Sequence[str]) -> dict[str, float]:
        """Return the factor of each vector."""
        return self.factors(roles)
