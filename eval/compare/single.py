"""The error and the interval of one model's figure, by the texts that items share."""

import math
from typing import NamedTuple

from eval.compare.exact import wilson
from eval.compare.outcome import Outcome
from eval.compare.paired import strata_of
from eval.compare.resample import DRAWS, contrast, estimate


class Interval(NamedTuple):
    """The standard error over texts and the 95 % interval, None where a single text tells neither."""

    stderr: float | None
    low: float | None
    high: float | None


def interval(outcome: Outcome, *, draws: int = DRAWS, seed: int = 0) -> Interval:
    """Return how certain the figure of ``outcome`` is.

    Questions that are right or wrong and share no text have the interval of Wilson (1927), all else that of t over
    clusters, held to a cluster bootstrap. An F1 and a share end at 0 and 1.
    """
    simple = outcome.binary and outcome.n_clusters == outcome.n
    if simple and outcome.n > 1:
        low, high = wilson(float(outcome.parts[:, 0].sum()), outcome.n)
        return Interval(float(outcome.parts[:, 0].std(ddof=1)) / math.sqrt(outcome.n), low, high)
    asked = contrast([outcome.parts], [outcome.figure], [1.0], outcome.clusters, strata_of(outcome))
    told = estimate(asked, draws=draws, seed=seed)
    bounds = told.interval()
    if bounds is None:
        return Interval(None, None, None)
    low, high = bounds
    if told.stderr == 0 and outcome.binary:  # all right, or all wrong: as sure as so many texts may make it
        low, high = wilson(told.clusters * told.value, told.clusters)
    if outcome.binary or outcome.figure == "f1":
        low, high = max(low, 0.0), min(high, 1.0)
    return Interval(told.stderr, low, high)
