"""Times grounded: every day and period of the claim is one that the passage, its facts or its document name."""

import re

from corpus.document import Drop
from rephrase.candidate import Candidate
from rephrase.grounding.calendar import Period
from rephrase.grounding.periods import periods
from rephrase.grounding.source import Source, source_of

NAME, VERSION = "times", 1

_MONTH_DAY = re.compile(r"m(\d+)(?:d(\d+))?(?:~m(\d+))?")


def check(candidate: Candidate) -> Drop | None:
    """Refuse a claim with a day (``date_not_in_source``) or period (``period_not_in_source``) that nothing states.

    Ground are passage and context, the facts inside the passage, the document's title, days and own fiscal period. Days
    compare, not words: 令和6年3月期 is 2024年3月期, and in a filing about it 当期. A year alone needs that year, a month
    a day or period that begins or ends in it. What a claim leaves open (同年, 前年) is not judged.
    """
    source = source_of(candidate.chunk)
    claim = candidate.claim
    for one in periods(claim, source.own):
        if not is_stated(one, source):
            reason = "date_not_in_source" if one.kind in ("day", "month") else "period_not_in_source"
            return Drop(reason, claim[one.start : one.end])
    return None


def is_stated(one: Period, source: Source) -> bool:
    """Whether something in a source names a period, at the granularity at which it is said."""
    ground = (*source.stated, *source.days)
    if any(one.same(other) for other in ground):
        return True
    if one.said:
        return _leans(one, ground)
    return _IS_STATED.get(one.kind, _period)(one, ground)


def _leans(one: Period, ground: tuple[Period, ...]) -> bool:
    """Judge a period whose days, or whose year, its words leave open."""
    if "same" in one.said or one.said.endswith(("_year", "year_before")):
        return True
    if match := _MONTH_DAY.fullmatch(one.said):
        month, day = int(match[1]), int(match[2] or 0)
        return any(
            end.month == month and day in (0, end.day)
            for other in ground
            if other.known
            for end in (other.first, other.last)
        ) or any(other.said.startswith(one.said) for other in ground)
    if any(other.said == one.said or (one.term and other.term == one.term) for other in ground):
        return True
    if one.said[:2] in ("q1", "q2", "q3", "q4", "h1", "h2"):
        return any(one.said in other.said or _same_end(one, other) for other in ground)
    if one.said.startswith("current"):
        return True
    return one.known and _IS_STATED.get(one.kind, _period)(one, ground)


def _day(one: Period, ground: tuple[Period, ...]) -> bool:
    return any(one.first in (other.first, other.last) for other in ground if other.known)


def _month(one: Period, ground: tuple[Period, ...]) -> bool:
    month = (one.last.year, one.last.month)
    return any(
        month == (end.year, end.month) for other in ground if other.known for end in (other.first, other.last)
    )


def _year(one: Period, ground: tuple[Period, ...]) -> bool:
    return any(one.last.year in (other.first.year, other.last.year) for other in ground if other.known)


def _period(one: Period, ground: tuple[Period, ...]) -> bool:
    """Judge a fiscal year, a part of one or a range: by its end, or by both its ends."""
    if not one.known:
        return False
    if one.kind == "fiscal_year":
        return any(_ends_with(one, other) for other in ground if other.known)
    if one.kind in ("quarter", "half") and any(_same_end(one, other) for other in ground):
        return True
    known = [other for other in ground if other.known]
    return any(one.first in (other.first, other.last) for other in known) and any(
        one.last in (other.first, other.last) for other in known
    )


def _ends_with(one: Period, other: Period) -> bool:
    """Whether a fiscal year ends on a day or in a month that is named: 決算年月 2024年3月."""
    if other.kind == "month":
        return (one.last.year, one.last.month) == (other.last.year, other.last.month)
    return other.instant and other.last == one.last


def _same_end(one: Period, other: Period) -> bool:
    return one.known and other.known and other.kind in ("quarter", "half", "range") and one.last == other.last


_IS_STATED = {"day": _day, "month": _month, "year": _year}
