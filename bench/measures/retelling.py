"""Says the parts of a Japanese sentence in other words that state the same."""

import re
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from bench.measures.items import company
from bench.measures.parts import Part
from bench.measures.wordings import Saying, day, month, reworded, widened

#: What one writer says for what another one says.
SYNONYMS = (
    ("前期比", "前の期と比べて"), ("前年同期比", "前年の同じ期と比べて"), ("増となりました", "の増加となりました"), ("減となりました", "の減少となりました"),
    ("となりました", "でした"), ("増加しました", "増えました"), ("減少しました", "減りました"), ("となっております", "です"), ("により、", "によって、"),
    ("及び", "と"), ("ならびに", "と"), ("並びに", "と"), ("であります", "です"), ("いたしました", "しました"), ("しております", "しています"),
    ("おりません", "いません"), ("おります", "います"), ("以下のとおり", "次のとおり"), ("当該", "その"),
)  # fmt: skip


def in_synonyms(told: Sequence[Part], chance: Random) -> list[Part]:
    """Return parts with some of their words in others of the same meaning."""
    pairs = [pair for pair in SYNONYMS if chance.random() < 0.6]
    said: list[Part] = []
    for part in told:
        text = part.text
        for old, new in pairs if not part.kind else ():
            text = text.replace(old, new)
        said.append(replace(part, text=text))
    return said


def named(told: Sequence[Part], name: str, chance: Random) -> list[Part]:
    """Return the parts with the first 当社 at the head of a clause said by name."""
    for n, part in enumerate(told):
        match = (
            None
            if part.kind
            else re.search(r"(?:^|(?<=[、。]))当社(?=は|グループは|の|グループの|では)", part.text)
        )
        if match:
            parts = [
                Part(part.text[: match.start()], origin=-1),
                company(name, chance),
                replace(part, text=part.text[match.end() :]),
            ]
            return [*told[:n], *(one for one in parts if one.text), *told[n + 1 :]]
    return list(told)


def other_words(said: Sequence[Part], chance: Random) -> list[Part]:
    """Return parts with some amounts in other units or widths, and some days by the other calendar."""
    told: list[Part] = []
    for n, part in enumerate(said):
        follows = said[n + 1] if n + 1 < len(said) else None
        change = chance.random() < 0.35
        if (
            part.kind == "unit"
            and told
            and told[-1].saying is not None
            and told[-1].saying is not part.saying
        ):
            told.append(replace(part, text=told[-1].saying.unit, saying=told[-1].saying))
        elif part.kind == "number" and change and follows and follows.kind == "unit":
            told += _amount(part, said, n, chance)
        elif part.kind == "date" and change and part.when:
            told.append(replace(part, text=_day(part, chance)))
        elif part.kind == "period" and change:
            told.append(replace(part, text=widened(_half(part.text), chance)))
        else:
            told.append(part)
    return told


def _amount(part: Part, said: Sequence[Part], n: int, chance: Random) -> list[Part]:
    saying, value = part.saying, part.value
    if saying is None or value is None:
        return [part]
    if saying.counter != "円" or saying.places:
        return [replace(part, text=widened(_half(part.text), chance))]
    exact = Saying("円", saying.scale, mixed=saying.mixed)
    for _ in range(6):
        new = reworded(value, exact, chance)
        about = n > 0 and said[n - 1].text.endswith(("約", "△"))
        if new.about and not about and chance.random() < 0.5:
            return [Part("約"), replace(part, text=new.digits(value), saying=new)]
        if not new.about:
            return [replace(part, text=new.digits(value), saying=new)]
    return [part]


def _day(part: Part, chance: Random) -> str:
    """Return a day or a month in another calendar or width; a year alone stays as it is."""
    if part.when and "日" in part.text:
        return day(part.when, chance, era=part.text[0].isdigit() if chance.random() < 0.7 else None)
    if part.when and "月" in part.text and part.when.year not in (1989, 2019):
        return month(part.when, chance, era=part.text[0].isdigit() if chance.random() < 0.7 else None)
    return part.text


def _half(text: str) -> str:
    return text.translate(str.maketrans("０１２３４５６７８９", "0123456789"))
