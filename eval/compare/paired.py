"""Compares two models on the same items of one task."""

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from datacards.errors import UserError
from eval.compare import exact
from eval.compare.adjust import Adjustment
from eval.compare.figures import Ints
from eval.compare.outcome import Outcome, chosen
from eval.compare.resample import DRAWS, Estimate, contrast, estimate
from eval.compare.sentences import sentence_of

Verdict = Literal["better", "worse", "equivalent", "undecided"]
Method = Literal["exact McNemar", "cluster bootstrap-t", "sum of tasks", "unpaired z"]

LEVEL = 0.05  # of every test
POWER = 0.8
FEWEST_DISCORDANT = 6  # exact McNemar calls no fewer, be they all to one side: 2 / 2**6 < 0.05


@dataclass(frozen=True)
class Comparison:
    """Model ``a`` against model ``b`` on one task: ``difference`` is a's figure less b's.

    ``stderr`` is that of the paired difference over ``n_clusters`` texts, ``low`` to ``high`` its 95 % interval, which
    holds zero exactly where ``p`` is 0.05 or more; None where one text tells no error. ``p_adjusted`` accounts for the
    tests that were made with it. ``mde`` is the difference that these items would show in four cases of five.
    ``p_equivalent`` and ``p_no_loss`` are of a difference of ``margin`` or more, and of a loss of ``margin`` or more,
    adjusted as well. ``verdict`` is a's: better, worse, equivalent (within the margin) or undecided. The interval is
    that of t with ``df`` degrees of freedom times ``scale`` where a bootstrap made it.
    """

    task: str
    metric: str
    n: int
    n_clusters: int
    a: float
    b: float
    difference: float
    stderr: float | None
    low: float | None
    high: float | None
    p: float
    p_adjusted: float
    mde: float | None
    verdict: Verdict
    method: Method
    sentence: str = ""
    names: tuple[str, str] = ("A", "B")
    suite: str = ""
    group: str = ""
    higher_is_better: bool = True
    chance: float | None = None
    margin: float | None = None
    p_equivalent: float | None = None
    p_no_loss: float | None = None
    tests: int = 1
    adjustment: Adjustment = "none"
    df: float = 0.0
    scale: float = 1.0
    note: str = ""

    @property
    def no_loss(self) -> bool | None:
        """Say whether a loss of the margin or more is ruled out; None where no margin was set beforehand."""
        return None if self.p_no_loss is None else self.p_no_loss < LEVEL


def compare(
    a: Outcome,
    b: Outcome,
    *,
    names: tuple[str, str] = ("A", "B"),
    margin: float | None = None,
    common: bool = False,
    draws: int = DRAWS,
    seed: int = 0,
) -> Comparison:
    """Return how the model of ``a`` does against that of ``b`` on one task, with no account of other tests.

    Questions that are right or wrong and share no text go through exact McNemar, with the interval of Tango (1998)
    stretched to zero where McNemar does not reject; all else through t over clusters, held to a paired cluster
    bootstrap, stratified by group where the figure is a mean of groups. ``margin`` (else the task's own) is the
    difference that does not matter, set before the scores were seen. Raises UserError where the two were not asked
    equally, unless ``common`` items are enough.
    """
    a, b = paired(a, b, names=names, common=common)
    margin = a.margin if margin is None else margin
    share = a.binary or a.figure == "f1"
    if margin is not None and not 0 < margin < (1 if share else math.inf):
        raise UserError(
            a.task, f"a margin of {margin:g}", f"a number above zero{', below 1' * share}",
            "give the loss that would matter, such as 0.02",
        )  # fmt: skip
    a = replace(a, clusters=_coarser(a.clusters, b.clusters))
    simple = a.binary and b.binary and a.n_clusters == a.n > 1
    found = _counted(a, b, margin) if simple else _resampled(a, b, margin, draws, seed)
    start = Comparison(
        task=a.task, metric=a.metric, n=a.n, n_clusters=a.n_clusters, a=a.value, b=b.value,
        difference=a.value - b.value, stderr=found.stderr, low=found.low, high=found.high, p=found.p,
        p_adjusted=found.p, mde=found.mde, verdict="undecided", method=found.method, names=names, suite=a.suite,
        higher_is_better=a.higher_is_better, chance=a.chance, margin=margin,
        p_equivalent=found.p_equivalent, p_no_loss=found.p_no_loss, df=found.df, scale=found.scale,
        note=a.note or b.note,
    )  # fmt: skip
    return decided(start)


def decided(comparison: Comparison) -> Comparison:
    """Return ``comparison`` with the verdict that its adjusted p values give, and the sentence that tells it.

    A difference that is shown to be within the margin is equivalent, be it zero or not: that is what the margin says.
    """
    one = comparison
    gain = one.difference if one.higher_is_better else -one.difference
    verdict: Verdict = "undecided"
    if one.p_adjusted < LEVEL:
        verdict = "better" if gain > 0 else "worse"
    if one.p_equivalent is not None and one.p_equivalent < LEVEL:
        verdict = "equivalent"
    settled = replace(one, verdict=verdict)
    return replace(settled, sentence=sentence_of(settled))


def paired(
    a: Outcome, b: Outcome, *, names: tuple[str, str] = ("A", "B"), common: bool = False
) -> tuple[Outcome, Outcome]:
    """Return both outcomes with the same items in the same order; see ``compare`` for what is refused."""
    if (a.metric, a.figure, a.parts.shape[1]) != (b.metric, b.figure, b.parts.shape[1]):
        told = [f"{one.metric} ({one.figure}, {one.parts.shape[1] // 2} parts)" for one in (a, b)]
        raise UserError(
            a.task, f"{names[0]} has {told[0]}, {names[1]} has {told[1]}", "equal figures are compared"
        )
    if a.digest != b.digest and not common:
        raise UserError(
            a.task, f"{names[0]} and {names[1]} were not asked the same: {_what_differs(a, b)}",
            "only equal questions are compared", "score both with one recipe, or add: --common",
        )  # fmt: skip
    if a.ids == b.ids:
        return a, b
    places_a, places_b = matched(a.ids, b.ids)
    if not places_a or (a.digest == b.digest and len(places_a) != a.n):
        raise UserError(
            a.task, f"{names[0]} and {names[1]} have {len(places_a)} items in common", "all are needed"
        )
    return chosen(a, places_a), chosen(b, places_b)


def matched(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[list[int], list[int]]:
    """Return the places of equal ids, in the order of ``left``; an id that stands twice is matched twice."""
    places: dict[str, list[int]] = defaultdict(list)
    for place in range(len(right) - 1, -1, -1):
        places[right[place]].append(place)
    found = [(place, places[one].pop()) for place, one in enumerate(left) if places.get(one)]
    return [one for one, _ in found], [other for _, other in found]


def _what_differs(a: Outcome, b: Outcome) -> str:
    places_a, places_b = matched(a.ids, b.ids)
    only = [sorted(set(one.ids) - set(other.ids)) for one, other in ((a, b), (b, a))]
    if any(only):
        told = ", ".join((only[0] or only[1])[:3])
        return (
            f"{len(only[0]):,} items only in the first, {len(only[1]):,} only in the second (such as {told})"
        )
    if a.contexts is None or b.contexts is None:
        return "the items are the same, their prompts or answers are not"
    other = np.flatnonzero(a.contexts[places_a] != b.contexts[places_b])
    if len(other):
        return f"{len(other):,} of {len(places_a):,} items have another prompt (such as {a.ids[places_a[other[0]]]})"
    return "the prompts are the same, the choices or right answers are not"


def _coarser(left: Ints, right: Ints) -> Ints:
    """Return the clusters of the side that tells more of what items share."""
    return left if len(np.unique(left)) <= len(np.unique(right)) else right


@dataclass(frozen=True)
class _Found:
    method: Method
    stderr: float | None
    low: float | None
    high: float | None
    p: float
    mde: float | None
    df: float
    scale: float = 1.0
    p_equivalent: float | None = None
    p_no_loss: float | None = None


def _counted(a: Outcome, b: Outcome, margin: float | None) -> _Found:
    """Return what the discordant questions tell."""
    right_a, right_b = a.parts[:, 0] > 0, b.parts[:, 0] > 0
    more, less, n = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum()), a.n
    p = exact.mcnemar(more, less)
    low, high = exact.tango(more, less, n)
    if p >= LEVEL:
        low, high = min(low, 0.0), max(high, 0.0)
    stderr = float((a.parts[:, 0] - b.parts[:, 0]).std(ddof=1)) / math.sqrt(n)
    needed = (
        (exact.normal_quantile(1 - LEVEL / 2) + exact.normal_quantile(POWER)) * math.sqrt(more + less) / n
    )
    found = _Found("exact McNemar", stderr, low, high, p, max(needed, FEWEST_DISCORDANT / n), n - 1)
    if margin is None:
        return found
    above = exact.normal_tail(exact.tango_z(more, less, n, -margin))
    below = exact.normal_tail(-exact.tango_z(more, less, n, margin))
    loss = above if a.higher_is_better else below
    return replace(found, p_equivalent=max(above, below), p_no_loss=loss)


def _resampled(a: Outcome, b: Outcome, margin: float | None, draws: int, seed: int) -> _Found:
    """Return what clusters tell."""
    asked = contrast([a.parts, b.parts], [a.figure, b.figure], [1.0, -1.0], a.clusters, strata_of(a))
    told = estimate(asked, draws=draws, seed=seed)
    half = a.parts.shape[1]
    differing = int((np.abs(asked.sums[:, :half] - asked.sums[:, half:]) > 1e-12).any(axis=1).sum())
    p = max(told.p(), min(1.0, 2.0 ** (1 - differing)))  # no sign test over so few clusters goes below that
    low, high = told.interval() or (None, None)
    if low is not None and high is not None and p >= LEVEL:
        low, high = min(low, 0.0), max(high, 0.0)
    found = _Found("cluster bootstrap-t", told.stderr, low, high, p, _detectable(told), told.df, told.scale)
    if margin is None:
        return found
    least = (
        (1 - min(margin, 1.0)) ** told.clusters if told.stderr == 0 else 0.0
    )  # one in margin^-1 may differ unseen
    above, below = max(told.p_above(-margin), least), max(told.p_below(margin), least)
    return replace(found, p_equivalent=max(above, below), p_no_loss=above if a.higher_is_better else below)


def strata_of(outcome: Outcome) -> Ints:
    """Return the stratum of every item: its group where the figure is a mean of groups, else one for all."""
    if outcome.figure != "groups":
        return np.zeros(outcome.n, dtype=np.int64)
    return np.unique(outcome.groups, return_inverse=True)[1].astype(np.int64)


def _detectable(told: Estimate) -> float | None:
    """Return the difference that would be called with a power of 80 %; None where nothing varies."""
    if not told.stderr:
        return None
    return told.stderr * told.scale * float(stdtrit(told.df, 1 - LEVEL / 2) + stdtrit(told.df, POWER))
