"""What one evaluation version found on one task, item by item, in the form that all statistics are made of."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacards.evaluated import Figure, Score, TaskRecord
from eval.compare.figures import Floats, Ints, value_of
from eval.compare.reading import NO_CLUSTERS, read_columns, tasks_of


@dataclass(frozen=True, eq=False)
class Outcome:
    """One task of one evaluation version.

    ``parts`` (n, 2 J) holds what each item adds to the J numerators and the J denominators of which the figure is the
    mean ratio (``eval/compare/figures.py``); ``guess`` holds the same for guessing, None where that has no meaning.
    ``clusters`` numbers the texts that items share; ``contexts`` is the beginning of the hash of each prompt. ``digest``
    is equal where two models were asked equally. ``margin`` is the difference that was said not to matter before the
    run, ``note`` what a reader must know.
    """

    task: str
    metric: str
    figure: Figure
    higher_is_better: bool
    digest: str
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    clusters: Ints
    parts: Floats
    suite: str = ""
    guess: Floats | None = None
    contexts: NDArray[np.uint64] | None = None
    margin: float | None = None
    note: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Return the number of items."""
        return len(self.ids)

    @property
    def n_clusters(self) -> int:
        """Return the number of independent texts."""
        return len(np.unique(self.clusters))

    @property
    def value(self) -> float:
        """Return the figure."""
        return float(value_of(self.parts.sum(axis=0), self.figure))

    @property
    def known(self) -> bool:
        """Say whether there is a figure: none where no item has a value, as where a judge failed at all of them."""
        return bool(np.isfinite(self.value))

    @property
    def chance(self) -> float | None:
        """Return what guessing scores on these items: among the choices, or for F1 always the same, whichever is best."""
        return None if self.guess is None else float(value_of(self.guess.sum(axis=0), self.figure))

    @property
    def binary(self) -> bool:
        """Say whether every item is right or wrong, and the figure the share of right ones."""
        return (
            self.figure == "mean"
            and self.parts.shape[1] == 2
            and bool(np.isin(self.parts[:, 0], (0.0, 1.0)).all() and (self.parts[:, 1] == 1.0).all())
        )


def restricted(outcome: Outcome, ids: Collection[str]) -> Outcome:
    """Return ``outcome`` of those items only whose id is among ``ids``; of none where none is."""
    wanted = ids if isinstance(ids, set | frozenset) else set(ids)
    return chosen(outcome, [place for place, one in enumerate(outcome.ids) if one in wanted])


def of_group(outcome: Outcome, group: str) -> Outcome:
    """Return ``outcome`` of the items of one group."""
    return chosen(outcome, [place for place, one in enumerate(outcome.groups) if one == group])


def chosen(outcome: Outcome, places: Iterable[int]) -> Outcome:
    """Return ``outcome`` of the items at ``places``, in their order."""
    at = np.fromiter(places, dtype=np.int64)
    return replace(
        outcome,
        ids=tuple(outcome.ids[place] for place in at),
        groups=tuple(outcome.groups[place] for place in at),
        clusters=outcome.clusters[at],
        parts=outcome.parts[at],
        guess=None if outcome.guess is None else outcome.guess[at],
        contexts=None if outcome.contexts is None else outcome.contexts[at],
    )


def read(folder: Path) -> dict[str, Outcome]:
    """Return the outcome of every task by which models are compared, of the version in ``folder``, by the task's name.

    Raises UserError where a file is missing or does not hold what statistics need.
    """
    records, scores = tasks_of(folder)
    return {record.task: outcome_of(folder, record, scores) for record in records if record.compared}


def outcome_of(folder: Path, record: TaskRecord, scores: Sequence[Score] = ()) -> Outcome:
    """Return the outcome of one task whose samples lie in ``folder``; ``scores`` tell which way is up, and notes.

    Raises UserError as ``read`` does.
    """
    columns = read_columns(folder, record)
    headline = next((one for one in scores if (one.task, one.metric) == (record.task, record.metric)), None)
    notes = ["" if record.digest else NO_CLUSTERS, headline.note if headline else ""]
    margin = record.options.get("margin")
    return Outcome(
        task=record.task,
        metric=record.metric,
        figure=record.figure,
        higher_is_better=headline.higher_is_better if headline else True,
        digest=columns.asked,
        ids=tuple(columns.ids),
        groups=tuple(columns.groups),
        clusters=columns.clusters,
        parts=columns.parts,
        suite=record.suite,
        guess=columns.guess,
        contexts=columns.contexts,
        margin=float(margin) if isinstance(margin, int | float) else None,
        note="; ".join(note for note in notes if note),
        options=record.options,
    )
