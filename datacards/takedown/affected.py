"""What else a takedown reaches: evaluations that hold removed texts, models that have seen them."""

from collections.abc import Sequence
from typing import NamedTuple

from datacards.card import Card, Ref
from datacards.store import Store
from datacards.takedown.eraser import Search
from datacards.takedown.removed import Report


class Affected(NamedTuple):
    """Evaluations that are withdrawn without successor, other ones, and checkpoints; all of them made from what is withdrawn."""

    withdrawn: list[Ref]
    evaluations: list[Ref]
    models: list[Ref]


def affected(store: Store, reports: Sequence[Report], search: Search | None) -> Affected:
    """Return the evaluations and checkpoints of a store that were made, over any number of steps, from old versions.

    An evaluation is withdrawn when its samples say what only removed texts say, or when it asked questions of a
    version whose test questions lost some.
    """
    gone = store.withdrawn()
    lost_tests = {one.version for one in reports if one.rows["split test"]}
    reached = {one.version for one in reports}
    cards = {str(ref): (ref, store.card(ref)) for ref in store.refs() if str(ref) not in gone}
    while more := {
        key
        for key, (_, card) in cards.items()
        if key not in reached
        and card.kind in ("checkpoint", "evaluation")
        and any(str(one) in reached for one in card.made_from)
    }:
        reached |= more
    found = Affected([], [], [])
    for key, (ref, card) in cards.items():
        if card.kind == "evaluation" and (_asked(card, lost_tests) or _leaks(store, ref, card, search)):
            found.withdrawn.append(ref)
        elif key in reached and card.kind == "evaluation":
            found.evaluations.append(ref)
        elif key in reached and card.kind == "checkpoint":
            found.models.append(ref)
    return found


def _asked(card: Card, lost_tests: set[str]) -> bool:
    return any(str(one) in lost_tests for one in card.made_from)


def _leaks(store: Store, ref: Ref, card: Card, search: Search | None) -> bool:
    names = [file.path for file in card.files if file.path.endswith((".parquet", ".jsonl", ".json"))]
    return search is not None and any(search.read_file(store.path(ref, name)).leaks for name in names)
