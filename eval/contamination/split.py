"""A score with and without the items that a model may have read: on all, on clean and on dirty ones, and how far apart."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from datacards.card import Ref
from datacards.store import Store
from eval.compare import clean
from eval.compare.clean import Gap, Part
from eval.compare.outcome import Outcome, read, restricted
from eval.contamination.exposed import Exposure, exposures


@dataclass(frozen=True, slots=True)
class Split:
    """One task of one model by what its corpora show of the items.

    ``dirty`` are the items of ``text`` and ``label`` together. ``gap`` is the figure of the dirty items less that of
    the clean ones, ``inflation`` that of all less that of the clean ones: by so much the score of the whole test is
    off. Both are None where one side has no item; all but ``all`` is where a corpus was not held against the test.
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
        gap = self.inflation
        return (
            gap is not None and gap.low is not None and gap.high is not None and not gap.low <= 0 <= gap.high
        )


def splits(store: Store, ref: Ref) -> dict[str, Split]:
    """Return the split of every task of the evaluation version ``ref``, by task."""
    outcomes = read(store.path(ref))
    return {
        task: split(outcomes[task], one) for task, one in exposures(store, ref).items() if task in outcomes
    }


def split(outcome: Outcome, exposure: Exposure) -> Split:
    """Return the scores of a task with and without the items of ``exposure``; only that of all where nobody looked."""
    dirty = exposure.dirty
    parts = clean.split(outcome, dirty)
    whole = Split(outcome.task, outcome.metric, exposure, parts.all)
    if not exposure.looked:
        return whole
    both = parts.difference is not None
    return Split(
        task=outcome.task,
        metric=outcome.metric,
        exposure=exposure,
        all=parts.all,
        clean=parts.clean,
        dirty=parts.seen,
        text=clean.part_of(restricted(outcome, exposure.ids("text"))),
        label=clean.part_of(restricted(outcome, exposure.ids("label"))),
        gap=clean.gap(outcome, dirty, exposure.clean) if both else None,
        inflation=clean.gap(outcome, set(outcome.ids), exposure.clean) if both else None,
    )


class Shown(NamedTuple):
    """What the corpora of several models show: by task the ids of items; tasks of which none can be called clean.

    ``told`` are sentences that say why, and what nobody knows.
    """

    ids: Mapping[str, frozenset[str]]
    left_out: frozenset[str]
    told: tuple[str, ...]


def shown(store: Store, evaluations: Collection[Ref]) -> Shown:
    """Return what the corpora of any of the models of these evaluation versions show of their tests."""
    ids: dict[str, frozenset[str]] = {}
    left_out: set[str] = set()
    told: list[str] = []
    for ref in evaluations:
        for task, one in exposures(store, ref).items():
            ids[task] = ids.get(task, frozenset()) | one.dirty
            if one.unlooked:
                left_out.add(task)
                told.append(f"{task}: no item can be called clean, since {'; '.join(one.unlooked)}.")
            told += [f"Nobody knows what {name} has read." for name in one.unknown]
    return Shown(ids, frozenset(left_out), tuple(dict.fromkeys(told)))
