"""True multiple-choice items whose choices are no amounts: fiscal years, days and months."""

from random import Random

from bench.measures.figures import Figure, Figures, tells_time
from bench.measures.items import company
from bench.measures.mentions import parts as parts_of
from bench.measures.parts import Item, Part, amount, joined
from bench.measures.prose_items import Prose
from bench.measures.wordings import day, fiscal_names


def times(figures: Figures, one: Figure, chance: Random) -> Item | None:
    """Return the question when a figure was, with other years of the same item to choose from."""
    chunk = figures.passages.around(one.fact.start, one.fact.end)
    fiscal = figures.fiscal(one)
    others = [f for f in figures.others(one) if f.value != one.value and bool(f.first) == bool(one.first)]
    years = {other.last: figures.fiscal(other) for other in others if other.last != one.last}
    if not chunk or not fiscal or len(years) < 3 or not tells_time(chunk.context + chunk.passage, one):
        return None
    if any(f.value == one.value and f.last != one.last for f in figures.others(one)):
        return None  # two years had it
    era = chance.random() < 0.2
    if one.first is None:
        right = Part(day(fiscal.last, chance, era=era), "date", when=fiscal.last)
        wrong = [day(last, chance, era=era) for last in years]
    else:
        right = Part(fiscal_names(fiscal)[3 if era else 0], "period", fiscal=fiscal)
        wrong = [fiscal_names(other)[3 if era else 0] for other in years.values() if other]
    asked = (
        company(figures.company, chance),
        Part(f"の{one.name}が"),
        *amount(one.value, one.saying),
        Part("だったのはいつですか。"),
    )
    if len(wrong) < 3:
        return None
    return Item(
        "time_choices", "multiple_choice", asked, (right,), chunk, "fact", (one.fact,), wrong=tuple(wrong[:3])
    )


def days(prose: Prose, chance: Random) -> Item | None:
    """Return the question for the day or month of a dated row, with those of other rows to choose from."""
    item = prose.when(chance)
    if item is None or len(item.answer) != 2 or not item.question or "いつ" not in joined(item.question):
        return None
    right = item.sentence[0]
    rows = [parts_of(match[1]) for _, match in prose.rows]
    others = {
        row[0].text for row in rows
        if len(row) == 1 and row[0].when and row[0].when != right.when and ("日" in row[0].text) == ("日" in right.text)
    }  # fmt: skip
    if len(others) < 3:
        return None
    wrong = tuple(chance.sample(sorted(others), 3))
    answer = (Part(right.text, "date", when=right.when, origin=0),)
    return Item(
        "day_choices",
        "multiple_choice",
        item.question,
        answer,
        item.chunk,
        "prose",
        sentence=item.sentence,
        wrong=wrong,
    )
