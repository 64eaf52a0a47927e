"""A score with and without the items that a model may have read: on all, on clean and on dirty ones, and how far apart."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from eval.compare.outcome import Outcome, read, restricted
from eval.compare.paired import strata_of
from eval.compare.resample import contrast, estimate
from eval.compare.single import Interval, interval
from eval.contamination.exposed import Exposure, exposures


@dataclass(frozen=True, slots=True)
class Part:
    """The figure of some items of a task: their number, that of the texts they share, and how certain it is."""

    n: int
    n_clusters: int
    value: float | None = None
    stderr: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """The figure of some items less that of others, with its standard error over texts and its 95 % interval."""

    value: float
    stderr: float | None
    low: float | None
    high: float | None

    @property
    def beyond_noise(self) -> bool:
        """Say whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class Split:
    """One task of one model by what its corpora show of the items.

    ``dirty`` are the items of ``text`` and ``label`` together. ``gap`` is the figure of the dirty items less that of
    the clean ones, ``inflation`` that of all less that of the clean ones: by so much the score of the whole test is
    off. Both are None where one side has no item.
    """

    task: str
    metric: str
    exposure: Exposure
    all: Part
    clean: Part | None = None
    dirty: Part | None = None
    text: Part | None = None
    label: Part | None = None
    gap: Gap | None = None
    inflation: Gap | None = None

    @property
    def inflated(self) -> bool:
        """Say whether the score of the whole test differs from the clean one beyond noise."""
        return self.inflation is not None and self.inflation.beyond_noise


def splits(store: Store, ref: Ref) -> dict[str, Split]:
    """Return the split of every task of the evaluation version ``ref``, by task."""
    outcomes = read(store.path(ref))
    return {
        task: split(outcomes[task], one) for task, one in exposures(store, ref).items() if task in outcomes
    }


def split(outcome: Outcome, exposure: Exposure) -> Split:
    """Return the scores of a task with and without the items of ``exposure``; only that of all where nobody looked."""
    whole = Split(outcome.task, outcome.metric, exposure, _part(outcome))
    if not exposure.looked:
        return whole
    dirty = np.array([exposure.levels.get(one, "clean") != "clean" for one in outcome.ids], dtype=bool)
    both = bool(dirty.any() and not dirty.all())
    return Split(
        task=outcome.task,
        metric=outcome.metric,
        exposure=exposure,
        all=whole.all,
        clean=_part(restricted(outcome, exposure.clean)),
        dirty=_part(restricted(outcome, exposure.dirty)),
        text=_part(restricted(outcome, exposure.ids("text"))),
        label=_part(restricted(outcome, exposure.ids("label"))),
        gap=_gap(outcome, dirty, ~dirty) if both else None,
        inflation=_gap(outcome, np.ones_like(dirty), ~dirty) if both else None,
    )


def _part(outcome: Outcome) -> Part:
    if not outcome.n:
        return Part(0, 0)
    told: Interval = interval(outcome)
    return Part(outcome.n, outcome.n_clusters, outcome.value, *told, chance=outcome.chance)


def _gap(outcome: Outcome, some: np.ndarray, others: np.ndarray) -> Gap:
    """Return the difference between the figures of two sets of items, which may share items and texts."""
    parts = [outcome.parts * mask[:, None] for mask in (some, others)]
    asked = contrast(parts, [outcome.figure] * 2, [1.0, -1.0], outcome.clusters, strata_of(outcome))
    with np.errstate(
        invalid="ignore", divide="ignore"
    ):  # a draw may hold no item of one side: it is left out
        told = estimate(asked)
    low, high = told.interval() or (None, None)
    return Gap(told.value, told.stderr, low, high)


def cleaned(
    outcomes: Mapping[str, Mapping[str, Outcome]], exposed: Mapping[str, Collection[Exposure]]
) -> tuple[dict[str, dict[str, Outcome]], list[str]]:
    """Return the outcomes of several models without the items that the corpora of any of them show.

    ``outcomes`` is by model and task, ``exposed`` holds what is known of each model. A task is left out where a corpus
    of one of the models was not held against its test, or where nothing is left; the sentences say which and why.
    """
    found: dict[str, dict[str, Outcome]] = {model: {} for model in outcomes}
    told: list[str] = []
    for task in dict.fromkeys(task for tasks in outcomes.values() for task in tasks):
        known = [one for some in exposed.values() for one in some if one.task == task]
        if unlooked := sorted({name for one in known for name in one.unlooked}):
            told.append(f"{task}: left out, since {'; '.join(unlooked)}")
            continue
        dirty = frozenset[str]().union(*(one.dirty for one in known))
        for model, tasks in outcomes.items():
            if task not in tasks:
                continue
            kept = restricted(tasks[task], set(tasks[task].ids) - dirty)
            if kept.n:
                found[model][task] = kept
        if dirty:
            told.append(f"{task}: without {len(dirty):,} items that a corpus of the models shows")
        told += sorted(
            f"{task}: nobody knows what {name} has read" for name in {n for one in known for n in one.unknown}
        )
    return found, list(dict.fromkeys(told))


def clean_outcomes(
    store: Store, evaluations: Collection[Ref], outcomes: Mapping[str, Mapping[str, Outcome]]
) -> tuple[dict[str, dict[str, Outcome]], list[str]]:
    """Return ``cleaned`` of the outcomes of these evaluation versions; raise UserError when no task is left."""
    exposed = {str(ref): list(exposures(store, ref).values()) for ref in evaluations}
    found, told = cleaned(outcomes, exposed)
    if not any(found.values()):
        raise UserError(
            "--clean", "no task is left", "a test that every corpus of the models was held against",
            "; ".join(told) or "compare without --clean",
        )  # fmt: skip
    return found, told
