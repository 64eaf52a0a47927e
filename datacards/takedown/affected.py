"""What else a takedown reaches: evaluations that hold removed texts, models that have seen them or were merged of such."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from datacards.card import Card, Ref
from datacards.evaluated import splits_asked
from datacards.merged import asked_of
from datacards.store import Store
from datacards.takedown.eraser import Search
from datacards.takedown.removed import Report

SOURCE = "source_"  # of a count in the card of a checkpoint that was trained on some documents alone


class Affected(NamedTuple):
    """Evaluations that are withdrawn without successor, other ones, and checkpoints; all of them made from what is withdrawn.

    ``parts`` says of each checkpoint that was merged which of its models, by their roles, bring in what is withdrawn.
    """

    withdrawn: list[Ref]
    evaluations: list[Ref]
    models: list[Ref]
    parts: dict[str, list[str]]


def affected(store: Store, reports: Sequence[Report], search: Search | None) -> Affected:
    """Return the evaluations and checkpoints of a store that were made, over any number of steps, from old versions.

    A checkpoint that was trained on some sources of a version alone is reached only where one of these lost documents. An
    evaluation is withdrawn when its samples say what only removed texts say, or when it asked about a split of a
    version that lost some rows of it.
    """
    gone = store.withdrawn()
    splits = {
        one.version: {
            name.removeprefix("split ") for name, n in one.rows.items() if n and name.startswith("split ")
        }
        for one in reports
    }
    lost = {one.version: {stone["source"] for stone in one.tombstones} for one in reports}
    reached = set(lost)
    cards = {str(ref): (ref, store.card(ref)) for ref in store.refs() if str(ref) not in gone}
    while more := {
        key
        for key, (_, card) in cards.items()
        if key not in reached
        and card.kind in ("checkpoint", "evaluation")
        and any(str(one) in reached and _saw(card, lost.get(str(one))) for one in card.made_from)
    }:
        reached |= more
    found = Affected([], [], [], {})
    for key, (ref, card) in cards.items():
        if card.kind == "evaluation" and (_asked(card, splits) or _leaks(store, ref, card, search)):
            found.withdrawn.append(ref)
        elif key in reached and card.kind == "evaluation":
            found.evaluations.append(ref)
        elif key in reached and card.kind == "checkpoint":
            found.models.append(ref)
            if roles := [role for role, name in _merged(card).items() if name in reached]:
                found.parts[key] = roles
    return found


def _saw(card: Card, lost: set[str] | None) -> bool:
    """Return whether a checkpoint may have seen what an input lost: ``lost`` are its sources, None of another input.

    Only one that chose its documents says of which sources they are; a removal whose source is not known counts for all.
    """
    used = {name.removeprefix(SOURCE) for name in card.counts if name.startswith(SOURCE)}
    return lost is None or not used or card.kind != "checkpoint" or bool(lost & used) or "" in lost


def _merged(card: Card) -> Mapping[str, str]:
    """Return the checkpoints that one was merged of, by role, the base last: nothing but the base is left out easily."""
    recipe = asked_of(card)
    models = recipe.get("models")
    named = {role: recipe.get(role) for role in ("domain", "instruct")}
    named |= models if isinstance(models, dict) else {}
    if not any(named.values()):
        return {}
    named["base"] = recipe.get("base")
    return {role: name for role, name in named.items() if isinstance(name, str) and name}


def _asked(card: Card, splits: Mapping[str, set[str]]) -> bool:
    return any(splits.get(str(one), set()) & splits_asked(card) for one in card.made_from)


def _leaks(store: Store, ref: Ref, card: Card, search: Search | None) -> bool:
    names = [file.path for file in card.files if file.path.endswith((".parquet", ".jsonl", ".json"))]
    return search is not None and any(search.read_file(store.path(ref, name)).leaks for name in names)
