"""Times grounded: every day and period of the claim is one that the passage, its facts or its document name."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from corpus.document import Drop
from rephrase.candidate import Candidate
from rephrase.grounding.calendar import Period, ending
from rephrase.grounding.mentioned import outside
from rephrase.grounding.names import companies, plain
from rephrase.grounding.numerals import narrow
from rephrase.grounding.scope import is_compared
from rephrase.grounding.source import Source, periods_of, source_of, with_ends
from rephrase.grounding.statements import Statement, claimed, repeated, told

NAME, VERSION = "times", 2

_MONTH_DAY = re.compile(r"m(\d+)(?:d(\d+))?")
_DIGITS = {"day": 10, "month": 7, "year": 4}  # of a date as ISO 8601 writes it
#: Words that fix a period which nothing else of the statement names, so that they are compared as they are: 当期末比, 前期損益.
_FIXED = re.compile(
    r"[当前翌]期間(?=における|[のにはを])|[当今本翌来](?:第?\S?四半期|年度|期|年)末?比|[前翌次]期(?=純|利益|損益|損失|包括|税金|製品|製造|計上|償却|変動|発生)(?:\w{2})"
)
_SINCE = re.compile(r"[^。\n]*から(?!の)[^。\n]*")
_FROM = re.compile(r"からの?(?:増減|増加|減少|変化|変動)")
_FISCAL = ("fiscal_year", "half", "quarter")
_ASKS_WHEN = re.compile(r"いつ|何年|(?:何|どの|どちらの|いずれの)(?:年|期|会計|事業|連結)")
_MOVED = re.compile(
    r"[^。\n]{0,40}[へに](?:と)?[^。\n]{0,24}(?:増|減|上昇|低下|拡大|縮小|改善|悪化|上回|下回)"
)
_PARTS = ("q1", "q2", "q3", "q4", "h1", "h2")


def check(candidate: Candidate) -> Drop | None:
    """Refuse a claim with a day (``date_not_in_source``) or period (``period_not_in_source``) that nothing states.

    Ground are passage and context, the facts inside the passage, the document's title, days and own fiscal period. Days
    compare, not words: 令和6年3月期 is 2024年3月期, and in a filing about it 当期. A year alone needs that year, a month
    a day or period that begins or ends in it. What a claim leaves open (同年, 前年) is not judged.

    A claim that repeats a statement of the source with another day or period than that one has is refused, too, even
    where the other one stands elsewhere (``other_date``, ``other_period``).
    """
    return next(_reasons(candidate, source_of(candidate.chunk)), None)


def _reasons(candidate: Candidate, source: Source) -> Iterator[Drop]:
    """Yield what speaks against a candidate, the cheapest to find first."""
    claim = told(candidate)

    def drop(reason: str, one: Period) -> Drop:
        return Drop(reason.format("date" if _is_day(one) else "period"), claim[one.start : one.end])

    yield from (
        Drop("period_not_in_source", found) for found in _FIXED.findall(claim) if found not in source.text
    )
    named = outside(periods_of(claim, source.own), narrow(claim), source.reading.by_name)
    yield from (drop("{}_not_in_source", one) for one in named if not is_stated(one, source.ground))
    if claim == candidate.claim:
        yield from (drop("other_{}", one) for one in _at_odds(candidate, named))
    yield from (drop("other_{}", one) for one in _unmoved(claim, named))
    yield from (drop("other_{}", one) for one in _mislabeled(claim, named, source))
    for statement in claimed(claim, named, companies(claim), asked=bool(candidate.question)) if named else ():
        if other := _exchanged(statement, source):
            yield drop("other_{}", other)


def _at_odds(candidate: Candidate, named: Sequence[Period]) -> Iterator[Period]:
    """Yield the fiscal period or end of one in an answer whose question names another one and does not ask for when."""
    claim, split = candidate.claim, len(candidate.question)

    def reports(one: Period) -> bool:
        edge = claim[one.start : one.end].endswith(("末", "首")) or claim.startswith(
            ("時点", "現在"), one.end
        )
        compared = is_compared(claim, one) or _FROM.match(claim, one.end)
        return one.known and (one.kind in _FISCAL or edge) and not compared

    asked = [one for one in named if one.start < split and reports(one)]
    answered = [one for one in named if one.start >= split and reports(one)]
    if len(asked) == len(answered) == 1 and not _ASKS_WHEN.search(candidate.question):
        yield from (one for one in answered if not one.meets(asked[0]))


def _unmoved(claim: str, named: Sequence[Period]) -> Iterator[Period]:
    """Yield the second period of 当期の8億円から2024年3月期の9億円へ増加, where both are one."""
    for one, other in pairwise(named):
        if (
            one.known
            and one.same(other)
            and _SINCE.fullmatch(claim, one.end, other.start)
            and _MOVED.match(claim, other.end)
        ):
            yield other


def _mislabeled(claim: str, named: Sequence[Period], source: Source) -> Iterator[Period]:
    """Yield the periods of a claim about a row like 提出日 | 2024年6月21日 that are of the row's kind and not the row's."""
    plainly = plain(claim)
    rows = [row for row in source.labeled if row.label in plainly]
    longest = max((len(row.label) for row in rows), default=0)
    rows = [row for row in rows if len(row.label) == longest]
    theirs = [tuple(with_ends(row.periods)) for row in rows]
    kinds = {one.kind for row in rows for one in row.periods}
    if not any(is_stated(one, ground) for one in named for ground in theirs):
        yield from (one for one in named if one.kind in kinds)


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
        sorts = {_is_day(one) for one in missing}
        other = next((one for one in foreign if _is_day(one) in sorts), None)
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


def _is_day(one: Period) -> bool:
    """Whether a period is said as a date, and not as the end of a fiscal one: 当期末."""
    return one.kind in ("day", "month") and not one.said.startswith(("current", "previous"))


def is_stated(one: Period, ground: Sequence[Period]) -> bool:
    """Whether one of the periods in ``ground`` names a period, at the granularity at which that is said."""
    same = [other for other in ground if one.same(other)]
    if same:  # 第82期 with the days of the 83rd is none
        numbers = {other.term for other in same if other.term}
        return not (one.term and numbers) or one.term in numbers
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
        fine = [other for other in ground if _is_as_fine(other, one, ground)]
        return any(str(end).startswith(said) for other in fine for end in (other.first, other.last))
    if one.kind == "fiscal_year" or (one.kind == "range" and ending(one.last, 12, "").first == one.first):
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


def _is_as_fine(other: Period, one: Period, ground: Sequence[Period]) -> bool:
    """Whether a period tells a day, or a month, that ``one`` names: 2007年4月 does not tell its 30th.

    But for the month in which a fiscal year ends: 決算年月 2024年4月 is a day.
    """
    if _DIGITS.get(other.kind, 10) >= _DIGITS[one.kind]:
        return True
    return other.kind == "month" and any(
        year.kind == "fiscal_year" and year.last.month == other.last.month for year in ground
    )


def _ends_with(one: Period, other: Period) -> bool:
    """Whether a fiscal year ends on a day or in a month that is named: 決算年月 2024年3月."""
    if other.kind == "month":
        return (one.last.year, one.last.month) == (other.last.year, other.last.month)
    return other.instant and other.last == one.last


def _same_end(one: Period, other: Period) -> bool:
    return one.known and other.known and other.kind in ("quarter", "half", "range") and one.last == other.last
