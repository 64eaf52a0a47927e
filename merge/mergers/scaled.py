"""What methods on task vectors have in common: a weight for each, a scale for all, and how much of a vector is kept."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from merge.base import Part, Weighted, Weights, check_roles
from merge.mergers import selection
from merge.mergers.signs import elected

Share = Annotated[float, Field(ge=0, le=1)]


class Scaled(Weighted):
    """``base + scale * sum(weight * vector)``; ``normalize`` divides by the sum of the weights where that is not 0."""

    scale: float = 1.0
    normalize: bool = False

    def factors(self, roles: Sequence[str]) -> dict[str, float]:
        """Return what each vector is multiplied by."""
        total = sum(self.weight(role) for role in roles) if self.normalize else 1.0
        return {role: self.scale * self.weight(role) / (total or 1.0) for role in roles}

    def summed(self, part: Part) -> Weights:
        """Return the base plus the vectors times their factors, in the order of the recipe."""
        factors = self.factors(list(part.vectors))
        merged = part.base
        for role, vector in part.vectors.items():
            merged += np.multiply(vector, factors[role], out=vector)
        return merged

    def elected(self, part: Part) -> Weights:
        """Return the base plus ``scale`` times what sign election leaves of the weighted vectors."""
        weights = {role: self.weight(role) for role in part.vectors}
        for role, vector in part.vectors.items():
            if weights[role] != 1:
                np.multiply(vector, weights[role], out=vector)
        merged = elected(part.vectors, weights, mean=self.normalize)
        if self.scale != 1:
            merged *= self.scale
        merged += part.base
        return merged


class Sparse(Scaled):
    """A method that keeps the share ``density`` of each task vector; ``densities`` names models with one of their own."""

    density: Share = 0.5
    densities: dict[str, Share] = Field(default_factory=dict)

    def share(self, role: str) -> float:
        """Return how much of one vector is kept."""
        return self.densities.get(role, self.density)

    def check(self, roles: Sequence[str]) -> None:
        """Raise UserError for a weight or a density of a model that is not merged."""
        super().check(roles)
        check_roles("densities", self.densities, roles)


class Selecting(Sparse):
    """A method that keeps the largest elements of each task vector: one pass to count them, one to place the border."""

    passes = 2

    def join(self, total: Any, first: int, measured: Any, number: int) -> Any:
        """Add up the first pass; the second says where among the parts the ties lie."""
        if number == 0:
            return selection.added(total, measured)
        return super().join(total, first, measured, number)
