"""What a takedown is about to do: what goes, from which versions, in which order, and what takes their place."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from datacards import plugins
from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from datacards.takedown.eraser import Eraser
from datacards.takedown.removed import Removed
from datacards.takedown.request import Request
from datacards.withdrawn import TAKEDOWNS

GROUP = "kanagura.erasers"


def built_in() -> list[Eraser]:
    """Return the erasers of all stages that are installed."""
    return [plugins.make(GROUP, name, {}) for name in plugins.names(GROUP)]


@dataclass
class Plan:
    """What a takedown is about to do: what goes, and which versions are looked through, in order of lineage."""

    request: Request
    version: str
    removed: Removed
    versions: list[Ref]
    successors: dict[str, Ref] = field(default_factory=dict)
    seen: frozenset[str] = frozenset()  # all versions that were in the store


def plan(store: Store, request: Request, erasers: Sequence[Eraser], day: str = "") -> Plan | None:
    """Return what a request takes out of a store, None when nothing there holds it. Writes nothing."""
    request.checked()
    told = {"request": request.told()}
    begun = store.unfinished(TAKEDOWNS, kind="takedown", recipe=told)
    noted = _noted(store, begun) if begun else {}
    version = begun or _free(store, TAKEDOWNS, day or f"{datetime.now(UTC):%Y.%m.%d}", set())
    gone, new = store.withdrawn(), set(noted.values())
    every = store.refs()
    versions = [ref for ref in every if str(ref) not in gone and str(ref) not in new]
    removed = next(
        (found for one in erasers if (found := one.find(store, versions, request)) is not None), None
    )
    if removed is None:
        raise UserError(
            "takedown", "no plug-in knows captures and documents", f"one of the group {GROUP}", "install it"
        )
    held = ordered(store, versions, removed.versions)
    if not held:
        return None
    successors: dict[str, Ref] = {}
    for ref in held:
        taken = {one.version for one in successors.values() if one.name == ref.name}
        planned = noted.get(str(ref), "").partition("@")[2] or _free(
            store, ref.name, ref.version, taken, behind=True
        )
        successors[str(ref)] = Ref(name=ref.name, version=planned)
    return Plan(request, version, removed, held, successors, frozenset(map(str, every)))


def made_meanwhile(store: Store, found: Plan, erasers: Sequence[Eraser]) -> list[Ref]:
    """Return the versions that came into the store since the plan was made and hold what it takes out."""
    own = found.seen | set(map(str, found.successors.values()))
    new = [ref for ref in store.refs() if str(ref) not in own]
    old = set(map(str, found.versions))
    held = [one.find(store, new, found.request) for one in erasers] if new else []
    named = {name for removed in held if removed for name in removed.versions}
    return [
        ref
        for ref in new
        if str(ref) in named
        or (
            store.card(ref).kind in ("captures", "dataset") and old & set(map(str, store.card(ref).made_from))
        )
    ]


def _noted(store: Store, version: str) -> dict[str, str]:
    path = store.root / ".drafts" / f"{TAKEDOWNS}@{version}" / ".work" / "plan.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def _free(store: Store, name: str, version: str, taken: set[str], *, behind: bool = False) -> str:
    known = {ref.version for ref in store.refs(name)} | taken
    if not behind and version not in known:
        return version
    parts = version.split(".")
    day, own = ".".join(parts[:3]), int(parts[3]) if behind and len(parts) > 3 else 0
    return next(found for n in range(own + 1, own + len(known) + 2) if (found := f"{day}.{n}") not in known)


def ordered(store: Store, versions: Sequence[Ref], seeds: set[str]) -> list[Ref]:
    """Return the versions to be looked through, each behind what it was made from.

    These are the ``seeds``, all captures of their names, which may point at their bodies or list them, and all
    datasets that were made from any of them.
    """
    cards = {str(ref): store.card(ref) for ref in versions}
    names = {seed.partition("@")[0] for seed in seeds if seed in cards and cards[seed].kind == "captures"}
    chosen = {
        key for key, card in cards.items() if key in seeds or (card.kind == "captures" and card.name in names)
    }
    if not seeds & set(cards):
        return []
    while True:
        more = {
            key
            for key, card in cards.items()
            if key not in chosen
            and card.kind == "dataset"
            and any(str(one) in chosen for one in card.made_from)
        }
        if not more:
            break
        chosen |= more
    found: list[Ref] = []
    left = [ref for ref in versions if str(ref) in chosen]
    while left:
        for ref in left:
            inputs = {str(one) for one in cards[str(ref)].made_from}
            if not inputs & {str(one) for one in left}:
                found.append(ref)
                left.remove(ref)
                break
        else:
            raise UserError("takedown", f"{left[0]} is made from itself", todo="see: kanagura cards verify")
    return found
