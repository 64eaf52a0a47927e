"""The items of a corruption test: true ones about some documents, and one wrong twin of each."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from bench.measures import corruptions, derived_items, items
from bench.measures.corruptions import Corrupted, World
from bench.measures.figures import Figures
from bench.measures.parts import KINDS, Item, Kind
from corpus.document import Document
from rephrase.base import Style

#: How often each source of items is asked in turn.
_SOURCES = (
    ("figure",) * 7
    + ("choices",) * 2
    + ("change",) * 3
    + ("two",)
    + ("statement",) * 3
    + ("cloze",) * 2
    + ("topic",) * 2
    + ("when",) * 2
)
_TRIES = (
    60  # draws in a row that give nothing new, for each item, before the documents are taken to be used up
)


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
    identities = [document.id for document in documents]
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
    if source in ("statement", "cloze", "topic", "when"):
        found: Item | None = getattr(prose, source)(chance)
        return found
    if not figures.askable:
        return None
    one = chance.choice(figures.askable)
    if not one.value:
        return None
    if source == "change":
        return derived_items.over_time(figures, one, chance)
    if source == "two":
        return derived_items.of_two(figures, one, chance)
    styles: tuple[Style, ...] = ("qa", "qa", "qa", "easy", "medium", "hard")
    style: Style = "multiple_choice" if source == "choices" else chance.choice(styles)
    return items.about_figure(figures, one, chance, style)


def _twin(item: Item, world: World, used: Counter[Kind], chance: Random) -> Corrupted | None:
    """Return the item made wrong in the kind that was used least so far, of those that it has."""
    able = corruptions.kinds(item)
    chance.shuffle(able)
    for kind in sorted(able, key=lambda one: used[one]):
        if wrong := corruptions.corrupt(item, kind, world, chance):
            return wrong
    return None
