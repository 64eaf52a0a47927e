"""Finds the plug-in of a name through entry points; built-in ones come by the same door."""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel

from datacards.errors import UserError
from datacards.recipe import validate


def names(group: str) -> list[str]:
    """Return the names of the installed plug-ins of ``group``, for example ``kanagura.trainers``."""
    return sorted({point.name for point in entry_points(group=group)})


def load(group: str, name: str) -> type[BaseModel]:
    """Return the plug-in class ``name`` of ``group``.

    Raises UserError for an unknown name (the known ones are listed), for a name that two distributions
    claim, and for a plug-in whose import fails or that is no pydantic model.
    """
    points = [point for point in entry_points(group=group) if point.name == name]
    if not points:
        known = ", ".join(names(group)) or "none"
        raise UserError(group, f"no plug-in named '{name}'", f"installed: {known}", "correct the recipe")
    if len({point.value for point in points}) > 1:
        claims = ", ".join(sorted(f"{_origin(point)} ({point.value})" for point in points))
        raise UserError(group, f"'{name}' is claimed by {claims}", todo="uninstall all but one")
    try:
        plugin = points[0].load()
    except (ImportError, AttributeError) as error:
        raise UserError(
            group,
            f"the plug-in '{name}' of {_origin(points[0])} cannot be loaded: {error}",
            todo="install what it needs, for the built-in ones: pip install -e '.[models]'",
        ) from error
    if not (isinstance(plugin, type) and issubclass(plugin, BaseModel)):
        raise UserError(
            group, f"the plug-in '{name}' is a {type(plugin).__name__}", "a plug-in is a pydantic model class"
        )
    return plugin


def make(group: str, name: str, options: dict[str, Any]) -> Any:
    """Return the plug-in ``name`` with its options checked; raise UserError naming a wrong option."""
    return validate(f"{group}: {name}", options, load(group, name))


def _origin(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown distribution"
