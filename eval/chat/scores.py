"""Means of judged turns: by category, over categories, over turns, with errors clustered by question, and bounds."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

LOWEST, HIGHEST = 0.0, 10.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One judged answer. ``score`` is None where no judge gave one: such a turn is in no mean, but in the bounds.

    ``failure`` says what went wrong (``empty``, ``language``, ``error``, ...), and is '' where nothing did; a failure
    of the model has the score 0, one of the judge has none. ``question`` is what the turns of a dialogue share.
    """

    question: str
    turn: int
    category: str
    score: float | None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over ``n`` turns of ``clusters`` questions. ``stderr`` takes turns as independent, ``clustered`` does not.

    Errors and the 95 % interval (t, by the number of questions) are None where there are too few questions to tell.
    """

    value: float
    n: int
    clusters: int
    stderr: float | None = None
    clustered: float | None = None
    low: float | None = None
    high: float | None = None


def mean(turns: Sequence[Turn]) -> Mean:
    """Return the mean over the turns that have a score; NaN where none has."""
    scored = [turn for turn in turns if turn.score is not None]
    sums: dict[str, list[float]] = defaultdict(list)
    for turn in scored:
        sums[turn.question].append(float(turn.score or 0.0))
    n, groups = len(scored), len(sums)
    if not n:
        return Mean(math.nan, 0, 0)
    values = np.array([value for members in sums.values() for value in members])
    value = float(values.mean())
    stderr = float(values.std(ddof=1) / math.sqrt(n)) if n > 1 else None
    if groups < 2:
        return Mean(value, n, groups, stderr)
    residuals = np.array([sum(members) - value * len(members) for members in sums.values()])
    clustered = float(math.sqrt(groups / (groups - 1) * float((residuals**2).sum())) / n)
    return Mean(value, n, groups, stderr, clustered, *_interval(value, clustered, groups - 1))


def by_category(turns: Sequence[Turn]) -> dict[str, Mean]:
    """Return the mean of every category that has a scored turn, in the order they come in."""
    parts: dict[str, list[Turn]] = {}
    for turn in turns:
        parts.setdefault(turn.category, []).append(turn)
    means = {category: mean(members) for category, members in parts.items()}
    return {category: one for category, one in means.items() if one.n}


def overall(categories: dict[str, Mean]) -> Mean:
    """Return the unweighted mean of the categories' means: the figure of the published leaderboard.

    Categories are fixed and their questions independent of each other's, so that the squared errors add up.
    """
    means = list(categories.values())
    if not means:
        return Mean(math.nan, 0, 0)
    value = sum(one.value for one in means) / len(means)
    n, groups = sum(one.n for one in means), sum(one.clusters for one in means)
    stderr, clustered = _added([one.stderr for one in means]), _added([one.clustered for one in means])
    if clustered is None:
        return Mean(value, n, groups, stderr)
    return Mean(
        value, n, groups, stderr, clustered, *_interval(value, clustered, max(groups - len(means), 1))
    )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the overall figure is at least, every failed turn counting 0, and what it is with them left out."""

    low: float
    high: float


def bounds(turns: Sequence[Turn]) -> Bounds:
    """Return the bounds of the overall figure over what failures may stand for."""
    zeros = [
        Turn(turn.question, turn.turn, turn.category, LOWEST if turn.failure else turn.score, turn.failure)
        for turn in turns
    ]
    rest = [turn for turn in turns if not turn.failure]
    return Bounds(overall(by_category(zeros)).value, overall(by_category(rest)).value)


def failures(turns: Sequence[Turn]) -> list[tuple[str, str, int, int, int]]:
    """Return (kind, category, turn from 1, failed, asked) of every kind of failure that occurred, sorted."""
    asked = Counter((turn.category, turn.turn) for turn in turns)
    failed = Counter((turn.failure, turn.category, turn.turn) for turn in turns if turn.failure)
    return [
        (kind, category, number, count, asked[category, number])
        for (kind, category, number), count in sorted(failed.items())
    ]


def told(turns: Sequence[Turn]) -> str:
    """Return one line on the failures, '' where there is none: how many of which kind, of how many turns."""
    counts = Counter(turn.failure for turn in turns if turn.failure)
    parts = [f"{kind} {count}" for kind, count in counts.most_common()]
    return f"failures of {len(turns)} turns: {', '.join(parts)}" if parts else ""


def _added(errors: Sequence[float | None]) -> float | None:
    known = [error for error in errors if error is not None]
    if len(known) < len(errors):
        return None
    return math.sqrt(sum(error**2 for error in known)) / len(known)


def _interval(value: float, error: float, freedom: int) -> tuple[float, float]:
    reach = _student(freedom) * error
    # A published score may lie beyond the scale; its interval holds it nevertheless.
    return min(value, max(LOWEST, value - reach)), max(value, min(HIGHEST, value + reach))


def _student(freedom: int) -> float:
    """Return the 97.5 % point of Student's t (Hill's expansion about the normal; exact for one and two degrees)."""
    if freedom < 3:
        return (12.7062047, 4.3026527)[freedom - 1]
    z = NormalDist().inv_cdf(0.975)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
