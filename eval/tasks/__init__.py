"""The tasks that a recipe may ask for; each is a plug-in of the group ``kanagura.tasks``."""

from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny

from datacards.errors import UserError
from datacards.plugins import make, names
from eval.tasks.base import Task

GROUP = "kanagura.tasks"


def any_task(given: Any) -> Any:
    """Return the task that a mapping of a recipe asks for: ``task`` is the plug-in's name, the rest its options."""
    if isinstance(given, Task) or not isinstance(given, dict):
        return given
    name = given.get("task")
    if not isinstance(name, str):
        raise ValueError(f"a task is named by 'task'; known: {', '.join(names(GROUP))}")
    try:
        return make(GROUP, name, given)
    except UserError as error:
        raise ValueError(str(error)) from error


AnyTask = Annotated[SerializeAsAny[Task], BeforeValidator(any_task)]

__all__ = ["GROUP", "AnyTask", "Task", "any_task"]
