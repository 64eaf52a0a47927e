"""The items of an evaluation that its model may have read, by task: clean, text seen, or text and answer seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow.parquet as pq

from datacards.card import Ref
from datacards.errors import UserError
from datacards.evaluated import SAMPLES, Score, TaskRecord, read_scores, read_tasks
from datacards.lineage.learned import learned
from datacards.store import Store
from eval.contamination.names import Names, names_of
from eval.contamination.reports import Report, reports

#: ``label``: a corpus shows the item with what gives its answer away; ``text``: without; ``clean``: it shows neither.
Exposed = Literal["clean", "text", "label"]


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is known of one task of an evaluation.

    ``levels`` has a level for every item of the samples; it is empty where a corpus that the model has read was not
    held against the task's test, or names its items in a way that cannot be joined here: ``unlooked`` then says which
    and why. Of such a task no item can be called clean.
    ``unknown`` are models below it of whose texts nothing is known, ``unmatchable`` the items that cannot be looked
    for, ``reports`` the corpora that say all this.
    """

    task: str
    test: str
    levels: Mapping[str, Exposed]
    reports: tuple[str, ...] = ()
    unlooked: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    unmatchable: int = 0

    @property
    def looked(self) -> bool:
        """Say whether every corpus of the model was held against the test."""
        return bool(self.levels)

    def ids(self, *levels: Exposed) -> frozenset[str]:
        """Return the ids of the items of these levels."""
        return frozenset(one for one, level in self.levels.items() if level in levels)

    @property
    def clean(self) -> frozenset[str]:
        """Return the ids of the items that no corpus shows."""
        return self.ids("clean")

    @property
    def dirty(self) -> frozenset[str]:
        """Return the ids of the items that a corpus shows, with their answers or without."""
        return self.ids("text", "label")


def exposed(store: Store, ref: Ref) -> dict[str, dict[str, Exposed]]:
    """Return the level of every item of the evaluation version ``ref``, by task and id of the item.

    Tasks whose test a corpus of the model was not held against are left out: see ``exposures`` for the reason.
    """
    return {task: dict(one.levels) for task, one in exposures(store, ref).items() if one.looked}


def exposures(store: Store, ref: Ref) -> dict[str, Exposure]:
    """Return what is known of each task of the evaluation version ``ref``, by task.

    The corpora are all that its model descends from, through every training and all parents of a merge. Raises
    UserError for a version that is no evaluation.
    """
    card = store.card(ref)
    if card.kind != "evaluation" or not card.made_from:
        raise UserError(
            str(ref), f"is a version of kind '{card.kind}'", "an evaluation is needed", "name another one"
        )
    below = learned(store, card.made_from[0])
    names = {task: names_of(task) for task in _tasks(store, ref)}
    found, lacking = reports(store, below.corpora, {one.test for one in names.values()})
    told = _Told(found, [str(one) for one in lacking], tuple(map(str, below.unknown)))
    return {task: told.exposure(task, one, _ids(store, ref, task)) for task, one in names.items()}


def _tasks(store: Store, ref: Ref) -> list[str]:
    folder = store.path(ref)
    told: Sequence[TaskRecord | Score] = read_tasks(folder) or read_scores(folder)
    return list(dict.fromkeys(one.task for one in told))


def _ids(store: Store, ref: Ref, task: str) -> list[str]:
    table = pq.read_table(store.path(ref, f"{SAMPLES}/{task}.parquet"), columns=["id"])
    ids: list[str] = table["id"].to_pylist()
    return ids


@dataclass(frozen=True, slots=True)
class _Told:
    """What the corpora of a model say together."""

    reports: Sequence[Report]
    lacking: Sequence[str]
    unknown: tuple[str, ...]

    def exposure(self, task: str, names: Names, ids: Sequence[str]) -> Exposure:
        """Return what they say of one task that has the items ``ids``."""
        looked = [one for one in self.reports if names.test in one.looked]
        unlooked = [f"{one} was not held against it" for one in self.lacking]
        unlooked += [f"{one.ref} was not held against it" for one in self.reports if one not in looked]
        seen: dict[str, Exposed] = {}
        for report in looked:
            levels = {names.id(item): level for item, level in report.levels.get(names.test, {}).items()}
            if None in levels:
                todo = names.lacking or "build it again"
                unlooked.append(f"{report.ref} names its items by other ids ({todo})")
            for item, level in levels.items():
                if item and seen.get(item) != "label":
                    seen[item] = level
        clear = bool(looked) and not unlooked
        return Exposure(
            task=task,
            test=names.test,
            levels={one: seen.get(one, "clean") for one in ids} if clear else {},
            reports=tuple(str(one.ref) for one in looked),
            unlooked=tuple(unlooked),
            unknown=self.unknown,
            unmatchable=max((one.looked[names.test] for one in looked), default=0),
        )
