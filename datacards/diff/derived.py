"""Why a derived row (a section, a question, a list) was added, changed or removed: from the documents it was made from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from datacards.card import Card
from datacards.diff.base import Recipes, Why, dropped, left_out, same_text
from datacards.diff.evidence import Drops, Takedowns
from datacards.diff.items import Item
from datacards.diff.parts import POINTERS
from datacards.diff.record import CHANGES, REASONS, Change
from datacards.diff.versions import asks_for
from datacards.diff.written import Written
from datacards.keys import KEY, Keys, among, hex_of, key_of, keys

Numbers = npt.NDArray[np.int64]

#: Columns of a base document that bear on what is made from it; the others only go along.
_BEARING = frozenset({"title", "language", "event_at", "published_at", "license", "meta"})
_SAME_TEXT = ("metadata", "moved_split", "rights")
_GENERATOR = ("generator", "options", "seed", "holdout", "styles")


class Fates:
    """What became of the base documents that differ, by key: some 80 bytes for each."""

    def __init__(self, found: Iterable[Sequence[tuple[str, Change, Why]]]) -> None:
        """Take what was found of documents by their ids; of an id with several rows the first counts."""
        self._reasons = list(REASONS)
        names, codes, details = [np.zeros(0, KEY)], [np.zeros((0, 2), np.uint8)], [pa.array([], pa.string())]
        for some in found:
            names.append(keys(name for name, _, _ in some))
            told = [(CHANGES.index(change), self._reasons.index(why.reason)) for _, change, why in some]
            codes.append(np.array(told, np.uint8).reshape(-1, 2))
            details.append(pa.array([why.detail for _, _, why in some], pa.string()))
        self.keys, first = np.unique(np.concatenate(names), return_index=True)
        self._codes = np.concatenate(codes)[first]
        self._details = pa.concat_arrays(details).take(pa.array(first))

    def __getitem__(self, at: int) -> tuple[Change, Why]:
        """Return how the document at a place changed, and why."""
        change, reason = self._codes[at].tolist()
        return CHANGES[change], Why(self._reasons[reason], self._details[at].as_py())

    def causes(self, parents: Keys) -> Numbers:
        """Return for each document a number that ``why`` understands, -1 for one whose change bears on nothing else.

        The number of one that says something else, came or left is larger than that of one with other columns alone.
        """
        at = among(parents, self.keys)
        for row in np.flatnonzero(at >= 0).tolist():
            change, why = self[int(at[row])]
            if change != "changed" or why.reason not in _SAME_TEXT:
                at[row] += len(self.keys)
            elif not _bears(why.detail):
                at[row] = -1
        return at

    def why(self, name: str, cause: int, *, beside: bool = False) -> Why:
        """Return the reason of what was made from a document, or was gathered beside what was."""
        change, why = self[cause % len(self.keys)]
        name = name or hex_of(self.keys, cause % len(self.keys))
        told = f"{name}: {why.reason} {why.detail}".strip()
        return Why(f"parent_{change}", f"gathered beside what is made from {told}" if beside else told)


def _bears(detail: str) -> bool:
    names = {*detail.split(", ")}
    return bool(_BEARING & names) and "text_sha256" not in names  # a pointer stands for the same document


class Edges(NamedTuple):
    """Which rows were made from which documents: a number of the row, its side and shard, the key of the document."""

    rows: Numbers
    sides: Numbers
    shards: Numbers
    parents: Keys

    @classmethod
    def of(cls, items: Sequence[Item], first: int) -> "Edges":
        """Return the edges of rows that are numbered from ``first`` on."""
        edges = [
            (row, item.side, item.shard, key_of(parent))
            for row, item in enumerate(items, first)
            for parent in item.parents
        ]
        columns = list(zip(*edges, strict=True)) or [(), (), (), ()]
        rows, sides, shards = (np.array(column, np.int64) for column in columns[:3])
        return cls(rows, sides, shards, np.frombuffer(b"".join(columns[3]), KEY))


class Links:
    """How the rows of a format hang together by the documents that they were made from."""

    def __init__(self, fates: Fates, found: Sequence[Edges]) -> None:
        edges = Edges(*(np.concatenate(column) for column in zip(Edges.of([], 0), *found, strict=True)))
        self._parents, parents = np.unique(edges.parents, return_inverse=True)
        self._cause = _spread(fates.causes(self._parents), edges.rows, parents)
        shards = np.full((2, len(self._parents)), -2)
        np.maximum.at(shards, (edges.sides, parents), edges.shards)
        moved = (shards > -2).all(axis=0) & (shards[0] != shards[1])
        self._moved = _spread(np.where(moved, 1, -1), edges.rows, parents)

    def cause(self, item: Item) -> int:
        """Return the largest cause among the documents that rows linked to this one were made from, -1 for none."""
        return self._of(item, self._cause)

    def moved(self, item: Item) -> bool:
        """Return whether documents of rows linked to this one lie in other shards than they did."""
        return self._of(item, self._moved) > 0

    def _of(self, item: Item, values: Numbers) -> int:
        at = among(keys(item.parents), self._parents)
        return int(values[at[at >= 0]].max(initial=-1))


def _spread(values: Numbers, rows: Numbers, parents: Numbers) -> Numbers:
    """Return for every parent the largest value of all that are linked to it over shared rows."""
    while True:
        of_rows = np.full(int(rows.max(initial=-1)) + 1, -1)
        np.maximum.at(of_rows, rows, values[parents])
        now = values.copy()
        np.maximum.at(now, parents, of_rows[rows])
        if (now == values).all():
            return now
        values = now


@dataclass(frozen=True)
class DerivedJudge:
    """Judges the rows of one config. ``pointers`` are the keys of the pointers that each version has gained."""

    config: str
    cards: tuple[Card, Card]
    drops: tuple[Drops, Drops]
    takedowns: Takedowns
    own: Recipes
    below: Recipes
    fates: Fates
    links: Links
    pointers: tuple[Keys, Keys]  # that only the first, and only the second version has
    texts: tuple[Keys, Keys]  # ids of records that only the first, and only the second version has as a text
    facts: str  # the document whose facts are others, for questions; "" for none
    written: Written

    def why(self, a: Item | None, b: Item | None) -> Why:
        """Return the reason of a row that is in the first version, in the second, or in both in two forms."""
        if a and b and a.id == b.id:
            return same_text(a, b)
        if found := self._of_base(a, b):
            return found
        for item, side in ((a, 0), (b, 1)):
            if item and not (a and b) and (found := self._of_one(item, side)):
                return found
        items = [item for item in (b, a) if item]
        return (
            self._of_parents(items) or self._of_recipes(items) or self._of_links(items) or self._last(items)
        )

    def _of_one(self, item: Item, side: int) -> Why | None:
        """Return what is known of a row itself, which the version of the other side does not have."""
        other, removed = self.cards[1 - side], side == 0
        if not self._asked(item):
            return Why(
                "format_gone" if removed else "new_format", f"the recipe of {other.name}@{other.version}"
            )
        if removed and (told := self.takedowns.names(item)):
            return Why("takedown", told)
        key = keys([item.id])
        swapped = self.texts if self.config == POINTERS else self.pointers
        if among(key, swapped[1 - side])[0] >= 0:
            return Why(
                "rights",
                f"{item.license}: a {'text' if self.config == 'pointers' else 'pointer'} on the other side",
            )
        if told := left_out(item, other):
            return Why("rights", told)
        for drop in self.drops[1 - side].of_document(item.id):
            return dropped(drop) if removed else Why("no_longer_dropped", drop.told)
        return None

    def _of_base(self, a: Item | None, b: Item | None) -> Why | None:
        """Return the reason of a base document that was found out already."""
        for item in (b, a):
            if not item or item.format != "markdown" or not self._asked(item):
                continue
            at = int(among(keys([item.id]), self.fates.keys)[0])
            if at >= 0 and not (self.fates[at][0] == "changed" and self.fates[at][1].reason in _SAME_TEXT):
                return self.fates[at][1]
        return None

    def _asked(self, item: Item) -> bool:
        """Return whether the version that does not have a row asks for its like at all; for pointers none does.

        What is no question of its own a version of questions has only where it carries the format.
        """
        other = self.cards[1 - item.side]
        if item.style and "styles" in other.recipe:
            return item.style in other.recipe["styles"]
        if not item.generator and "carry" in other.recipe:
            return self.config == POINTERS or self.config in other.recipe["carry"]
        return self.config == POINTERS or asks_for(other, self.config)

    def _of_parents(self, items: Sequence[Item]) -> Why | None:
        names = [name for item in items for name in item.parents]
        causes = self.fates.causes(keys(names))
        if (largest := causes.max(initial=-1)) < 0:
            return None
        other = causes >= (len(self.fates.keys) if largest >= len(self.fates.keys) else 0)
        at = int(np.flatnonzero(other)[0])
        return self.fates.why(names[at], int(causes[at]))

    def _of_recipes(self, items: Sequence[Item]) -> Why | None:
        if any(item.generator for item in items):
            if told := self.own.of(_GENERATOR) or self.written.asked:
                return Why("new_generator", told)
            if told := self.written.judged:
                return Why("newer_step", told)
            return self._of_facts(items)
        told = self.own.of([f"formats.{self.config}"]) or self.below.of([f"formats.{self.config}"])
        return Why("newer_step", told) if told else None

    def _of_facts(self, items: Sequence[Item]) -> Why | None:
        """Return what became of the fact that a question asks for, else whose facts are others."""
        if len(items) == 1:
            other = 1 - items[0].side
            for name in items[0].parents:
                for drop in self.drops[other].of_document(name):
                    if drop.stage == "rephrase" and items[0].fact and drop.detail.startswith(items[0].fact):
                        return dropped(drop) if other else Why("no_longer_dropped", drop.told)
        return Why("other_facts", self.facts) if self.facts else None

    def _of_links(self, items: Sequence[Item]) -> Why | None:
        for item in items:
            if (cause := self.links.cause(item)) >= 0:
                return self.fates.why("", cause, beside=True)
        shards = all(
            "steps" in card.recipe for card in self.cards
        )  # their numbers mean something in a corpus alone
        if shards and any(self.links.moved(item) for item in items):
            return Why("regrouped", "its documents lie in other shards")
        return None

    def _last(self, items: Sequence[Item]) -> Why:
        if self.takedowns.made:
            return Why("takedown", f"{self.takedowns.made}: made again")
        generated = any(item.generator for item in items)
        if code := (self.own.code if generated else self.below.code):
            return Why("newer_step", f"code: {code}")
        if generated and self.written.by_model:
            return Why("new_generator", "asked again: a model does not answer alike each time")
        return Why("unexplained")
