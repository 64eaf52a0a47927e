"""Compares figures that were published with their errors, or with the number of questions, but not item by item."""

import math
from dataclasses import dataclass

from scipy.special import stdtrit

from datacards.errors import UserError
from eval.compare.exact import normal_quantile, normal_tail
from eval.compare.paired import LEVEL, POWER, Comparison, decided


@dataclass(frozen=True)
class Published:
    """A figure as printed. Without ``stderr`` it is taken as a share of ``n`` right answers: sqrt(p(1-p)/(n-1))."""

    value: float
    n: int
    stderr: float | None = None

    @property
    def error(self) -> float:
        """Return the standard error; raise UserError where neither it nor a share tells one."""
        if self.stderr is not None:
            return self.stderr
        if not (0 <= self.value <= 1 and self.n > 1):
            raise UserError(
                f"{self.value:g}", f"is no share of {self.n} questions", todo="give its standard error"
            )
        return math.sqrt(self.value * (1 - self.value) / (self.n - 1))


def unpaired(
    task: str, a: Published, b: Published, *, names: tuple[str, str] = ("A", "B"), metric: str = "acc"
) -> Comparison:
    """Return ``a`` against ``b`` by the z test of two independent figures.

    Both were asked the same questions, which the test cannot use: it finds less than a paired one does. It knows of no
    texts that questions share either, so that an error printed without them may be too small.
    """
    stderr, difference = math.hypot(a.error, b.error), a.value - b.value
    quantile = normal_quantile(1 - LEVEL / 2)
    p = min(1.0, 2 * normal_tail(abs(difference) / stderr)) if stderr else float(difference == 0)
    return decided(
        Comparison(
            task=task, metric=metric, n=min(a.n, b.n), n_clusters=min(a.n, b.n), a=a.value, b=b.value,
            difference=difference, stderr=stderr, low=difference - quantile * stderr,
            high=difference + quantile * stderr, p=p, p_adjusted=p, names=names, method="unpaired z",
            mde=(quantile + normal_quantile(POWER)) * stderr, verdict="undecided", df=float("inf"),
            note="from published figures, not item by item",
        )
    )  # fmt: skip


def interval(published: Published) -> tuple[float, float]:
    """Return the 95 % interval of a published figure: t with n - 1 degrees of freedom."""
    half = float(stdtrit(published.n - 1, 1 - LEVEL / 2)) * published.error
    return published.value - half, published.value + half
