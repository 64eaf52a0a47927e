"""Times grounded: every day and period of the claim is one that the passage, its facts or its document name."""

import re
from collections.abc import Sequence

from corpus.document import Drop
from rephrase.candidate import Candidate
from rephrase.grounding.calendar import Period
from rephrase.grounding.periods import periods
from rephrase.grounding.scope import is_compared
from rephrase.grounding.source import Source, source_of, with_ends
from rephrase.grounding.statements import Statement, claimed, repeated

NAME, VERSION = "times", 1

_MONTH_DAY = re.compile(r"m(\d+)(?:d(\d+))?")
_DIGITS = {"day": 10, "month": 7, "year": 4}  # of a date as ISO 8601 writes it
_COMPARED = re.compile(
    r"[当今本翌来](?:第?\S?四半期|年度|期|年)末?比"
)  # 当期末比: nothing is compared with itself
_FISCAL = ("fiscal_year", "half", "quarter")
_ASKS_WHEN = re.compile(r"いつ|何年|(?:何|どの|どちらの|いずれの)(?:年|期|会計|事業|連結)")
_PARTS = ("q1", "q2", "q3", "q4", "h1", "h2")


def check(candidate: Candidate) -> Drop | None:
    """Refuse a claim with a day (``date_not_in_source``) or period (``period_not_in_source``) that nothing states.

    Ground are passage and context, the facts inside the passage, the document's title, days and own fiscal period. Days
    compare, not words: 令和6年3月期 is 2024年3月期, and in a filing about it 当期. A year alone needs that year, a month
    a day or period that begins or ends in it. What a claim leaves open (同年, 前年) is not judged.

    A claim that repeats a statement of the source with another day or period than that one has is refused, too, even
    where the other one stands elsewhere (``other_date``, ``other_period``).
    """
    source = source_of(candidate.chunk)
    claim = candidate.claim
    named = periods(claim, source.own)
    if not named:
        return None
    for one in named:
        if not is_stated(one, source.ground):
            return Drop(f"{_sort(one)}_not_in_source", claim[one.start : one.end])
    for found in _COMPARED.finditer(claim):
        if found[0] not in source.text:
            return Drop("period_not_in_source", found[0])
    if at_odds := _at_odds(candidate, named):
        return Drop("other_period", claim[at_odds.start : at_odds.end])
    for statement in claimed(candidate, named):
        if other := _exchanged(statement, source):
            return Drop(f"other_{_sort(other)}", claim[other.start : other.end])
    return None


def _at_odds(candidate: Candidate, named: Sequence[Period]) -> Period | None:
    """Return the fiscal period of an answer where the question names another one and does not ask for when."""
    split = len(candidate.question)
    fiscal = [one for one in named if one.kind in _FISCAL and one.known]
    asked, told = [one for one in fiscal if one.start < split], [one for one in fiscal if one.start >= split]
    if len(asked) != 1 or len(told) != 1 or _ASKS_WHEN.search(candidate.question):
        return None
    compared = is_compared(candidate.claim, told[0]) or is_compared(candidate.claim, asked[0])
    return None if compared or told[0].meets(asked[0]) else told[0]


def _exchanged(claim: Statement, source: Source) -> Period | None:
    """Return a period of a claim that stands where the statement that it repeats has another one of its sort.

    None where one of the statements that it may repeat has all the same.
    """
    found: Period | None = None
    for ground in repeated(claim, source.statements):
        if claim.once and len(claim.periods) == len(ground.periods):
            foreign, missing = _unpaired(claim.periods, ground.periods)
        else:
            theirs, ours = tuple(with_ends(ground.periods)), tuple(with_ends(claim.periods))
            foreign = [one for one in claim.periods if not is_stated(one, theirs)]
            missing = [one for one in ground.periods if not is_stated(one, ours)]
        sorts = {_sort(one) for one in missing}
        other = next((one for one in foreign if _sort(one) in sorts), None)
        if other is None:
            return None
        found = found or other
    return found


def _unpaired(ours: Sequence[Period], theirs: Sequence[Period]) -> tuple[list[Period], list[Period]]:
    """Return what is left of two lists of periods when those that are stated by one of the others are paired off."""
    foreign, missing = [], list(theirs)
    for one in ours:
        pair = next((other for other in missing if is_stated(one, tuple(with_ends([other])))), None)
        if pair is None:
            foreign.append(one)
        else:
            missing.remove(pair)
    return foreign, missing


def _sort(one: Period) -> str:
    return (
        "date" if one.kind in ("day", "month") and not one.said.startswith(("current", "prev")) else "period"
    )


def is_stated(one: Period, ground: Sequence[Period]) -> bool:
    """Whether one of the periods in ``ground`` names a period, at the granularity at which that is said."""
    if any(one.same(other) for other in ground):
        return True
    if one.said:
        return _leans(one, ground)
    return _plainly(one, [other for other in ground if other.known])


def _leans(one: Period, ground: Sequence[Period]) -> bool:
    """Judge a period whose days, or whose year, its words leave open."""
    if one.said.startswith("impossible"):
        return False
    if one.ends:
        return all(is_stated(end, ground) for end in one.ends)
    if _is_open(one) or any(
        other.said == one.said or (one.term and other.term == one.term) for other in ground
    ):
        return True
    known = [other for other in ground if other.known]
    if match := _MONTH_DAY.match(one.said):
        month, day = int(match[1]), int(match[2] or 0)
        ends = [end for other in known for end in (other.first, other.last)]
        return any(end.month == month and day in (0, end.day) for end in ends)
    if one.said[:2] in _PARTS:
        return any(one.said in other.said or _same_end(one, other) for other in ground)
    return one.known and _plainly(one, known)


def _is_open(one: Period) -> bool:
    """Whether a period is one that nobody could check: 同年, 前年, or 当期 of a text without a period of its own."""
    if one.said.startswith("same") or one.said.endswith(("_year", "year_before")):
        return True
    return not one.known and one.said.startswith(("current", "previous"))


def _plainly(one: Period, ground: Sequence[Period]) -> bool:
    """Judge a period whose days are told, among others that are known."""
    if one.kind in _DIGITS:
        said = str(one.last)[: _DIGITS[one.kind]]
        return any(str(end).startswith(said) for other in ground for end in (other.first, other.last))
    if one.kind == "fiscal_year" or (one.kind == "range" and 360 <= (one.last - one.first).days <= 371):
        return any(_ends_with(one, other) for other in ground)
    if one.kind in ("quarter", "half"):
        return any(_same_end(one, other) for other in ground)
    if one.ends:  # put together from two days of the source, but not from the ends of two of its periods
        if any(end.kind not in _DIGITS for end in one.ends):
            return all(is_stated(end, ground) for end in one.ends)
        ends = {id(end) for other in ground for end in other.ends}
        alone = [other for other in ground if other.kind in _DIGITS and id(other) not in ends]
        return all(is_stated(end, alone) for end in one.ends)
    return False


def _ends_with(one: Period, other: Period) -> bool:
    """Whether a fiscal year ends on a day or in a month that is named: 決算年月 2024年3月."""
    if other.kind == "month":
        return (one.last.year, one.last.month) == (other.last.year, other.last.month)
    return other.instant and other.last == one.last


def _same_end(one: Period, other: Period) -> bool:
    return one.known and other.known and other.kind in ("quarter", "half", "range") and one.last == other.last
