"""DARE: drop elements of each task vector at random and rescale the rest, then add them up."""

from merge.base import Part, Weights
from merge.mergers import loops
from merge.mergers.scaled import Sparse


class DareLinear(Sparse):
    """``base + scale * sum(weight * dropped)``: Language Models are Super Mario (DARE), arXiv 2311.03099.

    Each element of a vector is kept with the probability ``density`` (the paper's ``1 - p``) and then divided by it;
    ``rescale: false`` leaves out the division. ``normalize`` divides by the sum of the weights. A density of 0 keeps
    nothing and of 1 everything.
    """

    rescale: bool = True

    def combine(self, part: Part) -> Weights:
        """Return the base plus the weighted sum of what is left of the vectors."""
        self.drop(part)
        return self.summed(part)

    def drop(self, part: Part) -> None:
        """Drop elements of every vector, in place."""
        for role, vector in part.vectors.items():
            share = self.share(role)
            if share < 1:
                factor = 1 / share if self.rescale and share else 1.0
                loops.draw(vector.reshape(-1), part.uniform(role).reshape(-1), share, factor)
