"""Whether what a source states can be what a claim says: value, sign, bound, item and period of one quantity."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Decimal

from rephrase.grounding.calendar import Period, months_of
from rephrase.grounding.claims import Claim, direction
from rephrase.grounding.numerals import narrow
from rephrase.grounding.quantities import Quantity
from rephrase.grounding.reading import Reading, Stated
from rephrase.grounding.source import Source, period_of

_COUNTED = re.compile(r"JPY|USD|EUR|GBP|CNY|[A-Z]{3}|percent|points|times|第.*|name:.*|分の.*")
_LOSS = re.compile(
    r"損失|赤字|減少|減益|減収|(?<!増)減(?=[、。となの少額]|$)|マイナス|支出|支払|流出|使用|(?<!受取)配当|下落|低下|取得|返済|償還|下回|悪化|縮小|円高|欠損|債務超過"
)
_ADDED = re.compile(r"計|総|合わせ|全体")
_DOUBLE = re.compile(r"(?:損失|損)(?:額|金)?$")
_OVER, _UNDER = ("over", "up"), ("under", "down")


def shows(said: Quantity, value: Decimal, *, zeros: bool = True) -> bool:
    """Whether a quantity may say ``value``, without regard to the signs: equal, or where it is hedged near enough.

    約12億円 may be said of 1,234 million yen, rounded or cut off at the last place that it shows, or with ``zeros`` at a
    place of the zeros at its end; 12億円超 of more.
    """
    mine, true = abs(said.value), abs(value)
    if mine == true:
        return True
    if not said.hedge or not mine:
        return False
    return any(_near(said.hedge, mine, true, step) for step in (_steps(said) if zeros else (said.step,)))


def recomputed(said: Quantity, value: Decimal) -> bool:
    """Whether a quantity says a computed value at its displayed precision, rounded or cut off; signs aside."""
    mine, true = abs(said.value), abs(value)
    steps = _steps(said) if said.hedge else (said.step,)
    return any(
        _near(said.hedge if said.hedge in (*_OVER, *_UNDER) else "about", mine, true, step) for step in steps
    )


def _steps(said: Quantity) -> Iterator[Decimal]:
    """Yield the worth of the last place and of the places of the zeros before it: 約3,000円 may be a thousand's."""
    step = said.step
    yield step
    if "." in narrow(said.text):  # the zero of 19.0億円 is a digit that was measured
        return
    while abs(said.value) > step * 10 and said.value % (step * 10) == 0:
        step *= 10
        yield step


def _near(hedge: str, mine: Decimal, true: Decimal, step: Decimal) -> bool:
    scaled = true / step
    if abs(true - mine) > mine / 4 and hedge != "about":
        return False
    if hedge in _OVER:
        return true > mine and scaled.to_integral_value(ROUND_DOWN) * step == mine
    if hedge in _UNDER:
        return true < mine and scaled.to_integral_value(ROUND_CEILING) * step == mine
    return any(scaled.to_integral_value(mode) * step == mine for mode in (ROUND_HALF_UP, ROUND_DOWN))


def grounds(said: Quantity, source: Reading) -> list[Stated]:
    """Return what the source states with the value and the unit of a quantity, without regard to its sign."""
    found = list(source.by_value.get((said.unit, abs(said.value)), ()))
    if said.hedge:
        found += [
            one
            for one in source.by_unit.get(said.unit, ())
            if one.quantity.value != said.value and shows(said, one.quantity.value)
        ]
    if not found and not _COUNTED.fullmatch(said.unit):
        found = list(source.by_value.get(("", abs(said.value)), ()))
    return found


def has_bound(said: Quantity, one: Stated) -> bool:
    """Whether neither says 以上 where the other says 以下."""
    its = one.quantity.hedge
    return not ((said.hedge in _OVER and its in _UNDER) or (said.hedge in _UNDER and its in _OVER))


def has_sign(claimed: Stated, claim: Claim, one: Stated, names: Sequence[str], source: Reading) -> bool:
    """Whether the sign of a claimed quantity, with the words around it, is that of a statement of the source."""
    said, true = claimed.quantity, one.quantity
    if not said.value or not true.value or one.either:
        return True
    prose = one.table < 0 and one.fact is None
    went = claim.went(claimed)
    if prose and (its := direction(source.plain[true.end : true.end + 12])) and went and its != went:
        return False
    if one.table >= 0 and went and any("増減" in part for part in (*one.rows, *one.columns)):
        return went * said.value * true.value > 0 if not said.signed else said.value * true.value > 0
    if said.value < 0:
        back = (
            one.fact is not None and "戻入" in one.fact.label
        )  # 減損損失（又は戻入れ） has losses below zero
        return true.value < 0 and (prose or back or not any(_DOUBLE.search(part) for part in names))
    if true.value > 0:
        return True
    return bool(_LOSS.search(claim.around(claimed)) or any(_LOSS.search(part) for part in names))


def related(one: str, other: str) -> bool:
    """Whether two names may be said of one item: one holds the other."""
    return one in other or other in one


def has_item(claimed: Stated, claim: Claim, one: Stated, source: Reading) -> bool | None:
    """Whether a statement belongs to the item that a claim names; None where either names none."""
    asked = claim.named(claimed, source.by_name)
    if not asked or not one.rows:
        rows = False if asked and _is_sum_of_others(asked, claimed, claim, one, source) else None
    elif any(name in one.rows for name in asked):
        rows = True
    else:
        near = [name for name in asked if any(related(name, part) for part in one.rows)]
        rows = any(not _elsewhere(name, one, source) for name in near)
    heads = source.columns.get(one.table, frozenset()) if one.columns else frozenset()
    named = claim.headed(claimed, heads) if heads else []
    if named and not any(related(name, part) for name in named for part in one.columns):
        return False
    return rows


def _is_sum_of_others(
    asked: Sequence[str], claimed: Stated, claim: Claim, one: Stated, source: Reading
) -> bool:
    """Whether a figure in a row without a name (計) stands under the very item that a claim names, which asks for no sum."""
    if one.table < 0 or _ADDED.search(claim.around(claimed)) or _ADDED.search(claim.plain[: claim.split]):
        return False
    return any(
        other.table == one.table and other.quantity.unit == one.quantity.unit
        for name in asked
        for other in source.by_name.get(name, ())
    )


def _elsewhere(name: str, one: Stated, source: Reading) -> bool:
    """Whether the source has an item of exactly this name for the same period with another value in the same unit."""
    period = one.fact.period if one.fact else None
    same = [
        other
        for other in source.by_name.get(name, ())
        if other.quantity.unit == one.quantity.unit and (other.fact.period if other.fact else None) == period
    ]
    return bool(same) and all(other.quantity.value != one.quantity.value for other in same)


def has_period(claimed: Stated, claim: Claim, one: Stated, source: Source) -> bool | None:
    """Whether a statement is of a period that a claim names for a quantity; None where either names none."""
    said = claim.when(claimed)
    if not said:
        return None
    its = period_in(one, source)
    return one_of(said, its, opening="首" in claim.plain, prose=one.fact is None) if its else None


def period_in(one: Stated, source: Source) -> Period | None:
    """Return the period of a statement of the source: its fact's, else the one in force at its place."""
    if one.fact is not None:
        return period_of(one.fact)
    return source.scope(one.quantity.start)


def one_of(said: Iterable[Period], its: Period, *, opening: bool, prose: bool) -> bool | None:
    """Whether one of some periods can be that of a statement; None where that cannot be told.

    Of a range (前期末から当期末にかけて) each end counts for what is of one day.
    """
    each = [part for one in said for part in ((one, *one.ends) if its.instant or prose else (one,))]
    verdicts = {_can_be(one, its, opening=opening, prose=prose) for one in each}
    return True if True in verdicts else False if False in verdicts else None


def _can_be(said: Period, its: Period, *, opening: bool, prose: bool) -> bool | None:
    if not (said.known and its.known):
        return True if said.same(its) else None
    if said.same(its) or (prose and said.meets(its)):
        return True
    same_end = said.last == its.last
    if its.instant:
        opened = opening and said.first in (its.last, its.last + timedelta(days=1))
        return same_end or opened or (said.kind in ("year", "month") and said.holds(its))
    if said.kind == "year":
        return said.last.year == its.last.year
    if said.instant or said.kind == "month" or (said.kind == "quarter" and months_of(its) < 12):
        return same_end
    # Fiscal years of 52 weeks do not end with a month.
    days = 3 if said.kind == "fiscal_year" else 0
    return abs(said.first - its.first).days <= days and abs(said.last - its.last).days <= days
