"""What an evaluation version says of itself: Score, TaskRecord, and the two files that hold them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field

from datacards.card import Card, Record
from datacards.errors import UserError

SCORES, TASKS, SAMPLES = "scores.json", "tasks.json", "samples"
ANSWERS = ".answers"  # the folder of a store that keeps what models were asked once, below their digests

#: How a figure is made of the rows of a samples file: the mean of ``value``; the sum of ``value`` over the sum of
#: ``weight``; the mean F1 over the choices, from ``gold`` and ``prediction``; the mean of the means of every ``group``.
Figure = Literal["mean", "ratio", "f1", "groups"]

R = TypeVar("R", bound=Record)


class Score(Record):
    """One figure of one task: ``value`` with its standard error (None where none is known) over ``samples`` items.

    ``stderr`` takes the items as independent, as the published figures do; ``clustered`` does not where items share a
    text, and ``low`` and ``high`` are the 95 % interval that goes with it. ``chance`` is what guessing scores, None
    where that has no meaning. ``group`` is the part of the items that the figure is of, empty for all. ``note`` says
    what a reader must know before comparing it, such as a subset; it is empty for a full test set.
    """

    task: str
    metric: str
    value: float
    stderr: float | None = None
    samples: int
    note: str = ""
    group: str = ""
    figure: Figure = "mean"
    clustered: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    higher_is_better: bool = True


class TaskRecord(Record):
    """What was asked: the task with its options, the digest of its items, how many, and where they come from.

    ``digest`` is a SHA-256 over all that the model was given and the right answers: equal digests were asked equally.
    ``metric`` is the figure to compare models by, ``figure`` how it is made of the rows of ``samples/TASK.parquet``.
    """

    task: str
    kind: Literal["choice", "reply", "passage", "chat"]
    metric: str
    figure: Figure
    samples: int
    of: int  # the items of the whole test set; more than ``samples`` where a part was asked
    digest: str
    suite: str = ""
    source: str = ""
    options: dict[str, Any] = Field(default_factory=dict)
    compared: bool = True  # False where it is there to be read, and says nothing about which model is better


def write_records(path: Path, records: Sequence[Record]) -> None:
    """Write ``records`` as one JSON array."""
    told = [record.model_dump(mode="json") for record in records]
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_scores(folder: Path) -> list[Score]:
    """Return the scores of the evaluation version in ``folder``."""
    return _read(folder / SCORES, Score)


def read_tasks(folder: Path) -> list[TaskRecord]:
    """Return the tasks of the evaluation version in ``folder``; an old version tells none."""
    return _read(folder / TASKS, TaskRecord) if (folder / TASKS).is_file() else []


def splits_asked(card: Card) -> frozenset[str]:
    """Return the splits of its corpora that the tasks of an evaluation ask about: what their options say, else ``test``."""
    tasks = card.recipe.get("tasks")
    told = [one for one in tasks if isinstance(one, dict)] if isinstance(tasks, list | tuple) else []
    found = [one.get("splits") or [one.get("split") or "test"] for one in told or [{}]]
    return frozenset(str(split) for some in found if isinstance(some, list | tuple) for split in some)


def _read(path: Path, record: type[R]) -> list[R]:
    try:
        return [record.model_validate(row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            str(path.name), f"cannot be read: {error}", todo="verify the version: kanagura cards verify"
        ) from error
