"""Proves that a corrupted item is wrong: by the facts and sentences that could make it true after all."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

from bench.measures import mentions
from bench.measures.figures import Figure, Figures
from bench.measures.parts import Item, Part
from bench.measures.prose_items import Prose
from bench.measures.wordings import number_of, year
from corpus.document import Fact


class World:
    """What is known of the packages: by document the figures and the prose, and all companies."""

    def __init__(self, figures: Sequence[Figures]) -> None:
        self.figures = {one.document.id: one for one in figures}
        self.prose = {one.document.id: Prose(one) for one in figures}
        self.companies = sorted({one.company for one in figures if one.company})


def figure_of(item: Item, figures: Figures, old: Part) -> Figure | None:
    """Return the figure that a number of an item is; None for prose and for what is computed."""
    for fact in item.facts if item.proof != "prose" else ():
        one = figures.figure(fact)
        if one and old.value == one.value:
            return one
    return None


def still_true(item: Item, place: int, new: Part, figures: Figures, world: World) -> bool:
    """Whether what the source says may make the changed item true after all."""
    old = item.parts[place]
    if item.proof == "prose":
        return _said_elsewhere(item, old, new, world.prose[item.chunk.document.id])
    if item.form == "holder" and old.kind == "company":
        return _holds(item, old, new, figures)
    if old.kind == "number":
        return _same_number(item, old, new, figures)
    if old.kind in ("date", "period"):
        return _true_then(item, old, new, figures) if item.proof == "fact" else _changed_alike(item, figures)
    return False


def _said_elsewhere(item: Item, old: Part, new: Part, prose: Prose) -> bool:
    """Whether a changed sentence stands elsewhere, gives the same number in other digits, or one of its topic."""
    if old.kind == "number":
        if _rounds(old, new, (old.value,)):
            return True
        if item.topic and prose.gives(item.topic, _value(new.text, old)):
            return True
    return old.origin >= 0 and prose.says(item.sentence, old.origin, new)


def _holds(item: Item, old: Part, new: Part, figures: Figures) -> bool:
    """Whether the company put in place of a shareholder has the same figure at that time."""
    one = figures.figure(item.facts[0])
    if one is None:
        return True
    name = one.name.replace(old.text, new.text)
    return any(f.name == name and f.value == one.value for f in figures.cells)


def _same_number(item: Item, old: Part, new: Part, figures: Figures) -> bool:
    """Whether a changed number says the same at its precision, or what the filing says elsewhere of this item."""
    if old.saying is None or old.value is None:
        return False
    said = _value(new.text, old)
    if said is None:
        return True
    one = figure_of(item, figures, old)
    true = figures.stated(one.name, one.fact.period) if one else set()
    signs = old.value * said < 0
    if signs and one and said in figures.numbers(one.name, one.fact.period):
        return True
    return not signs and _rounds(old, new, (old.value, *true))


def _rounds(old: Part, new: Part, values: Iterable[Decimal | None]) -> bool:
    """Whether a changed number still gives one of these values, rounded in another way; 約 may round to a hundredth."""
    said = _value(new.text, old)
    if said is None or old.saying is None:
        return False
    for value in values:
        if value is None:
            continue
        near = old.saying.about and (
            abs(abs(said) - abs(value)) * 100 < abs(value) or abs(said) in _cut(abs(value), abs(said))
        )
        if near or abs(said) in old.saying.shows(abs(value)):
            return True
    return False


def _cut(value: Decimal, said: Decimal) -> set[Decimal]:
    """Return a value rounded and cut off at the places of the zeros at the end of ``said``: 約220 may be said of 226."""
    found: set[Decimal] = set()
    step = Decimal(1)
    while said and said % (step * 10) == 0:
        step *= 10
        found |= {(value / step).to_integral_value(mode) * step for mode in (ROUND_HALF_UP, ROUND_FLOOR)}
    return found


def _value(text: str, old: Part) -> Decimal | None:
    minus = text.startswith(("△", "▲", "マイナス", "-"))
    value = number_of(re.sub("^(?:△|▲|マイナス|-)", "", text))
    if value is None or old.saying is None:
        return None
    value = value if old.saying.mixed else value.scaleb(old.saying.scale)
    return -value if minus else value


def _periods(old: Part, new: Part, fact_period: str, figures: Figures) -> Iterator[str]:
    """Yield the periods of facts that a changed time may mean."""
    own = figures.own
    for fact in figures.document.facts:
        if fact.period == fact_period:
            continue
        last = fact.period.rpartition("/")[2]
        if old.fiscal and own and new.text:
            if _means(new.text, last, figures):
                yield fact.period
        else:
            yield fact.period


def _means(text: str, last: str, figures: Figures) -> bool:
    """Whether a period in words may be the one that ends on ``last`` (YYYY-MM-DD); generous."""
    plain = unicodedata.normalize("NFKC", text)
    parsed = mentions.day_of(last.replace("-", "年", 1).replace("-", "月", 1) + "日")
    if parsed is None or figures.own is None:
        return True
    if plain[0] in "当前" or "首" in plain or plain.startswith("第"):
        return True
    return str(parsed.year) in plain or year(parsed, era=True) in plain or "年度" in plain


def _true_then(item: Item, old: Part, new: Part, figures: Figures) -> bool:
    """Whether the figure had the same value at a time that the changed words may mean."""
    when = old.when or (old.fiscal.last if old.fiscal else None)
    fact = next((fact for fact in item.facts if when and fact.period.endswith(f"{when}")), item.facts[0])
    one = figures.figure(fact)
    said = next((part for part in item.parts if part.kind == "number"), None)
    if one is None or said is None or said.saying is None:
        return True
    for period in dict.fromkeys(_periods(old, new, fact.period, figures)):
        if any(
            said.saying.shows(abs(one.value)) & said.saying.shows(value)
            for value in figures.stated(one.name, period)
        ):
            return True
    return False


def _changed_alike(item: Item, figures: Figures) -> bool:
    """Whether a figure that an item computes is the same at another time: then a wrong time cannot be proven."""
    first, second = (_series(fact, figures) for fact in item.facts)
    if item.form in ("ratio", "sum"):
        at_one = [(first[period], second[period]) for period in first if period in second]
    else:
        ordered = [first[period] for period in sorted(first)]
        at_one = list(zip(ordered[1:], ordered, strict=False))
    parts = [part for part in item.parts if part.kind == "number" and part.value is not None and part.saying]
    for part in parts:
        shown = [_computed(item.form, *pair) for pair in at_one] + [
            value for pair in at_one for value in pair
        ]
        same = sum(
            abs(part.value or 0) in part.saying.shows(value)
            for value in set(shown)
            if value is not None and part.saying
        )
        if same > 1:
            return True
    if item.form in ("ratio", "growth", "difference", "sum"):
        values = [_computed(item.form, *pair) for pair in at_one]
        rounded = [round(value, 1) for value in values if value is not None]
        return len(rounded) != len(set(rounded))
    return False


def _series(fact: Fact, figures: Figures) -> dict[str, Decimal]:
    """Return the numbers of an item of the same accounts by their period."""
    member = fact.context.partition("_")[2]
    return {
        other.period: abs(Decimal(other.number))
        for other in figures.document.facts
        if other.concept == fact.concept and other.context.partition("_")[2] == member and other.number
    }


def _computed(form: str, one: Decimal, other: Decimal) -> Decimal | None:
    """Return what a form of item computes from two numbers: the later and the earlier, or two of one time."""
    if form == "sum":
        return one + other
    if form == "difference":
        return abs(one - other)
    if not other:
        return None
    return (one / other if form == "ratio" else abs(one - other) / other) * 100
