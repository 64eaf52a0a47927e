"""What every evaluator is and returns: Evaluator, Score."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from datacards.card import Record
from datacards.objective import Loaded
from eval.tasks.base import Task


class Score(Record):
    """One figure of one task: ``value`` with its standard error (None where none is known) over ``samples`` items.

    ``note`` says what a reader must know before comparing it, such as a subset; it is empty for a full test set.
    """

    task: str
    metric: str
    value: float
    stderr: float | None = None
    samples: int
    note: str = ""


class Evaluator(BaseModel, ABC):
    """A way to score a checkpoint; the fields of a subclass are its options in the recipe.

    Plug-ins are found through the entry points of the group ``kanagura.evaluators``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def evaluate(
        self, *, model: Path | Loaded, tasks: Sequence[Task], corpus: Path | None, out: Path
    ) -> list[Score]:
        """Score the Hugging Face model folder ``model`` on ``tasks``, and return the scores in their order.

        A model that is ``Loaded`` is scored as it is in memory; options that say how to load one do not bear on it.

        ``corpus`` is the folder of the dataset version for tasks that ask about it. One ``samples/TASK.parquet`` with
        a row per item is written below ``out``. Raises UserError when the model cannot be loaded or a task is empty.
        """

    def device(self) -> str:
        """Return what the model runs on, for the provenance."""
        return "cpu"
