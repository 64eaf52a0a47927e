"""True items about the tagged figures of filings, in the many ways in which a model would write them."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random

from bench.measures.figures import Figure, Figures, tells_time
from bench.measures.parts import Item, Part, amount
from bench.measures.wordings import Fiscal, Saying, day, fiscal_names, month, reworded, widened
from rephrase.base import Style
from rephrase.candidate import Chunk

_SLOT = re.compile(r"\{(\w)\}")
_HOW_MANY = {"円": "いくら", "株": "何株", "％": "何％", "人": "何人", "倍": "何倍"}
#: (question, answer): C company, T time, N name, A amount, W the question word.
ASKED = (
    ("{C}の{T}の{N}は{W}ですか。", "{A}です。"),
    ("{T}における{C}の{N}を答えてください。", "{A}"),
    ("{C}の{N}は、{T}には{W}でしたか。", "{A}でした。"),
    ("{C}の{T}の{N}について教えてください。", "{T}の{N}は{A}でした。"),
    ("{C}の{N}について説明してください。", "{C}の{T}の{N}は{A}です。"),
    ("{T}の{N}は{W}ですか。", "{C}の開示資料によると、{A}です。"),
    ("{C}の{N}を教えてください。", "同社の{T}の{N}は{A}です。"),
    ("{C}の{T}の{N}は{A}でしたか。", "はい、{A}でした。"),
    ("開示資料によると、{C}の{T}の{N}は{W}でしょうか。", "開示資料には{A}と記載されています。"),
    ("{C}は{T}の{N}をどのように開示していますか。", "{A}と開示しています。"),
    (
        "{T}の{N}はどの程度の水準でしたか。",
        "{T}の{N}は{A}となっており、{C}の有価証券報告書に示されています。",
    ),
)
BACKWARD = (
    ("{C}の{N}が{A}だったのはいつですか。", "{T}です。"),
    ("{T}の{N}が{A}であった会社はどこですか。", "{C}です。"),
    ("{T}の{A}という金額は、{C}の何を示していますか。", "{N}です。"),
)
TOLD = (
    "{C}の{N}について説明してください。", "{N}はどうなっていますか。", "{C}が開示している{N}の水準を述べてください。",
    "{C}の業績のうち{N}についてまとめてください。",
)  # fmt: skip
STATED = (
    "{C}の{T}の{N}は{A}でした。",
    "{T}における{C}の{N}は{A}となりました。",
    "{C}では、{T}の{N}が{A}と報告されている。",
    "有価証券報告書によれば、{C}の{N}は{T}に{A}であった。",
    "{T}、{C}の{N}は{A}でした。この数値は同社の開示資料に記載されています。",
)  # fmt: skip


def filled(template: str, slots: Mapping[str, Callable[[], list[Part]]], chance: Random) -> tuple[Part, ...]:
    """Return a template in parts; a slot that is named twice is said anew each time."""
    parts: list[Part] = []
    at = 0
    for match in _SLOT.finditer(template):
        parts += [Part(template[at : match.start()]), *slots[match[1]]()]
        at = match.end()
    parts.append(Part(template[at:]))
    return tuple(part for part in parts if part.text)


def company(name: str, chance: Random) -> Part:
    """Return a company as it is called: in full, without its legal form, or with ㈱."""
    kind = chance.random()
    if kind < 0.2 and len(short := name.replace("株式会社", "")) > 3:
        return Part(short, "company")
    form = "㈱" if kind < 0.27 else "(株)"
    return Part(name.replace("株式会社", form) if 0.2 < kind < 0.32 else name, "company")


def time(figures: Figures, one: Figure, chunk: Chunk, chance: Random) -> list[Part] | None:
    """Return when a figure was, in words, None when no natural ones are known."""
    fiscal = figures.fiscal(one)
    if one.first is None:
        return _instant(figures, one, fiscal, chunk, chance)
    if fiscal is None:
        return [
            Part(day(one.first, chance), "date", when=one.first), Part("から"),
            Part(day(one.last, chance), "date", when=one.last), Part("まで"),
        ]  # fmt: skip
    if chance.random() < 0.12:
        return [
            Part(day(one.first, chance), "date", when=one.first), Part("から"),
            Part(day(one.last, chance), "date", when=one.last), Part("までの1年間"),
        ]  # fmt: skip
    return [_fiscal(figures, fiscal, chunk, chance, "")]


def _instant(
    figures: Figures, one: Figure, fiscal: Fiscal | None, chunk: Chunk, chance: Random
) -> list[Part] | None:
    kind = chance.random()
    if fiscal is None or kind < 0.45:
        return [Part(day(one.last, chance), "date", when=one.last), Part(chance.choice(("時点", "現在")))]
    if kind < 0.55:
        return [Part(month(one.last, chance), "date", when=one.last), Part("末")]
    return [_fiscal(figures, fiscal, chunk, chance, "末")]


def _fiscal(figures: Figures, fiscal: Fiscal, chunk: Chunk, chance: Random, behind: str) -> Part:
    names = fiscal_names(fiscal)
    ordinal = figures.ordinal(fiscal)
    if ordinal and ordinal in chunk.context + chunk.passage:
        names += [ordinal] * 2
    return Part(widened(chance.choice(names), chance) + behind, "period", fiscal=fiscal)


def about_figure(figures: Figures, one: Figure, chance: Random, style: Style) -> Item | None:
    """Return an item that states one figure, None when its passage does not tell when it was."""
    chunk = figures.passages.around(one.fact.start, one.fact.end)
    if chunk is None or not tells_time(chunk.context + chunk.passage, one):
        return None
    when = time(figures, one, chunk, chance)
    said = reworded(one.value, one.saying, chance)
    if when is None or not figures.company:
        return None
    slots: dict[str, Callable[[], list[Part]]] = {
        "C": lambda: [company(figures.company, chance)],
        "T": lambda: time(figures, one, chunk, chance) or [],
        "N": lambda: [Part(one.name)],
        "A": lambda: list(amount(one.value, said)),
        "W": lambda: [Part(_how_many(said, chance))],
    }
    kind = chance.random() if style == "qa" else 1.0
    if kind < 0.3:
        form, question = "statement", filled(chance.choice(TOLD), slots, chance)
        answer = filled(chance.choice(STATED), slots, chance)
    else:
        form, templates = ("backward", BACKWARD) if kind < 0.4 else ("fact", ASKED)
        asked, told = chance.choice(templates[:3] if style == "multiple_choice" else templates)
        question, answer = filled(asked, slots, chance), filled(told, slots, chance)
    wrong = wrong_amounts(figures, one, said, chance) if style == "multiple_choice" else ()
    if wrong is None:
        return None
    if style == "multiple_choice":
        form, answer = "choices", tuple(amount(one.value, said))
    form = "cell" if "の" in one.name and one in figures.cells else form
    return Item(form, style, question, answer, chunk, "fact", (one.fact,), wrong=wrong)


def _how_many(said: Saying, chance: Random) -> str:
    """Return the question word for an amount: いくら, or 何百万円 when the answer is said so."""
    named = said.scale and not said.mixed and chance.random() < 0.2
    return f"何{said.unit}" if named else _HOW_MANY[said.counter]


def wrong_amounts(figures: Figures, one: Figure, said: Saying, chance: Random) -> tuple[str, ...] | None:
    """Return three other amounts in the same words: of other times, other items, or with digits moved."""
    true = figures.stated(one.name, one.fact.period) | {abs(one.value)}
    near = [other.value for other in (*figures.others(one), *figures.beside(one))]
    near += [one.value * factor for factor in (Decimal("1.1"), Decimal("0.9"), 10, 2)]
    chance.shuffle(near)
    head = "約" if said.about else ""
    answer = f"{head}{said.digits(one.value)}{said.unit}"
    texts: list[str] = []
    for value in near:
        text = f"{head}{said.digits(value)}{said.unit}"
        if (
            value
            and abs(value) not in true
            and text not in (answer, *texts)
            and len(text) <= 2 * len(answer) <= 4 * len(text)
            and abs(abs(value) - abs(one.value)) > abs(one.value) / 20
        ):
            texts.append(text)
    return tuple(texts[:3]) if len(texts) >= 3 else None
