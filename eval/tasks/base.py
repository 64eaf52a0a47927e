"""What every task is: Task, and the reading of the vendored items."""

import math
import random
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from datacards.card import Ref, Rights
from datacards.evaluated import Figure, Score, TaskRecord
from datacards.store import Store
from eval.items import Answer, Asked, Item, Kind, Reply, Result, Surprise
from eval.metrics import accuracy
from eval.tasks.prompts import DEFAULT, LETTERS, laid_out

__all__ = ["LETTERS", "Conversation", "Effort", "Measured", "Task", "exam", "stratified", "weighted"]


class Measured(NamedTuple):
    """One figure: its metric's name, its value, its standard error where one is known."""

    metric: str
    value: float
    stderr: float | None


class Task(BaseModel, ABC):
    """A test set with one prompt; the fields of a subclass are its options in the recipe.

    Plug-ins are found through the entry points of the group ``kanagura.tasks``. What comes first of ``measure`` is the
    figure to compare models by. ``subset`` scores that many items only, every label in its share, drawn with ``seed``:
    for quick looks, and never a benchmark's figure.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    subset: int | None = Field(default=None, ge=2)
    seed: int = 0
    kind: ClassVar[Kind] = "choice"
    metric: ClassVar[str] = "acc"  # the name of the first figure
    figure: ClassVar[Figure] = "mean"  # how the first figure is made of the items' values
    suite: ClassVar[str] = ""  # the benchmark it belongs to; its tasks are reported together
    needs_corpus: ClassVar[bool] = False
    higher_is_better: ClassVar[bool] = True
    rights: ClassVar[Rights | None] = None  # of the items; those of a corpus are in its card

    @abstractmethod
    def items(self, corpus: Path | None) -> Sequence[Asked]:
        """Return all items in a fixed order; ``corpus`` is the folder of a dataset version.

        Raises UserError where they cannot be had, saying where they come from.
        """

    def for_model(self, store: Store, model: Ref) -> "Task":
        """Return the task as ``model`` is asked it; one that depends on what the model was trained on says so here."""
        del store, model
        return self

    def draw(self, corpus: Path | None) -> tuple[list[Asked], str, int]:
        """Return the items to score, what a reader must know of them ('' for the full set), and how many there are."""
        found = list(self.items(corpus))
        if self.subset is None or self.subset >= len(found):
            return found, "", len(found)
        drawn = stratified(found, self.subset, self.seed)
        return drawn, f"a draw of {len(drawn)} of {len(found):,} items, no benchmark figure", len(found)

    def value(self, result: Result) -> tuple[float, float]:
        """Return what one result scores, and its weight.

        A choice scores 1 where it is right, else 0; a passage its bits, weighing its bytes. A task that asks for
        replies says itself what one is worth.
        """
        if isinstance(result, Surprise):
            return result.nats / math.log(2), float(len(result.item.text.encode()))
        if isinstance(result, Reply):
            raise NotImplementedError(f"{self.task} must say what a reply is worth")
        return float(result.prediction == result.item.gold), 1.0

    def measure(self, results: Sequence[Any]) -> list[Measured]:
        """Return the figures of one model's results, the one to compare by first."""
        if self.kind != "choice":
            return [weighted(self.metric, [self.value(result) for result in results])]
        answers: Sequence[Answer] = results
        return [
            Measured("acc", *accuracy(answers)),
            Measured("acc_norm", *accuracy(answers, per_character=True)),
        ]

    def parts(self, results: Sequence[Any]) -> Mapping[str, Sequence[Any]]:
        """Return the parts of the results that have a figure of their own, by name; none unless a task says so."""
        del results
        return {}

    def chance(self, items: Sequence[Asked]) -> float | None:
        """Return what guessing among the choices scores on ``items``, None where that has no meaning."""
        counts = [len(item.choices) for item in items if isinstance(item, Item)]
        return sum(1 / n for n in counts) / len(counts) if counts and self.figure == "mean" else None


class Effort(NamedTuple):
    """What a task would take: its items, of how many, how many are known already, the characters to read, and a remark."""

    items: int
    of: int
    kept: int
    characters: int
    told: str


class Conversation(Task, ABC):
    """A test that is held as conversations and marked by a judge: it asks and scores by itself."""

    kind: ClassVar[Kind] = "chat"
    figure: ClassVar[Figure] = "groups"

    def items(self, corpus: Path | None) -> Sequence[Asked]:
        """Return nothing: no evaluator asks it."""
        del corpus
        return []

    @abstractmethod
    def converse(self, *, model: Path, kept: Path, out: Path) -> tuple[list[Score], list[TaskRecord]]:
        """Hold the conversations with the model in the folder ``model``, have them judged, and return scores and records.

        There is one record for every way in which the answers are scored; the first has the task's own name.

        ``kept`` is this model's own folder for what outlives a run. The samples are written below ``out``.
        """

    @abstractmethod
    def effort(self, *, model: Path, kept: Path) -> Effort:
        """Return what ``converse`` would take; nothing is asked of anybody."""


def weighted(metric: str, pairs: Sequence[tuple[float, float]]) -> Measured:
    """Return the sum of values over the sum of weights, and its standard error (delta method, items independent)."""
    values, weights = np.array(pairs, dtype=float).T
    ratio = float(values.sum() / weights.sum())
    n = len(values)
    if n < 2:
        return Measured(metric, ratio, None)
    spread = (values - ratio * weights) / weights.mean()
    return Measured(metric, ratio, float(spread.std(ddof=1) / math.sqrt(n)))


def by_group(results: Sequence[Any]) -> dict[str, list[Any]]:
    """Return the results of every group, in order of the groups' names."""
    groups: dict[str, list[Any]] = defaultdict(list)
    for result in results:
        groups[result.item.group].append(result)
    return dict(sorted(groups.items()))


def exam(question: str, context: str, choices: Sequence[str], *, description: str) -> str:
    """Return the prompt of an examination question with lettered choices.

    The default layout of the Japanese financial benchmark: description, question, context if any, choices, and the
    heading under which the answer stands; it ends with a line break.
    """
    return f"{description}\n\n\n{laid_out(DEFAULT, question, context, choices)}"


def stratified(items: Sequence[Asked], size: int, seed: int) -> list[Asked]:
    """Return ``size`` items drawn without replacement, every label in its share of ``items``, in their order.

    Shares are rounded by largest remainder. The draw depends on the items' ids and the seed alone, not on their order.
    """
    if size >= len(items):
        return list(items)
    by_label: Mapping[str, list[Asked]] = defaultdict(list)
    for item in sorted(items, key=lambda item: item.id):
        by_label[item.label].append(item)
    exact = {label: size * len(members) / len(items) for label, members in by_label.items()}
    quota = {label: int(share) for label, share in exact.items()}
    for label in sorted(exact, key=lambda name: (quota[name] - exact[name], name))[
        : size - sum(quota.values())
    ]:
        quota[label] += 1
    drawn = {
        item.id
        for label, members in sorted(by_label.items())
        for item in random.Random(f"{seed}:{label}").sample(members, quota[label])  # noqa: S311  a draw, no secret
    }
    return [item for item in items if item.id in drawn]
