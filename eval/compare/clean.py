"""A figure with and without the items that a model may have seen in training."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from eval.compare.outcome import Outcome, restricted
from eval.compare.paired import strata_of
from eval.compare.resample import contrast, estimate
from eval.compare.sentences import p_value
from eval.compare.single import Interval, interval


@dataclass(frozen=True)
class Part:
    """The figure of some items, None where there are none."""

    n: int
    value: float | None
    interval: Interval


@dataclass(frozen=True)
class Split:
    """One figure of all items, of the clean and of the others; ``difference`` is the others' less the clean ones'.

    A difference says that seen items are easier for this model, be it because it saw them or because they are easy:
    compare it with that of a model which did not see them.
    """

    task: str
    metric: str
    all: Part
    clean: Part
    seen: Part
    difference: float | None = None
    stderr: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None


@dataclass(frozen=True)
class Gap:
    """The figure of some items less that of others, with its standard error over texts and its 95 % interval."""

    value: float
    stderr: float | None
    low: float | None
    high: float | None
    p: float


def split(outcome: Outcome, seen: Collection[str]) -> Split:
    """Return the figure of ``outcome`` with and without the items whose ids are in ``seen``."""
    others = set(outcome.ids) - set(seen)
    start = Split(
        task=outcome.task,
        metric=outcome.metric,
        all=part_of(outcome),
        clean=part_of(restricted(outcome, others)),
        seen=part_of(restricted(outcome, seen)),
    )
    if not (start.clean.n and start.seen.n):
        return start
    told = gap(outcome, seen, others)
    return replace(start, difference=told.value, stderr=told.stderr, low=told.low, high=told.high, p=told.p)


def gap(outcome: Outcome, some: Collection[str], others: Collection[str]) -> Gap:
    """Return how far the figures of two sets of items, by their ids, are apart; they may share items and texts."""
    parts = [
        outcome.parts * np.array([one in ids for one in outcome.ids], dtype=float)[:, None]
        for ids in (some, others)
    ]
    asked = contrast(parts, [outcome.figure] * 2, [1.0, -1.0], outcome.clusters, strata_of(outcome))
    told = estimate(asked)  # a draw may hold no item of one side: it is left out
    low, high = told.interval() or (None, None)
    return Gap(told.value, told.stderr, low, high, told.p())


def sentence_of(model: str, one: Split) -> str:
    """Return what ``one`` says of ``model``, in a sentence that may be quoted."""
    if one.clean.value is None or one.seen.value is None:
        which = "Every item" if one.clean.value is None else "No item"
        return f"{which} of {one.task} ({one.all.n:,}) is among those that {model} may have seen."
    told = (
        f"{model} scores {one.metric} {one.all.value:.4f} on all {one.all.n:,} items of {one.task}, "
        f"{one.clean.value:.4f} on the {one.clean.n:,} clean ones and {one.seen.value:.4f} on the {one.seen.n:,} others"
    )
    if one.low is None or one.high is None or one.p is None:
        return f"{told}."
    return (
        f"{told}, {one.difference:+.4f} (95 % interval {one.low:+.4f} to {one.high:+.4f}; {p_value(one.p)}; items that are "
        "easy for every model may be why)."
    )


def part_of(outcome: Outcome) -> Part:
    """Return the figure of the items of ``outcome``."""
    return (
        Part(outcome.n, outcome.value, interval(outcome))
        if outcome.n
        else Part(0, None, Interval(None, None, None))
    )
