"""The part of a takedown's page that says what was done: versions and their successors, models, and the proof."""

from collections.abc import Mapping, Sequence
from typing import Any

from datacards.render.markdown import link, table

Json = Mapping[str, Any]
#: What a receipt holds that a page tells of; one that lacks some, as others may write it, is told by its file alone.
TOLD = {"versions", "models", "evaluations", "evaluations_withdrawn", "check", "also_said_by"}
SHOWN = 20  # addresses of others that are named


def receipt(said: Json) -> list[str]:
    """Return the parts for a page from what ``receipt.json`` holds, none from one that names no versions."""
    if "versions" not in said:
        return []
    return [
        "## Withdrawn",
        table(["version", "rows that left", "new survivors", "in its place"], _versions(said)),
        "## Models and scores",
        *_reached(said),
        "## Proof",
        _proof(said["check"]),
        *_others(said["also_said_by"]),
    ]


def rows_gone(one: Json) -> str:
    """Return what left a version, in words."""
    return ", ".join(f"{n:,} {name}" for name, n in one["rows_removed"].items() if n and " " not in name)


def _versions(said: Json) -> list[Sequence[object]]:
    rows: list[Sequence[object]] = [
        (one["version"], rows_gone(one), len(one["new_survivors"]) or "", one["successor"])
        for one in said["versions"]
    ]
    return rows + [
        (name, "scores on questions or texts that left", "", "nothing")
        for name in said["evaluations_withdrawn"]
    ]


def _reached(said: Json) -> list[str]:
    """Return the models and the scores that stand, and were made from what is withdrawn."""
    found = [(name, seen(said, name)) for name in said["models"]]
    found += [(name, "score of such a model") for name in said["evaluations"]]
    return [table(["version", "why it is named"], found)] if found else ["None was made from what left."]


def seen(said: Json, name: str) -> str:
    """Return how a model has seen what left, and how it is made without it."""
    roles = said.get("parts", {}).get(name, [])
    if not roles:
        return "has seen what left; it was not changed: train it again on the successor"
    if "base" in roles:
        return "was merged onto a base that has seen what left; it was not changed: merge again onto another"
    models = "model" if len(roles) == 1 else "models"
    return f"holds what left in its {models} {', '.join(roles)}; it was not changed: merge its recipe again without"


def _proof(check: Json) -> str:
    return (
        f"{check['looked_for']:,} stretches ({check['gram']}) that only the removed texts said were looked for in "
        f"{check['strings']:,} strings of {check['files']:,} files of the successors: {check['leaks']:,} are left. "
        f"{check['said_by_others']:,} more are also said by texts that stay."
    )


def _others(others: Sequence[Json]) -> list[str]:
    if not others:
        return []
    rows = [(link(one["url"], one["url"]), one["places"], f"{one['share']:.0%}") for one in others[:SHOWN]]
    more = f"{len(others) - SHOWN:,} more are in `receipt.json`."
    shown = table(["what also says some of it", "places", "share of its text"], rows)
    return [shown, more] if len(others) > SHOWN else [shown]
