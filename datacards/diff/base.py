"""Why a base document was added, changed or removed, from its captures, from what was dropped, and from the recipes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from datacards.card import Card
from datacards.diff.evidence import Captures, Drop, Drops, Takedowns
from datacards.diff.items import Item
from datacards.diff.pairs import other_columns
from datacards.diff.versions import difference, other_code
from datacards.keys import Keys, among, keys

_TEXT = (
    "steps",
    "ocr",
    "decontamination",
    "as_of",
    "as_of_strict",
)  # fields that bear on the text of a document
_DUPLICATES = {"near_duplicate": "near_duplicate_of", "exact_duplicate": "exact_duplicate_of"}
_RIGHTS = frozenset({"license", "redistribution"})


class Why(NamedTuple):
    """A reason and what there is to say of it."""

    reason: str
    detail: str = ""


class Recipes(NamedTuple):
    """What is different in how two versions were made: the fields of the recipes, and the code."""

    fields: Mapping[str, str]
    code: str

    def of(self, names: Sequence[str]) -> str:
        """Return the differing fields at or below some names, in words."""
        found = [
            f"{path}: {told}"
            for path, told in self.fields.items()
            if any(path == name or path.startswith(f"{name}.") for name in names)
        ]
        return "; ".join(found)


def recipes(a: Card, b: Card) -> Recipes:
    """Return what is different in how two versions were made."""
    return Recipes(difference(a, b), other_code(a, b))


@dataclass(frozen=True)
class BaseJudge:
    """Judges base documents. ``gone`` are the keys of those that the second version does not have any more."""

    captures: Captures
    drops: tuple[Drops, Drops]
    takedowns: Takedowns
    recipes: Recipes
    releases: tuple[Card, Card]
    gone: Keys

    def why(self, a: Item | None, b: Item | None) -> Why:
        """Return the reason of a document that is in the first version, in the second, or in both in two forms."""
        if a and b:
            return same_text(a, b) if a.id == b.id else self._changed(a, b)
        if a:
            return self._removed(a)
        assert b is not None  # noqa: S101  a row is on one side at least
        return self._added(b)

    def _changed(self, a: Item, b: Item) -> Why:
        if self._other_bytes(a, b):
            which = "newer_capture" if b.captured_at >= a.captured_at else "older_capture"
            return Why(which, f"sha256:{b.evidence[0]}" if b.evidence else "")
        return self._made_otherwise()

    def _other_bytes(self, a: Item, b: Item) -> bool:
        if a.evidence and b.evidence:
            return a.evidence != b.evidence
        return self.captures.knows(0, a) and self.captures.knows(1, b) and not self.captures.same(a)

    def _made_otherwise(self) -> Why:
        """Return what is different in the recipes or the code when the bytes are the same.

        A takedown makes rows again by the same recipe, so code that is other since is no reason.
        """
        if told := self.recipes.of(_TEXT):
            return Why("newer_step", told)
        if self.takedowns.made:
            return Why("takedown", f"{self.takedowns.made}: made again")
        return Why("newer_step", f"code: {self.recipes.code}") if self.recipes.code else Why("unexplained")

    def _removed(self, a: Item) -> Why:
        if told := self.takedowns.names(a):
            return Why("takedown", told)
        if told := left_out(a, self.releases[1]):
            return Why("rights", told)
        here = self._has(1, a)
        if not here and self.captures.absent[1]:
            return Why("unexplained", f"not in the store: {self.captures.absent[1]}")
        if drop := _first(self._dropped(1, a)) or _first(self._dropped_at(1, a)):
            return dropped(drop)
        return self._made_otherwise() if here else self._no_capture(a)

    def _no_capture(self, a: Item) -> Why:
        there = self.captures.knows(1, a)
        told = "its address has other bytes, which gave no such document" if there else ""
        return Why("capture_gone", told)

    def _added(self, b: Item) -> Why:
        if told := left_out(b, self.releases[0]):
            return Why("rights", told)
        if not self._has(0, b):
            if self.captures.absent[0]:
                return Why("unexplained", f"not in the store: {self.captures.absent[0]}")
            sha256 = f"sha256:{b.evidence[0]}" if b.evidence else ""
            return Why("newer_capture" if self.captures.knows(0, b) else "new_capture", sha256)
        drop = _first(self._dropped(0, b)) or _first(self._dropped_at(0, b))
        return self._back(drop) if drop else self._made_otherwise()

    def _back(self, drop: Drop) -> Why:
        if drop.stage != "dedup":
            return Why("no_longer_dropped", drop.told)
        left = among(keys([drop.detail]), self.gone)[0] >= 0
        told = f"was {drop.reason} of {drop.detail}"
        return Why("new_survivor", f"{told}, which left") if left else Why("no_longer_dropped", told)

    def _has(self, side: int, item: Item) -> bool:
        if item.evidence:
            return self.captures.has(side, item)
        return self.captures.knows(side, item) and self.captures.same(item)

    def _dropped(self, side: int, item: Item) -> list[Drop]:
        """Return what a version dropped of a document itself or of its captures."""
        drops = self.drops[side]
        anywhere = not self.captures.at_home(item)
        return drops.of_document(item.id) or drops.of_captures(item, anywhere=anywhere)

    def _dropped_at(self, side: int, item: Item) -> list[Drop]:
        """Return what only this version dropped of the address of a document: it left before it was what it is now."""
        other = {
            (drop.document_id, drop.sha256, drop.reason) for drop in self.drops[1 - side].of_address(item)
        }
        return [
            drop
            for drop in self.drops[side].of_address(item)
            if (drop.document_id, drop.sha256, drop.reason) not in other
        ]


def dropped(drop: Drop) -> Why:
    """Return the reason of a row that a version dropped."""
    if drop.stage == "dedup" and drop.reason in _DUPLICATES:
        return Why(_DUPLICATES[drop.reason], drop.detail)
    if drop.reason.startswith("filing_"):
        return Why("withdrawal", f"{drop.reason} {drop.detail}".strip())
    if drop.stage == "as_of":
        return Why("as_of", f"{drop.reason} {drop.detail}".strip())
    if drop.stage == "decontaminate":
        return Why("contaminated", drop.detail or drop.reason)
    if drop.reason in ("crosses_splits", "rights"):
        return Why(drop.reason, drop.detail)
    return Why("dropped", f"{drop.told} {drop.detail}".strip())


def left_out(item: Item, release: Card) -> str:
    """Return why a release leaves a text out without a pointer, "" if it does not or is none."""
    if not item.redistribution and release.recipe.get("restricted") == "leave_out":
        return f"{item.license or 'its license'} does not let it be given on"
    return ""


def same_text(a: Item, b: Item) -> Why:
    """Return the reason of a row that says the same and differs in other columns, which are named."""
    names = other_columns(a, b)
    if "split" in names:
        rest = [name for name in names if name != "split"]
        return Why("moved_split", "; ".join([f"{a.split} -> {b.split}", *rest]))
    return Why("rights" if _RIGHTS & {*names} else "metadata", ", ".join(names))


def _first(found: Sequence[Drop]) -> Drop | None:
    """Return what is told: what left as a duplicate or for a reason of its own, before what was no document anyway."""
    return min(
        found,
        key=lambda drop: (drop.stage == "extract" and not drop.reason.startswith("filing_"), drop),
        default=None,
    )
