"""Questions whose answers are programs over two amounts of one filing, and wrong choices that typical errors give.

A program is written down with its answer, ``growth(NetSales:2024-04-01/2025-03-31,NetSales:2023-04-01/2024-03-31)``:
concepts with their periods. Amounts are taken at their displayed precision, rates to a tenth of a percent, half up.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from corpus.document import Document
from rephrase.facts.amounts import Amount, amounts, written
from rephrase.facts.claim import Claim, Option, Place

_FAR = 1500  # characters between two amounts that one passage may span
_TENTH = Decimal("0.1")
_HIGHEST = 500  # percent; what grew by more came out of nothing
_LEAST = 10  # percent; below, the swapped share is so large that nobody takes it for one
_FACTOR = 1000  # between a wrong result and the right one: units are a thousand apart
_MARGIN = Decimal("0.3")  # wrong rates are further away than any way of rounding could take them
_SALES = frozenset({"売上高", "営業収益", "売上収益", "経常収益", "収益"})
_ASSETS = frozenset({"総資産額", "資産合計", "総資産"})
#: The unit that is taken for another one, and how much larger it is.
_SLIPS = {
    "円": ("千円", Decimal(1000)), "千円": ("百万円", Decimal(1000)), "百万円": ("千円", Decimal("0.001")),
    "億円": ("百万円", Decimal("0.01")), "十億円": ("億円", Decimal("0.1")), "株": ("千株", Decimal(1000)),
    "千株": ("株", Decimal("0.001")),
}  # fmt: skip
#: What is divided by what: the numerators that mean something as a share of sales and of assets.
_SHARES: Mapping[frozenset[str], frozenset[str]] = {
    _SALES: frozenset(
        {"売上原価", "売上総利益", "販売費及び一般管理費", "営業利益", "経常利益", "当期純利益", "研究開発費",
         "親会社株主に帰属する当期純利益", "親会社の所有者に帰属する当期利益", "税引前利益", "当期利益", "減価償却費"}
    ),
    _ASSETS: frozenset(
        {"純資産額", "純資産合計", "負債合計", "流動資産合計", "固定資産合計", "有形固定資産合計", "流動負債合計",
         "固定負債合計", "現金及び預金", "棚卸資産", "商品及び製品", "利益剰余金", "投資有価証券"}
    ),
}  # fmt: skip


class Series(NamedTuple):
    """The amounts of one name by the last day of their periods, a year each or a moment."""

    name: str
    qualifier: str
    unit: str
    lasts: bool
    by_day: Mapping[date, list[Amount]]

    def fits(self, other: "Series") -> bool:
        """Say whether two series are of one scope, unit and kind of period."""
        return self[1:4] == other[1:4]


def claims(document: Document) -> Iterator[Claim]:
    """Yield what two amounts of a filing give: differences and growth between years, shares of sales and of assets."""
    every = _series(document)
    for series in every:
        for day in sorted(series.by_day):
            if before := _year_before(series, day):
                yield from _change(series, day, before)
    yield from _shares(every)


def _series(document: Document) -> list[Series]:
    """Return the amounts by name, without those that the filing itself tells in two ways."""
    found: defaultdict[tuple[str, str, str, bool], defaultdict[date, list[Amount]]]
    found = defaultdict(lambda: defaultdict(list))
    for one in amounts(document):
        lasts = one.when.endswith("月期")
        if (lasts or one.when.endswith("時点")) and one.number >= 0:
            day = date.fromisoformat(one.fact.period.rpartition("/")[2])
            found[one.name, one.qualifier, one.unit, lasts][day].append(one)
    return [
        Series(*key, {day: same for day, same in by_day.items() if len({one.number for one in same}) == 1})
        for key, by_day in found.items()
    ]


def _year_before(series: Series, day: date) -> date | None:
    return next((other for other in series.by_day if 364 <= (day - other).days <= 371), None)


def _nearest(some: list[Amount], others: list[Amount]) -> tuple[Amount, Amount] | None:
    """Return the two occurrences that stand closest to each other, None when no passage holds both."""
    pairs = ((one, other) for one in some for other in others)
    one, other = min(
        pairs, key=lambda pair: (abs(pair[0].fact.start - pair[1].fact.start), pair[0].fact.start)
    )
    return (one, other) if abs(one.fact.start - other.fact.start) <= _FAR else None


def _change(series: Series, day: date, before: date) -> Iterator[Claim]:
    pair = _nearest(series.by_day[day], series.by_day[before])
    if not pair or pair[0].number == pair[1].number:
        return
    now, then = pair
    earlier = _year_before(series, before)
    third = series.by_day[earlier][0] if earlier else None
    words = {"subject": now.fact.subject, "period": now.when, "before": then.when, "label": now.label}
    gap = Program("difference", now, then, lambda value: written(int(value), now.unit))
    yield gap.claim(words, _wrong_differences(gap, third))
    if then.number > 0 and abs(now.number - then.number) * 100 <= _HIGHEST * then.number:
        rate = Program("growth", now, then, _percent)
        if rate.value:
            yield rate.claim(words, _wrong_rates(rate, third))


def _shares(every: list[Series]) -> Iterator[Claim]:
    for wholes, parts in _SHARES.items():
        for whole in (one for one in every if one.name in wholes):
            for part in (one for one in every if one.name in parts and one.fits(whole)):
                for day in sorted(part.by_day.keys() & whole.by_day.keys()):
                    if pair := _nearest(part.by_day[day], whole.by_day[day]):
                        yield from _share(*pair, part, whole, day)


def _share(one: Amount, other: Amount, part: Series, whole: Series, day: date) -> Iterator[Claim]:
    words = {"subject": one.fact.subject, "period": one.when, "label": one.label, "whole": other.label}
    share = Program("ratio", one, other, _percent)
    if other.number > 0 and 0 < share.value < _HIGHEST:
        yield share.claim(words, _wrong_shares(share, part, whole, day))


def _percent(value: Decimal) -> str:
    return f"{'マイナス' if value < 0 else ''}{abs(value)}％"


def calculate(name: str, one: Decimal, other: Decimal) -> Decimal:
    """Return what the program ``name`` gives: ``difference``, or ``growth`` and ``ratio`` in percent, to a tenth."""
    if name == "difference":
        return one - other
    share = (one - other if name == "growth" else one) * 100 / other
    return share.quantize(_TENTH, ROUND_HALF_UP)


def _likely(wrong: Decimal, value: Decimal) -> bool:
    """Say whether somebody could take one result for the other: not where it is far too large or too small."""
    return abs(value) <= _FACTOR * abs(wrong) and abs(wrong) <= _FACTOR * abs(value)


class Program(NamedTuple):
    """A calculation with two amounts, and how its result is said."""

    name: str
    one: Amount
    other: Amount
    say: Callable[[Decimal], str]

    @property
    def value(self) -> Decimal:
        """Return the result."""
        return calculate(self.name, Decimal(self.one.number), Decimal(self.other.number))

    def __str__(self) -> str:
        """Return the program as it is written down."""
        operands = (f"{one.fact.concept}:{one.fact.period}" for one in (self.one, self.other))
        return f"{self.name}({','.join(operands)})"

    @property
    def places(self) -> tuple[Place, ...]:
        """Return where the two amounts are displayed."""
        return tuple((one.fact.start, one.fact.end) for one in (self.one, self.other))

    def claim(self, words: Mapping[str, str], wrong: Iterator[Option]) -> Claim:
        """Return the claim that this is the result, with the errors that give another one."""
        value, kept = self.value, list[Option]()
        margin = _MARGIN if self.name != "difference" else Decimal(1)
        for option in wrong:
            others = [value, *(one.value for one in kept)]
            if (
                option.value is not None
                and _likely(option.value, value)
                and all(abs(option.value - one) > margin for one in others if one is not None)
            ):
                kept.append(option)
        key = "|".join((self.name, *words.values()))
        return Claim(
            kind=self.name, key=key, identity=key, group=(), words=words, answer=self.say(value),
            places=self.places, subject=words["subject"], value=value, wrong=tuple(kept),
            needs=(self.one.identity, self.other.identity),
            meta={"concept": self.one.fact.concept, "fact_period": self.one.fact.period, "program": str(self)},
        )  # fmt: skip

    def error(self, name: str, value: Decimal) -> Option:
        """Return a wrong choice that the error ``name`` gives."""
        return Option(self.say(value), self.places, value, program=f"{name}: {self}")

    def instead(self, name: str, one: Amount, other: Amount) -> Option:
        """Return a wrong choice that the right calculation gives with amounts that were not asked for."""
        program = self._replace(one=one, other=other)
        return Option(self.say(program.value), program.places, program.value, program=f"{name}: {program}")


def _wrong_differences(gap: Program, third: Amount | None) -> Iterator[Option]:
    now, then = Decimal(gap.one.number), Decimal(gap.other.number)
    yield gap.error("sign", -gap.value)
    if third and third.number != gap.other.number:
        yield gap.instead("other_year", gap.other, third)
        yield gap.instead("two_years", gap.one, third)
    if slip := _SLIPS.get(gap.one.unit):
        unit, factor = slip
        said = written(int(gap.value), unit)
        yield Option(said, gap.places, gap.value * factor, program=f"unit: {gap}")
    yield gap.error("sum", now + then)


def _wrong_rates(rate: Program, third: Amount | None) -> Iterator[Option]:
    now, then = Decimal(rate.one.number), Decimal(rate.other.number)
    yield rate.error("sign", -rate.value)
    if third and third.number > 0:
        yield rate.instead("other_year", rate.other, third)
        yield rate.instead("two_years", rate.one, third)
    if now:
        yield rate.instead("swapped", rate.other, rate.one)
    yield rate.error("ratio", calculate("ratio", now, then))
    yield rate.error("unit", (rate.value * 10).quantize(_TENTH))
    yield rate.error("unit", (rate.value / 10).quantize(_TENTH, ROUND_HALF_UP))


def _wrong_shares(share: Program, part: Series, whole: Series, day: date) -> Iterator[Option]:
    one, other = Decimal(share.one.number), Decimal(share.other.number)
    for year in sorted((part.by_day.keys() & whole.by_day.keys()) - {day}, reverse=True):
        if whole.by_day[year][0].number > 0:
            yield share.instead("other_year", part.by_day[year][0], whole.by_day[year][0])
    if share.value > _LEAST:
        yield share.instead("swapped", share.other, share.one)
    yield share.error("rest", abs(100 - share.value))
    yield share.error("growth", abs(calculate("growth", one, other)))
    yield share.error("unit", (share.value * 10).quantize(_TENTH))
    yield share.error("unit", (share.value / 10).quantize(_TENTH, ROUND_HALF_UP))
