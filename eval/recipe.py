"""What an evaluation may be asked for: EvalRecipe."""

from typing import Any

from pydantic import Field, model_validator

from datacards.recipe import Recipe
from eval.tasks import AnyTask


class EvalRecipe(Recipe):
    """Score a model on tasks; ``name`` is the ending of the version's name (MODEL-NAME@version).

    ``model`` is a checkpoint as text (``name@version``, ``hf:org/model@<commit>``, a local folder); the command line
    overrides it. ``options`` are those of the plug-in ``evaluator``.
    """

    model: str = ""
    evaluator: str = "transformers"
    options: dict[str, Any] = Field(default_factory=dict)
    tasks: tuple[AnyTask, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _once(self) -> "EvalRecipe":
        names = [task.task for task in self.tasks]
        if len(set(names)) < len(names):
            raise ValueError("a task may be asked for once")
        return self

    @property
    def needs_corpus(self) -> bool:
        """Say whether a task asks about a dataset version."""
        return any(task.needs_corpus for task in self.tasks)
