"""Reads one YAML file strictly: an unknown, missing or doubled key is an error that names it."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from datacards.card import Name, Version
from datacards.errors import UserError


class Recipe(BaseModel):
    """One YAML file that asks for one version; every stage adds its own fields.

    It holds what bears on the result. Where things run and which version goes in is said on the command line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    version: Version
    description: str = ""


_SECRET = re.compile(r"(?i)((?:api_?key|secret|password|authorization)\w*'?(?:: | = ))'[^']*'")
_LOGIN, _QUERY = re.compile(r"//[^/@\s']+@"), re.compile(r"(https?://[^\s'?]+)\?[^\s']*")

AnyModel = TypeVar("AnyModel", bound=BaseModel)


class StrictLoader(yaml.SafeLoader):
    """A safe YAML loader that refuses a key given twice, which YAML's own loader silently resolves."""


def _mapping(loader: StrictLoader, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
    seen: set[Hashable] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, Hashable) or key in seen:
            wrong = "is given twice" if isinstance(key, Hashable) else "is no word"
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} {wrong}", key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep)


StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def explain(where: str, error: ValidationError, model: type[BaseModel]) -> UserError:
    """Turn the first complaint of pydantic into one message that names the field and what is allowed.

    An unknown key comes first: it is often the misspelled form of one that is missing.
    """
    first = min(error.errors(), key=lambda complaint: complaint["type"] != "extra_forbidden")
    field = ".".join(str(part) for part in first["loc"]) or "the file"
    beside = _beside(model, first["loc"])
    allowed = f"allowed keys: {', '.join(beside)}" if beside else ""
    if first["type"] == "extra_forbidden":
        return UserError(where, f"unknown key '{field}'", allowed, "remove or correct it")
    if first["type"] == "missing":
        return UserError(where, f"the key '{field}' is missing", allowed, "add it")
    said = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:  # a rule between fields: the message says which, the whole input would hide it
        return UserError(where, said, "", "correct it")
    if isinstance(first["input"], dict):  # a plug-in's complaint names the option and says what to do
        return UserError(where, _masked(f"{field}: {said}"))
    return UserError(where, _masked(f"{field} = {first['input']!r}"), said, "correct it")


def _masked(text: str) -> str:
    """Return ``text`` without what it may tell of a secret that stands where none may: keys, and parts of addresses."""
    text = _SECRET.sub(r"\1'***'", text)
    return _QUERY.sub(r"\1?***", _LOGIN.sub("//***@", text))


def _beside(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the keys that are allowed where ``location`` points, of a nested model too."""
    here: Any = model
    for step in location[:-1]:
        if isinstance(step, int):
            continue  # one of several in a list: the loop has arrived at what they are
        here = here.model_fields[step].annotation if _is_model(here) and step in here.model_fields else None
        here = next(filter(_is_model, get_args(here)), here)  # Model | None, or tuple[Model, ...]
    return list(here.model_fields) if _is_model(here) else []


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)


def read_recipe(path: Path, model: type[AnyModel]) -> AnyModel:
    """Return the recipe in the YAML file ``path`` as ``model``.

    Raises UserError for an unreadable file, for YAML that is no mapping or has a doubled key, and for any
    field that the model refuses.
    """
    where = path.name or str(path)
    try:
        text = path.read_text(encoding="utf-8")
        data = yaml.load(text, Loader=StrictLoader)  # noqa: S506  a subclass of the safe loader
    except OSError as error:
        raise UserError(where, f"cannot be read ({error.strerror})", todo="check the path") from error
    except UnicodeDecodeError as error:
        raise UserError(where, "is not UTF-8 text", todo="save it as UTF-8") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: YAML's own dates, such as 2026-13-01
        raise UserError(where, f"is not a valid recipe: {error}", todo="correct the YAML") from error
    if not isinstance(data, dict):
        held = "is empty" if data is None else f"holds a {type(data).__name__}"
        raise UserError(where, held, "a recipe is a mapping of keys to values", "write it as key: value")
    return validate(where, data, model)


def validate(where: str, data: dict[str, Any], model: type[AnyModel]) -> AnyModel:
    """Return ``data`` as ``model``; raise UserError naming ``where`` and the first field that is wrong."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise explain(where, error, model) from error
