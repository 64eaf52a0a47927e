"""Linear interpolation: a weighted mean of the models' weights."""

from collections.abc import Sequence

from pydantic import Field, NonNegativeFloat

from datacards.errors import UserError
from merge.base import Part, Weighted, Weights


class Linear(Weighted):
    """``sum(weight * model) / sum(weight)``: Model Soups, arXiv 2203.05482.

    The base takes part only where ``weights`` names it (``base: 0.2``). The weights are always divided by their sum: a
    mean that silently is none is a known surprise elsewhere. It is computed as
    ``base + sum(weight / total * (model - base))``, which is the same number.
    """

    weights: dict[str, NonNegativeFloat] = Field(default_factory=dict)

    def check(self, roles: Sequence[str]) -> None:
        """Raise UserError for a weight of a model that is not merged, and when all weights are 0."""
        super().check(["base", *roles])
        if not self._total(roles) > 0:
            raise UserError(
                "merge", "all weights are 0", "at least one must be above 0", "correct the recipe"
            )

    def combine(self, part: Part) -> Weights:
        """Return the weighted mean."""
        merged = part.base
        for role, factor in self.coefficients(list(part.vectors)).items():
            part.vectors[role] *= factor
            merged += part.vectors[role]
        return merged

    def coefficients(self, roles: Sequence[str]) -> dict[str, float]:
        """Return the share of each model in the mean."""
        total = self._total(roles)
        return {role: self.weight(role) / total for role in roles}

    def _total(self, roles: Sequence[str]) -> float:
        return self.weights.get("base", 0.0) + sum(self.weight(role) for role in roles)
