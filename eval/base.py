"""What every evaluator is: Evaluator, which asks one model what tasks ask."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from datacards.evaluated import Score
from datacards.objective import Loaded
from eval.items import Asked, Result

__all__ = ["Evaluator", "Keep", "Score"]

#: Takes results of one task as they come, in any order: what was taken is not asked again after an interruption.
Keep = Callable[[str, Sequence[Result]], None]


class Evaluator(BaseModel, ABC):
    """A way to ask a model; the fields of a subclass are its options in the recipe.

    Plug-ins are found through the entry points of the group ``kanagura.evaluators``. An evaluator computes no figure:
    likelihoods, replies and the likelihood of passages are what it returns, and everything else is made of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def ask(
        self, *, model: Path | Loaded, asked: Mapping[str, Sequence[Asked]], keep: Keep
    ) -> Mapping[str, Sequence[Result]]:
        """Return the results of every task, in the order of its items: an Answer per Item, a Reply per Question, a
        Surprise per Passage.

        ``model`` is a Hugging Face model folder or a model in memory; options that say how to load one do not bear on
        the latter. ``keep`` is given results as they are made, so that an interruption loses little. Raises UserError
        when the model cannot be loaded, or for a kind of item that the evaluator cannot ask.
        """

    def settings(self) -> dict[str, Any]:
        """Return the options that bear on the results: results are kept under them, and asked for anew where they differ."""
        return self.model_dump(mode="json")

    def device(self) -> str:
        """Return what the model runs on, for the provenance."""
        return "cpu"
