"""Task arithmetic: what each of several models learned is added to the model that all began from."""

from collections.abc import Sequence

from merge.base import Part, Weighted, Weights


class TaskArithmetic(Weighted):
    """``base + sum(weight * (model - base))``.

    For a domain and an instruct model with both weights 1 this is ``domain + instruct - base``, equation 1 of
    arXiv 2409.19854. The method is arXiv 2212.04089; its use on a chat model is arXiv 2310.04799.
    """

    def combine(self, part: Part) -> Weights:
        """Return the base plus the weighted task vectors."""
        merged = part.base
        for role, vector in part.vectors.items():
            if (weight := self.weight(role)) != 1:
                vector *= weight
            merged += vector
        return merged

    def factors(self, roles: Sequence[str]) -> dict[str, float]:
        """Return the weights."""
        return {role: self.weight(role) for role in roles}
