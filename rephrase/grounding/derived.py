"""Whether a number that no source shows follows from two that it shows: computed again at the displayed precision."""

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import combinations

from rephrase.grounding.calendar import Period, months_of
from rephrase.grounding.claims import Claim
from rephrase.grounding.fit import grounds, one_of, period_in, recomputed
from rephrase.grounding.reading import Stated
from rephrase.grounding.source import Source

_CHANGE = re.compile(
    r"増|減|伸び|成長|上昇|下落|低下|拡大|縮小|変化|変動|推移|比|差|上回|下回|改善|悪化|落ち込"
)
_RATIO = re.compile(r"割合|比率|占め|あたり|当たり|対する|構成比|倍|率|％|%|何割")
_SUM = re.compile(r"合計|合わせ|合算|総額|計|足し|加え|トータル")
_UNEQUAL = re.compile(r"差|上回|下回|多[くい]|少な|超え|大き|小さ|引い|差し引")
_PAID = re.compile(r"支出|支払|取得|損失|損$|費用|費$|返済|償還|配当")
#: Between two amounts of one sentence that are one item's: 前期の5億円から, 5億円に対し.
_COMPARED = re.compile(r"から|より|に対|比|前[のな年期連事]|当[年期連事]|→|⇒|\d年")
_MOST = 40  # statements of one item that are compared
_HUNDRED = Decimal(100)

Pair = tuple[Stated, Stated]


def is_called_for(claimed: Stated, claim: Claim) -> bool:
    """Whether the words of a claim say that a quantity is computed: a change, a difference, a sum, a share or a ratio."""
    words = _words(claimed, claim)
    return any(pattern.search(words) for pattern in (_CHANGE, _RATIO, _SUM, _UNEQUAL))


def is_derived(claimed: Stated, claim: Claim, source: Source) -> bool:
    """Whether a quantity is a change, a rate of change, a difference, a sum, a share or a multiple of two grounded ones.

    Changes are those of one item between two periods: those that the claim names, else a period and the one before it.
    Differences, sums and shares are of two items of one period, both named in the claim. Where neither words nor tables
    name items, both amounts stand in the claim, or in one sentence of the source.
    """
    words = _words(claimed, claim)
    unit = claimed.quantity.unit
    went = claim.went(claimed) or (-1 if claimed.quantity.value < 0 else 0)
    if _CHANGE.search(words) or unit == "times":
        for early, late, sign in _in_time(claimed, claim, source):
            if _is_change(claimed, early.quantity.value * sign, late.quantity.value * sign, went):
                return True
    for one, other in _between_items(claimed, claim, source):
        if _RATIO.search(words) and unit in ("percent", "times", "") and _is_ratio(claimed, one, other):
            return True
        sums = _SUM.search(words) and one.quantity.unit == unit
        if sums and any(recomputed(claimed.quantity, a + b) for a, b in _amounts(one, other)):
            return True
        unequal = _UNEQUAL.search(words) and one.quantity.unit == unit
        if unequal and any(recomputed(claimed.quantity, a - b) for a, b in _amounts(one, other)):
            return True
    return False


def _amounts(one: Stated, other: Stated) -> Iterator[tuple[Decimal, Decimal]]:
    """Yield two values as they are, and what is paid (支出, 費用) as the amount that is meant by its name."""
    first, second = one.quantity.value, other.quantity.value
    yield first, second
    paid = [
        abs(each.quantity.value) if any(map(_PAID.search, each.rows)) else each.quantity.value
        for each in (one, other)
    ]
    if paid != [first, second]:
        yield paid[0], paid[1]


def _is_ratio(claimed: Stated, one: Stated, other: Stated) -> bool:
    first, second = one.quantity.value, other.quantity.value
    return any(
        bool(whole) and _is_share(claimed, part / whole) for part, whole in ((first, second), (second, first))
    )


def _words(claimed: Stated, claim: Claim) -> str:
    """Return the words of a quantity's sentence and of the question, without names: 自己資本比率 calls for no ratio."""
    plain = claim.plain
    for one in claim.mentions:
        plain = plain[: one.start] + " " * (one.end - one.start) + plain[one.end :]
    first, last = claimed.sentence
    words = plain[first : max(last, claimed.quantity.end)]
    return f"{plain[: claim.split]}{words}" if claim.split else words


def _is_change(claimed: Stated, early: Decimal, late: Decimal, went: int) -> bool:
    said, change = claimed.quantity, late - early
    if went and change and (change > 0) != (went > 0):
        return False
    if said.unit == "percent":
        return bool(early) and recomputed(said, change / abs(early) * _HUNDRED)
    if said.unit == "times":
        return bool(early) and recomputed(said, late / early)
    return recomputed(said, change)


def _is_share(claimed: Stated, ratio: Decimal) -> bool:
    return recomputed(claimed.quantity, ratio * _HUNDRED if claimed.quantity.unit == "percent" else ratio)


def _fitting(claimed: Stated, one: Stated) -> bool:
    """Whether a statement has the unit that a change in the unit of ``claimed`` is computed from."""
    unit, its = claimed.quantity.unit, one.quantity.unit
    if unit in ("percent", "times"):
        return bool(its) and not one.quantity.is_token
    return its == ("percent" if unit == "points" else unit)


def _in_time(claimed: Stated, claim: Claim, source: Source) -> Iterator[tuple[Stated, Stated, int]]:
    """Yield pairs of statements of one item, the earlier first; -1 where what is paid grows as its number falls."""
    names = list(dict.fromkeys(one.name for one in claim.mentions))
    said = [one for one in claim.periods if one.known]
    for name in names:
        same = [one for one in source.reading.by_name.get(name, ()) if _fitting(claimed, one)][:_MOST]
        dated = [(period, one) for one in same if (period := period_in(one, source)) and period.known]
        for early, late in _ordered(dated, source):
            if _is_asked(early[0], late[0], said, claim):
                paid = _PAID.search(name) and early[1].quantity.value <= 0 and late[1].quantity.value <= 0
                yield early[1], late[1], -1 if paid else 1
    yield from ((early, late, 1) for early, late in _spoken(claimed, claim, source))


def _ordered(
    dated: list[tuple[Period, Stated]],
    source: Source,
) -> Iterator[tuple[tuple[Period, Stated], tuple[Period, Stated]]]:
    for one, other in combinations(dated, 2):
        if one[0].last == other[0].last or one[1].quantity.unit != other[1].quantity.unit:
            continue
        if not _alike(one[1], other[1], source) or abs(_length(one[0]) - _length(other[0])) > 1:
            continue
        yield (one, other) if one[0].last < other[0].last else (other, one)


def _alike(one: Stated, other: Stated, source: Source) -> bool:
    """Whether two facts belong to the same accounts and concept, or stand in one row: the members of their contexts are the same."""
    if one.fact is None or other.fact is None:
        return one.fact is None and other.fact is None and one.table == other.table
    members = (each.fact.context.partition("_")[2] for each in (one, other) if each.fact)
    between = slice(*sorted((one.quantity.start, other.quantity.start)))
    in_row = one.table == other.table >= 0 and "\n" not in source.text[between]
    return len(set(members)) == 1 and (one.fact.concept == other.fact.concept or in_row)


def _length(period: Period) -> int:
    return 0 if period.instant else months_of(period)


def _is_asked(early: Period, late: Period, said: list[Period], claim: Claim) -> bool:
    """Whether a change is one between periods that the claim names, or against the period before one of them."""

    def is_said(period: Period) -> bool:
        return one_of(said, period, opening=False, prose=False) is True

    year_apart = 350 <= (late.last - early.last).days <= 380
    if not said:
        return year_apart
    ends = {one.last for one in said}
    if len(ends) > 1 and is_said(early) and is_said(late):
        return True
    return is_said(late) and year_apart


def _spoken(claimed: Stated, claim: Claim, source: Source) -> Iterator[Pair]:
    """Yield pairs of amounts that the claim itself states, in both orders, and pairs that one sentence of the source does."""
    # What the claim computes itself proves nothing: 976人 and the 11人 more do not prove the 965人.
    own = [
        one
        for one in claim.statements
        if one is not claimed and _fitting(claimed, one) and grounds(one.quantity, source.reading)
    ]
    for one, other in combinations(own, 2):
        if one.quantity.unit == other.quantity.unit:
            yield one, other
            if "から" not in claim.plain[one.quantity.end : other.quantity.start]:
                yield other, one
    bigrams = _bigrams(claim.plain)
    sentences: dict[tuple[int, int], list[Stated]] = {}
    for one in source.reading.statements:
        if one.table < 0 and _fitting(claimed, one):
            sentences.setdefault(one.sentence, []).append(one)
    for (first, last), found in sentences.items():
        if not 2 <= len(found) <= 8:
            continue
        said = _bigrams(source.reading.plain[first:last])
        if len(bigrams & said) < 0.3 * len(bigrams):
            continue
        for one, other in combinations(found, 2):
            between = source.reading.plain[one.quantity.end : other.quantity.start]
            if one.quantity.unit == other.quantity.unit and _COMPARED.search(between):
                yield one, other
                yield other, one


def _bigrams(plain: str) -> set[str]:
    return {plain[at : at + 2] for at in range(len(plain) - 1) if not plain[at : at + 2].isascii()}


def _between_items(claimed: Stated, claim: Claim, source: Source) -> Iterator[Pair]:
    """Yield pairs of statements of two items that the claim names, of one period that it does not contradict."""
    names = list(dict.fromkeys(one.name for one in claim.mentions))[:6]
    said = [one for one in claim.periods if one.known]
    by_name = source.reading.by_name
    for first, second in combinations(names, 2):
        for one in by_name.get(first, ())[:_MOST]:
            period = period_in(one, source)
            if period is None or (said and one_of(said, period, opening=False, prose=False) is False):
                continue
            for other in by_name.get(second, ())[:_MOST]:
                its = period_in(other, source)
                if its and its.last == period.last and one.quantity.unit == other.quantity.unit:
                    yield one, other
    own = [
        one
        for one in claim.statements
        if one is not claimed and one.quantity.unit and not one.quantity.is_token
    ]
    for one, other in combinations(own, 2):
        if one.quantity.unit == other.quantity.unit:
            yield one, other
