"""The mean over the tasks of a suite, of one model and between two, with its error."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.special import stdtr, stdtrit

from eval.compare.outcome import Outcome
from eval.compare.paired import LEVEL, POWER, Comparison, decided
from eval.compare.single import interval

OVERALL, ABOVE_CHANCE = "overall", "overall above chance"


@dataclass(frozen=True)
class Mean:
    """The unweighted mean of ``tasks`` figures, with the error and 95 % interval that follow from theirs.

    ``above_chance`` is the mean of (value - chance) / (1 - chance), so that a task with two choices weighs no more than
    one with six; None where a task has no chance.
    """

    suite: str
    tasks: int
    value: float
    stderr: float | None
    low: float | None
    high: float | None
    above_chance: float | None = None
    above_chance_stderr: float | None = None


def mean_of(outcomes: Sequence[Outcome]) -> Mean:
    """Return the mean of the figures of ``outcomes``, tasks of one suite; their items are independent of each other's."""
    values = [one.value for one in outcomes]
    errors = [interval(one, draws=0).stderr for one in outcomes]
    value, stderr = _mean(values, errors)
    half = None if stderr is None else 1.959963984540054 * stderr
    above, above_stderr = None, None
    if chances := _whole([one.chance for one in outcomes]):
        corrected = [(value - chance) / (1 - chance) for value, chance in zip(values, chances, strict=True)]
        shrunk = [
            None if error is None else error / (1 - chance)
            for error, chance in zip(errors, chances, strict=True)
        ]
        above, above_stderr = _mean(corrected, shrunk)
    return Mean(
        suite=outcomes[0].suite, tasks=len(outcomes), value=value, stderr=stderr,
        low=None if half is None else value - half, high=None if half is None else value + half,
        above_chance=above, above_chance_stderr=above_stderr,
    )  # fmt: skip


def overall(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparison of the mean over tasks, and of the mean above chance where every task has one.

    ``comparisons`` are of the same two models on the tasks of one suite. The variance is the sum of the tasks' over
    their number squared; t has the degrees of freedom of Satterthwaite (1946).
    """
    found = [_sum(comparisons, [1.0] * len(comparisons), [0.0] * len(comparisons), OVERALL)]
    if chances := _whole([one.chance for one in comparisons]):
        found.append(_sum(comparisons, [1 / (1 - chance) for chance in chances], chances, ABOVE_CHANCE))
    return found


def _sum(
    comparisons: Sequence[Comparison], factors: Sequence[float], floors: Sequence[float], name: str
) -> Comparison:
    number, one = len(comparisons), comparisons[0]
    told = list(zip(comparisons, factors, floors, strict=True))
    a = sum((each.a - floor) * factor for each, factor, floor in told) / number
    b = sum((each.b - floor) * factor for each, factor, floor in told) / number
    start = replace(
        one, task=name, metric="mean", n=sum(each.n for each in comparisons),
        n_clusters=sum(each.n_clusters for each in comparisons), a=a, b=b, difference=a - b, group="",
        chance=None if name == OVERALL else 0.0, margin=None, p_equivalent=None, p_no_loss=None,
        stderr=None, low=None, high=None, p=1.0, p_adjusted=1.0, mde=None, method="sum of tasks",
        tests=1, adjustment="none", scale=1.0,
        note="; ".join(dict.fromkeys(each.note for each in comparisons if each.note)),
    )  # fmt: skip
    variances = [
        (each.stderr * each.scale * factor) ** 2 for each, factor, _ in told if each.stderr is not None
    ]
    if len(variances) < number or not sum(variances):
        return decided(start)
    total = sum(variances)
    df = total**2 / sum(v**2 / max(each.df, 1) for v, each in zip(variances, comparisons, strict=True))
    stderr = math.sqrt(total) / number
    p = 2 * float(stdtr(df, -abs(a - b) / stderr))
    half = float(stdtrit(df, 1 - LEVEL / 2)) * stderr
    mde = float(stdtrit(df, 1 - LEVEL / 2) + stdtrit(df, POWER)) * stderr
    return decided(
        replace(start, stderr=stderr, low=a - b - half, high=a - b + half, p=p, p_adjusted=p, df=df, mde=mde)
    )


def _mean(values: Sequence[float], errors: Sequence[float | None]) -> tuple[float, float | None]:
    known = [error for error in errors if error is not None]
    value = sum(values) / len(values)
    return value, math.hypot(*known) / len(values) if len(known) == len(values) else None


def _whole(chances: Sequence[float | None]) -> list[float]:
    """Return the chances where every task has one below 1, else nothing."""
    known = [chance for chance in chances if chance is not None and chance < 1]
    return known if len(known) == len(chances) else []
