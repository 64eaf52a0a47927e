"""True items whose number the passage does not show: differences, growth rates, ratios and sums of tagged figures."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from bench.measures.figures import Figure, Figures, tells_time
from bench.measures.items import company, filled, time
from bench.measures.parts import Item, Part, amount
from bench.measures.wordings import Saying, reworded
from rephrase.candidate import Chunk

#: D difference, G growth rate, R ratio, S sum; U the direction, B the other figure's name, P the earlier time, A and O amounts.
_GROWTH = (
    ("{C}の{T}の{N}は前の期と比べて何％変化しましたか。", "{G}{U}しました。"),
    ("{T}の{N}の増減率を答えてください。", "{C}の{T}の{N}は、前の期の{O}から{A}へと{G}{U}しました。"),
    ("{C}の{T}の{N}について説明してください。", "{C}の{T}の{N}は{A}で、前の期に比べて{G}の{U}となりました。"),
    ("{C}の{N}は{P}から{T}にかけてどのように推移しましたか。", "{O}から{A}に{U}し、変化率は{G}でした。"),
)
_DIFFERENCE = (
    ("{C}の{T}の{N}は前の期からいくら{U}しましたか。", "{D}{U}しました。"),
    ("{T}の{N}の前期からの増減額を答えてください。", "{C}の{T}の{N}は前の期より{D}{U}しました。"),
    ("{C}の{N}の動きを説明してください。", "{C}の{N}は、{P}の{O}から{T}の{A}へ{D}{U}しました。"),
)
_CHANGE = (
    ("{N}は増えましたか、減りましたか。", "{C}の{N}は{P}の{O}から{T}には{A}に{U}しました。"),
    ("{C}の{N}は{P}と比べて{T}にはどう変わりましたか。", "{O}から{A}に{U}しました。"),
)
_RATIO = (
    ("{C}の{T}の{N}は{B}の何％にあたりますか。", "{R}です。"),
    (
        "{T}の{B}に対する{N}の割合を答えてください。",
        "{C}の{T}の{B}{O}に対して{N}は{A}であり、割合は{R}です。",
    ),
)
_SUM = (
    ("{C}の{T}の{N}と{B}の合計はいくらですか。", "{S}です。"),
    ("{N}と{B}を合わせるといくらになりますか。", "{C}の{T}の{N}{A}と{B}{O}を合わせると{S}になります。"),
)


def over_time(figures: Figures, one: Figure, chance: Random) -> Item | None:
    """Return an item about the change of a figure against the year before, when the passage shows both."""
    before = figures.before(one)
    chunk = _both(figures, one, before) if before else None
    named = before is not None and before.name == one.name  # a profit after a loss has no rate
    counted = named and one.saying.counter in ("円", "株", "人") and one.saying.places == 0
    if (
        not before
        or not chunk
        or not counted
        or min(one.value, before.value) <= 0
        or one.value == before.value
    ):
        return None
    change = one.value - before.value
    rate = (change / before.value * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
    up = Part("増加" if change > 0 else "減少", "direction")
    times = time(figures, one, chunk, chance), time(figures, before, chunk, chance)
    if None in times:
        return None
    said = reworded(abs(change), one.saying, chance)
    if said.about and abs(change) < 10 * said.step:
        said = one.saying
    percent = Saying("％", places=1, wide=chance.random() < 0.15)
    slots: dict[str, Callable[[], list[Part]]] = {
        "C": lambda: [company(figures.company, chance)],
        "T": lambda: times[0] or [],
        "P": lambda: times[1] or [],
        "N": lambda: [Part(one.name)],
        "A": lambda: list(amount(one.value, one.saying)),
        "O": lambda: list(amount(before.value, one.saying)),
        "D": lambda: list(amount(abs(change), said)),
        "G": lambda: list(amount(abs(rate), percent)),
        "U": lambda: [up],
    }
    kinds = [("change", _CHANGE), ("difference", _DIFFERENCE)]
    if abs(rate) >= Decimal("0.5") and abs(rate) < 1000:
        kinds += [("growth", _GROWTH)] * 2
    form, templates = chance.choice(kinds)
    return _item((form, chance.choice(templates)), slots, chunk, (one, before), chance)


def of_two(figures: Figures, one: Figure, chance: Random) -> Item | None:
    """Return an item about the ratio or the sum of two figures of one time, when the passage shows both."""
    outward = one.fact.number.startswith("-")
    beside = [f for f in figures.beside(one) if f.value > 0 and f.fact.number.startswith("-") == outward]
    if one.saying.counter != "円" or one.saying.places or one.value <= 0 or not beside:
        return None
    other = chance.choice(beside)
    chunk = _both(figures, one, other)
    ratio = (one.value / other.value * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
    when = time(figures, one, chunk, chance) if chunk else None
    if chunk is None or when is None:
        return None
    total = one.value + other.value
    percent = Saying("％", places=1, wide=chance.random() < 0.15)
    slots: dict[str, Callable[[], list[Part]]] = {
        "C": lambda: [company(figures.company, chance)],
        "T": lambda: when,
        "N": lambda: [Part(one.name)],
        "B": lambda: [Part(other.name)],
        "A": lambda: list(amount(one.value, one.saying)),
        "O": lambda: list(amount(other.value, one.saying)),
        "R": lambda: list(amount(ratio, percent)),
        "S": lambda: list(amount(total, one.saying)),
    }
    form, templates = ("ratio", _RATIO) if Decimal("0.5") <= ratio <= 100 else ("sum", _SUM)
    return _item((form, chance.choice(templates)), slots, chunk, (one, other), chance)


def _both(figures: Figures, one: Figure, other: Figure) -> Chunk | None:
    """Return a passage that shows two figures and tells when the first was."""
    start, end = min(one.fact.start, other.fact.start), max(one.fact.end, other.fact.end)
    chunk = figures.passages.around(start, end)
    return chunk if chunk and tells_time(chunk.context + chunk.passage, one) else None


def _item(
    form: tuple[str, tuple[str, str]],
    slots: dict[str, Callable[[], list[Part]]],
    chunk: Chunk,
    shown: tuple[Figure, Figure],
    chance: Random,
) -> Item:
    name, (asked, told) = form
    question, answer = filled(asked, slots, chance), filled(told, slots, chance)
    return Item(name, "qa", question, answer, chunk, "derived", (shown[0].fact, shown[1].fact))
