"""What every objective is: a figure of one model in memory that a search makes as large as it can."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

GROUP = "kanagura.objectives"


@dataclass(frozen=True)
class Loaded:
    """A model in memory: a transformers model that is ready to compute, its tokenizer, and a name for messages.

    Its weights are those of one candidate only while that candidate is scored: the next one is written over them.
    """

    model: Any
    tokenizer: Any
    name: str


class Objective(BaseModel, ABC):
    """A way to score a model in memory; the fields of a subclass are its options in the recipe.

    Plug-ins are found through the entry points of the group ``kanagura.objectives``. Any stage may offer one, and the
    stage that searches need not know which: they meet here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def score(self, loaded: Loaded, corpus: Path | None) -> float:
        """Return how good the model is, higher being better; ``corpus`` is the folder of a dataset version.

        A number that is not finite, and a UserError, say that this model cannot be scored; the search then takes it
        for the worst. The weights of ``loaded`` must stay as they are.
        """

    def check(self, corpus: Path | None) -> None:
        """Raise UserError when no model could be scored with this corpus, or without one."""

    def tests(self) -> list[str]:
        """Return the names of test sets that this scores on: what a model is chosen by tests it no more."""
        return []
