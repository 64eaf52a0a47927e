"""Task arithmetic: what each of two models learned is added to the model that both began from."""

from merge.base import Merger, Weights


class TaskArithmetic(Merger):
    """``base + domain_weight * (domain - base) + instruct_weight * (instruct - base)``.

    With both weights 1 this is ``domain + instruct - base``, equation 1 of arXiv 2409.19854. The method is
    arXiv 2212.04089; its use on a chat model is arXiv 2310.04799.
    """

    domain_weight: float = 1.0
    instruct_weight: float = 1.0

    def combine(self, *, base: Weights, domain: Weights, instruct: Weights) -> Weights:
        """Return the base plus the weighted task vectors."""
        domain -= base
        instruct -= base
        if self.domain_weight != 1:
            domain *= self.domain_weight
        if self.instruct_weight != 1:
            instruct *= self.instruct_weight
        domain += base
        domain += instruct
        return domain
