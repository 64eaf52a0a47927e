"""What a version is asked for by: kind, recipe and inputs, comparable with what was asked for another time."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from datacards.card import Card, Kind, Ref
from datacards.provenance import without_folders


def request_of(kind: Kind, recipe: Mapping[str, Any], made_from: Sequence[Ref]) -> dict[str, Any]:
    """Return what a version is asked for by, as a draft notes it."""
    return {"kind": kind, "recipe": plain(recipe), "made_from": [r.model_dump() for r in made_from]}


def plain(value: Any) -> Any:
    """Return ``value`` as JSON would read it back, so that two requests compare by what they say.

    Of a folder on this machine only the name stays: a card names no user, and where a thing lies is not asked.
    """
    said = json.loads(json.dumps(value, ensure_ascii=False, default=str))
    if isinstance(said, dict):
        return {key: plain(one) for key, one in said.items()}
    if isinstance(said, list):
        return [plain(one) for one in said]
    return without_folders(said) if isinstance(said, str) else said


def _first_difference(asked: Mapping[str, Any], had: Mapping[str, Any]) -> tuple[list[str], Any, Any] | None:
    """Return the first key that differs, with the key inside of it if it has any, and both values."""
    for key in sorted({*asked, *had}):
        now, then = asked.get(key), had.get(key)
        if isinstance(now, Mapping) and isinstance(then, Mapping):
            if found := _first_difference(now, then):
                return [key, *found[0]], found[1], found[2]
        elif now != then:
            return [key], now, then
    return None


def difference(card: Card, recipe: Mapping[str, Any], made_from: Sequence[Ref]) -> str:
    """Return in words what was asked for otherwise when a version was made, or an empty text."""
    if found := _first_difference(plain(recipe), card.recipe):
        (key, *inner), now, then = found
        where = f"in '{'.'.join(inner)}' " if inner else ""
        return f"'{key}': {where}it was made with {then!r}, now asked: {now!r}"
    # Which earlier captures a crawl finds unchanged is no part of what it was asked for.
    if card.kind != "captures" and [str(r) + r.digest for r in card.made_from] != [
        str(r) + r.digest for r in made_from
    ]:
        was, now = ", ".join(map(str, card.made_from)), ", ".join(map(str, made_from))
        return f"its inputs: it was made from {was or 'nothing'}, now asked: {now or 'nothing'}"
    return ""
