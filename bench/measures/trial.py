"""The items of a corruption test: true ones about some documents, and one wrong twin of each."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from bench.measures import choice_items, corruptions, derived_items, items, series_items
from bench.measures.corruptions import Corrupted, World
from bench.measures.figures import Figure, Figures
from bench.measures.parts import KINDS, Item, Kind
from bench.measures.prose_items import Prose
from corpus.document import Document

#: How often each source of items is asked in turn.
_SOURCES = (
    ("figure",) * 14
    + ("choices",) * 4
    + ("time_choices",) * 2
    + ("cell",) * 3
    + ("trend",) * 2
    + ("highest",)
    + ("pair",) * 3
    + ("change",) * 7
    + ("two",) * 2
    + ("statement",) * 6
    + ("cloze",) * 3
    + ("topic",) * 4
    + ("growth",) * 3
    + ("when",) * 3
    + ("when_choices",)
    + ("cover",)
)
_TRIES = 60  # draws in a row that give nothing new, for each document, before all are taken to be used up


@dataclass(frozen=True, slots=True)
class Pair:
    """A true item and its wrong twin."""

    true: Item
    wrong: Corrupted


def pairs(documents: Sequence[Document], count: int, seed: int) -> Iterator[Pair]:
    """Yield up to ``count`` pairs, fewer when the documents do not give as many; equal input gives equal pairs.

    The documents take turns. Kinds of corruption take turns as far as the items allow.
    """
    world = World([Figures(document) for document in documents])
    chance = Random(f"{seed}")
    identities = [one.id for one in documents for _ in range(4 if one.facts else 1)]
    seen: set[str] = set()
    used: Counter[Kind] = Counter(dict.fromkeys(KINDS, 0))
    idle = turn = made = 0
    while made < count and identities and idle < _TRIES * len(identities):
        identity = identities[turn % len(identities)]
        turn += 1
        idle += 1
        item = draw(world, identity, chance)
        if item is None or item.candidate.claim in seen:
            continue
        wrong = _twin(item, world, used, chance)
        if wrong is None:
            continue
        seen.add(item.candidate.claim)
        used[wrong.kind] += 1
        idle, made = 0, made + 1
        yield Pair(item, wrong)


def draw(world: World, identity: str, chance: Random) -> Item | None:
    """Return one item about a document, None when what was drawn gives none."""
    figures, prose = world.figures[identity], world.prose[identity]
    source = chance.choice(_SOURCES)
    if source in _OF_PROSE:
        return _OF_PROSE[source](prose, chance)
    asked = figures.cells if source == "cell" else figures.askable
    one = chance.choice(asked) if asked else None
    return _OF_FIGURES[source](figures, one, chance) if one and one.value else None


def _figure(figures: Figures, one: Figure, chance: Random) -> Item | None:
    return items.about_figure(figures, one, chance, "qa")


def _choices(figures: Figures, one: Figure, chance: Random) -> Item | None:
    return items.about_figure(figures, one, chance, "multiple_choice")


_OF_PROSE = {
    "when_choices": choice_items.days, "cover": Prose.cover,
    "statement": Prose.statement, "cloze": Prose.cloze, "topic": Prose.topic, "growth": Prose.growth, "when": Prose.when,
}  # fmt: skip
_OF_FIGURES = {
    "time_choices": choice_items.times, "cell": _figure, "highest": series_items.highest, "pair": series_items.pair,
    "figure": _figure, "choices": _choices, "trend": series_items.trend, "change": derived_items.over_time, "two": derived_items.of_two,
}  # fmt: skip


def _twin(item: Item, world: World, used: Counter[Kind], chance: Random) -> Corrupted | None:
    """Return the item made wrong in the kind that was used least so far, of those that it has."""
    able = corruptions.kinds(item)
    chance.shuffle(able)
    for kind in sorted(able, key=lambda one: used[one]):
        if wrong := corruptions.corrupt(item, kind, world, chance):
            return wrong
    return None
