"""True items about several tagged figures at once: the course of a row, its highest year, two items of one time."""

from random import Random

from bench.measures.figures import Figure, Figures, tells_time
from bench.measures.items import company, filled, time
from bench.measures.parts import Item, Part, amount
from rephrase.candidate import Chunk


def trend(figures: Figures, one: Figure, chance: Random) -> Item | None:
    """Return an item that tells all figures of a row in order of time, None for a row that shows one."""
    same, chunk = _row(figures, one)
    if not chunk:
        return None
    told: list[Part] = []
    for n, figure in enumerate(same):
        when = time(figures, figure, chunk, chance)
        if when is None:
            return None
        told += [Part("、" if n else ""), *when, Part("が" if n < len(same) - 1 else "は")]
        told += amount(figure.value, figure.saying)
    lead = [company(figures.company, chance), Part(f"の{one.name}は、")]
    asked = filled(chance.choice(("{C}の{N}の推移を説明してください。", "{N}はどのように推移していますか。")), {
        "C": lambda: [company(figures.company, chance)], "N": lambda: [Part(one.name)],
    }, chance)  # fmt: skip
    answer = tuple(part for part in (*lead, *told, Part("です。")) if part.text)
    return Item("trend", "qa", asked, answer, chunk, "fact", tuple(figure.fact for figure in same))


def highest(figures: Figures, one: Figure, chance: Random) -> Item | None:
    """Return an item about the year of a row in which the figure was highest or lowest."""
    same, chunk = _row(figures, one)
    if not chunk or len(same) < 3 or len({figure.value for figure in same}) < len(same):
        return None
    top = chance.random() < 0.6
    found = (max if top else min)(same, key=lambda figure: figure.value)
    when = time(figures, found, chunk, chance)
    if when is None:
        return None
    word = chance.choice(("最も多かった", "最も大きかった") if top else ("最も少なかった", "最も小さかった"))
    asked = (company(figures.company, chance), Part(f"の{one.name}が{word}のはいつですか。"))
    told = (*when, Part("の"), *amount(found.value, found.saying), Part("です。"))
    if one.saying.counter == "円" and found.value < 0:
        return None
    return Item("highest", "qa", asked, told, chunk, "fact", (found.fact,))


def pair(figures: Figures, one: Figure, chance: Random) -> Item | None:
    """Return an item that states two items of one time in one sentence."""
    beside = figures.beside(one)
    if not beside or not figures.company:
        return None
    other = chance.choice(beside)
    start, end = min(one.fact.start, other.fact.start), max(one.fact.end, other.fact.end)
    chunk = figures.passages.around(start, end)
    when = time(figures, one, chunk, chance) if chunk else None
    if not chunk or when is None or not tells_time(chunk.context + chunk.passage, one) or not other.value:
        return None
    slots = {
        "C": lambda: [company(figures.company, chance)], "T": lambda: when,
        "N": lambda: [Part(one.name)], "M": lambda: [Part(other.name)],
        "A": lambda: list(amount(one.value, one.saying)), "B": lambda: list(amount(other.value, other.saying)),
    }  # fmt: skip
    asked, told = chance.choice((
        ("{C}の{T}の{N}と{M}を教えてください。", "{N}は{A}、{M}は{B}です。"),
        ("{C}の{N}と{M}はそれぞれいくらですか。", "{T}の{N}は{A}で、{M}は{B}でした。"),
        ("{T}の{N}と{M}について説明してください。", "{C}では、{N}が{A}、{M}が{B}となりました。"),
    ))  # fmt: skip
    return Item(
        "pair",
        "qa",
        filled(asked, slots, chance),
        filled(told, slots, chance),
        chunk,
        "fact",
        (one.fact, other.fact),
    )


def _row(figures: Figures, one: Figure) -> tuple[list[Figure], Chunk | None]:
    """Return the figures of a row in order of time with its chunk, None where they are not one series."""
    row = figures.passages.piece(one.fact.start)
    others = [
        f for f in figures.others(one) if row.start <= f.fact.start < row.end and f.saying == one.saying
    ]
    same = sorted([one, *others], key=lambda figure: figure.last)
    chunk = figures.passages.around(row.start, row.end)
    mixed = len({figure.name for figure in same}) > 1  # profits and losses
    if mixed or len({figure.last for figure in same}) < len(same) or len(same) < 2:
        return same, None
    if not chunk or not figures.company:
        return same, None
    seen = chunk.context + chunk.passage
    return same, chunk if all(tells_time(seen, figure) for figure in same) else None
