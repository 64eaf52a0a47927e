"""Linear interpolation: a weighted mean of the models' weights."""

from typing import Self

from pydantic import NonNegativeFloat, model_validator

from merge.base import Merger, Weights


class Linear(Merger):
    """``(wb * base + wd * domain + wi * instruct) / (wb + wd + wi)``, the model soup of arXiv 2203.05482.

    The weights are always divided by their sum: a mean that silently is none is a known surprise elsewhere.
    """

    base_weight: NonNegativeFloat = 0.0
    domain_weight: NonNegativeFloat = 0.5
    instruct_weight: NonNegativeFloat = 0.5

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        if not self.base_weight + self.domain_weight + self.instruct_weight > 0:
            raise ValueError("at least one weight must be above 0")
        return self

    def combine(self, *, base: Weights, domain: Weights, instruct: Weights) -> Weights:
        """Return the weighted mean."""
        total = self.base_weight + self.domain_weight + self.instruct_weight
        merged = base * (self.base_weight / total)
        merged += domain * (self.domain_weight / total)
        merged += instruct * (self.instruct_weight / total)
        return merged
