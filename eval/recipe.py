"""What an evaluation may be asked for: EvalRecipe."""

from typing import Any

from pydantic import Field, model_validator

from datacards.errors import UserError
from datacards.recipe import Recipe, validate
from eval.tasks import AnyTask, Task
from eval.tasks.prompts import VERSIONS

ALL_PROMPTS = "all"


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

    def in_words(self, prompt: str) -> "list[EvalRecipe]":
        """Return the recipe as its tasks are asked under ``prompt``, of every version of the prompt for ``all``.

        The default version keeps the recipe's name, any other appends its own to it (``fin-0.2``) and leaves out the
        tasks that know one wording only. Raises UserError where no task has a prompt to choose, or not this one.
        """
        if not any(map(_has_prompts, self.tasks)):
            raise UserError(
                "--prompt", f"no task of '{self.name}' has a prompt to choose", todo="leave it out"
            )
        if prompt not in (*VERSIONS, ALL_PROMPTS):
            raise UserError(
                "--prompt", f"'{prompt}'", f"{', '.join(VERSIONS)} or {ALL_PROMPTS}", "correct it"
            )
        return [self._under(one) for one in (VERSIONS if prompt == ALL_PROMPTS else (prompt,))]

    def _under(self, prompt: str) -> "EvalRecipe":
        first = prompt == VERSIONS[0]
        asked = [
            _asked(task) | {"prompt": prompt} if _has_prompts(task) else _asked(task)
            for task in self.tasks
            if first or _has_prompts(task)
        ]
        told = {name: getattr(self, name) for name in type(self).model_fields}
        name = self.name if prompt == VERSIONS[0] else f"{self.name}-{prompt}"
        return validate(f"--prompt {prompt}", told | {"name": name, "tasks": asked}, EvalRecipe)


def _has_prompts(task: Task) -> bool:
    return "prompt" in type(task).model_fields


def _asked(task: Task) -> dict[str, Any]:
    """Return the options of a task as its recipe gave them, not as they are written down."""
    return {name: getattr(task, name) for name in task.model_fields_set} | {"task": task.task}
