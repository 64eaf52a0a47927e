"""What lies below a version: the datasets and captures it was made from, where its base documents are, what was asked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from datacards.card import Card, Ref
from datacards.diff.parts import POINTERS, Files, Part
from datacards.store import Store


@dataclass(frozen=True)
class Version:
    """A version with the datasets and captures below it, nearest first; ``absent`` are not in the store."""

    ref: Ref
    card: Card
    datasets: tuple[tuple[Ref, Card], ...]
    captures: tuple[Ref, ...]
    absent: tuple[Ref, ...]

    @property
    def all(self) -> tuple[tuple[Ref, Card], ...]:
        """The version itself, then the datasets below it."""
        return ((self.ref, self.card), *self.datasets)

    @property
    def refs(self) -> frozenset[str]:
        """The names of the version and of everything below it."""
        return frozenset(map(str, (self.ref, *(ref for ref, _ in self.datasets), *self.captures)))


def version(store: Store, ref: Ref) -> Version:
    """Return a version with what lies below it; captures end there, whatever holds bodies of theirs."""
    card = store.card(ref)
    datasets: dict[str, tuple[Ref, Card]] = {}
    captures: dict[str, Ref] = {}
    absent: dict[str, Ref] = {}
    waiting = list(card.made_from) if card.kind != "captures" else []
    while waiting:
        below = waiting.pop(0)
        label = str(below)
        if ":" in below.name or label in {*datasets, *captures, *absent}:
            continue
        if not store.digest(below):
            absent[label] = below
            continue
        found = store.card(below)
        if found.kind == "captures":
            captures[label] = below
        elif found.kind == "dataset":
            datasets[label] = (below, found)
            waiting += found.made_from
    return Version(ref, card, tuple(datasets.values()), tuple(captures.values()), tuple(absent.values()))


def base_parts(files: Files, of: Version) -> list[Part]:
    """Return the files that hold the base documents of a version: its own, or else those of the datasets below it.

    Pointers of a release are among them: they stand for documents. Where nothing but rephrasings is Markdown, which
    were made from documents themselves, those are below.
    """
    cards = {str(ref): card for ref, card in of.datasets}

    def own(ref: Ref, card: Card) -> list[Part]:
        found = files.parts(ref, card, "markdown")
        if found and not _only_written(card, cards):
            return found + files.parts(ref, card, POINTERS)
        below = (one for one in card.made_from if str(one) in cards)
        return [part for one in below for part in own(one, cards[str(one)])]

    unique = {(part.split, part.sha256): part for part in own(of.ref, of.card)}
    return list(unique.values())


def _only_written(card: Card, cards: Mapping[str, Card]) -> bool:
    """Return whether the Markdown of a version was all written by a generator: such a one carries none along."""
    if "restricted" in card.recipe:  # a release holds what the version below it does
        below = (cards[str(one)] for one in card.made_from if str(one) in cards)
        return any(_only_written(one, cards) for one in below)
    return {"styles", "carry"} <= card.recipe.keys() and "markdown" not in card.recipe["carry"]


def asks_for(card: Card, config: str) -> bool:
    """Return whether a recipe asks for a format, wherever recipes of its stage say so; True where none does."""
    said = [card.recipe[name] for name in ("formats", "styles", "carry") if card.recipe.get(name)]
    named = {
        name for one in said for given in one for name in (given if isinstance(given, Mapping) else [given])
    }
    return not named or config in named


def difference(a: Card, b: Card) -> dict[str, str]:
    """Return the fields of two recipes that differ, by path, with both values; name and version aside."""

    def fields(old: Any, new: Any, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            for name in sorted({*old, *new}):
                yield from fields(old.get(name), new.get(name), f"{path}.{name}" if path else name)
        elif path in ("steps", "formats") and _is_named(old) and _is_named(new):
            yield from fields(_by_name(old), _by_name(new), path)
            if [*_by_name(old)] != [*_by_name(new)] and {*_by_name(old)} == {*_by_name(new)}:
                yield path, "another order"
        elif old != new:
            yield path, f"{_short(old)} -> {_short(new)}"

    found = dict(fields(a.recipe, b.recipe, ""))
    return {path: told for path, told in found.items() if path not in ("name", "version", "description")}


def _is_named(value: Any) -> bool:
    """Whether a value is a list of steps or formats: each a name, or a name with options."""
    return isinstance(value, list | tuple) and all(
        isinstance(one, str) or (isinstance(one, Mapping) and len(one) == 1) for one in value
    )


def _by_name(value: Any) -> dict[str, Any]:
    return {
        name: options
        for one in value
        for name, options in ({one: {}} if isinstance(one, str) else one).items()
    }


def _short(value: Any) -> str:
    told = "nothing" if value is None else str(value)
    return told if len(told) <= 60 else f"{told[:59]}…"


def other_code(a: Card, b: Card) -> str:
    """Return what is different in the code and the libraries that made two versions, "" when nothing is known to be."""
    one, two = a.provenance, b.provenance
    told = []
    if one.commit != two.commit:
        told.append(f"commit {one.commit[:12] or 'unknown'} -> {two.commit[:12] or 'unknown'}")
    names = sorted({*one.libraries, *two.libraries})
    told += [
        f"{name} {one.libraries.get(name, 'absent')} -> {two.libraries.get(name, 'absent')}"
        for name in names
        if one.libraries.get(name) != two.libraries.get(name)
    ]
    return ", ".join(told[:5])
