"""What every task is: Task, and the reading of the vendored items."""

import gzip
import json
import random
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from datacards.card import Rights
from eval.items import Answer, Item
from eval.metrics import accuracy

HERE = Path(__file__).parent
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Measured(NamedTuple):
    """One figure: its metric's name, its value, its standard error where one is known."""

    metric: str
    value: float
    stderr: float | None


class Task(BaseModel, ABC):
    """A test set with one prompt; the fields of a subclass are its options in the recipe.

    The first metric is the one to compare models by. ``subset`` scores that many items only, every label in its share,
    drawn with ``seed``: for quick looks, and never a benchmark's figure.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    subset: int | None = Field(default=None, ge=2)
    seed: int = 0
    needs_corpus: ClassVar[bool] = False
    rights: ClassVar[Rights | None] = None  # of the vendored items; those of a corpus are in its card

    @abstractmethod
    def items(self, corpus: Path | None) -> list[Item]:
        """Return all items in a fixed order; ``corpus`` is the folder of a dataset version."""

    def draw(self, corpus: Path | None) -> tuple[list[Item], str]:
        """Return the items to score, and what a reader must know of them: '' for the full test set."""
        found = self.items(corpus)
        if self.subset is None or self.subset >= len(found):
            return found, ""
        drawn = stratified(found, self.subset, self.seed)
        return drawn, f"a draw of {len(drawn)} of {len(found):,} items, no benchmark figure"

    def measure(self, answers: Sequence[Answer]) -> list[Measured]:
        """Return the figures of one model's answers, the one to compare by first."""
        return [
            Measured("acc", *accuracy(answers)),
            Measured("acc_norm", *accuracy(answers, per_character=True)),
        ]


def vendored(name: str) -> list[dict[str, Any]]:
    """Return the rows of ``NAME.jsonl.gz`` beside this module (see LICENSES.md there)."""
    with gzip.open(HERE / f"{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def exam(question: str, context: str, choices: Sequence[str], *, description: str) -> str:
    """Return the prompt of an examination question with lettered choices.

    The default layout of the Japanese financial benchmark: description, question, context if any, choices, and the
    heading under which the answer stands; it ends with a line break.
    """
    lettered = "".join(f"{letter}: {choice}\n" for letter, choice in zip(LETTERS, choices, strict=False))
    told = f"{question}\n{context}\n" if context else f"{question}\n"
    return f"{description}\n\n\n【問題】\n{told}\n【選択肢】\n{lettered}\n【答え】\n"


def stratified(items: Sequence[Item], size: int, seed: int) -> list[Item]:
    """Return ``size`` items drawn without replacement, every label in its share of ``items``, in their order.

    Shares are rounded by largest remainder. The draw depends on the items' ids and the seed alone, not on their order.
    """
    if size >= len(items):
        return list(items)
    by_label: Mapping[str, list[Item]] = defaultdict(list)
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
