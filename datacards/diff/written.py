"""What two versions of questions tell of how they were written: the model, the prompts, and the checks that judged."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from datacards.diff.versions import Version
from datacards.render.yields import REPORT
from datacards.store import Store


class Written(NamedTuple):
    """In words, what of model and prompts, and what of the checks, is another; whether a model wrote at all."""

    asked: str = ""
    judged: str = ""
    by_model: bool = False


def written(store: Store, a: Version, b: Version) -> Written:
    """Return what is different in the reports of two versions; of prompts the first digits of their SHA-256."""
    one, other = _report(store, a), _report(store, b)
    if not (one and other):
        return Written()
    asked = [*_differing("model", {"": one.get("model")}, {"": other.get("model")})]
    asked += _differing("prompt", one.get("prompts") or {}, other.get("prompts") or {})
    judged = _differing("check", dict(one.get("checks") or ()), dict(other.get("checks") or ()))
    return Written("; ".join(asked), "; ".join(judged), bool(one.get("prompts") and other.get("prompts")))


def _report(store: Store, of: Version) -> Mapping[str, Any]:
    """Return the report of the nearest version below, or of the version itself, that has one."""
    for ref, card in of.all:
        if any(file.path == REPORT for file in card.files) and store.path(ref, REPORT).is_file():
            said = json.loads(store.path(ref, REPORT).read_text(encoding="utf-8"))
            return said if isinstance(said, dict) else {}
    return {}


def _differing(what: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    names = [name for name in dict.fromkeys([*one, *other]) if one.get(name) != other.get(name)]
    return [
        f"{what}{' ' if name else ''}{name}: {_short(one.get(name))} -> {_short(other.get(name))}"
        for name in names
    ]


def _short(value: Any) -> str:
    said = "nothing" if value is None else str(value)
    return said[:12] if len(said) == 64 else said[:100]  # a digest is told apart by its first digits
