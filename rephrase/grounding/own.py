"""The period that a document is about, by what it says of itself, by its facts, or by its title."""

import re
from collections import Counter
from dataclasses import replace
from datetime import date
from functools import lru_cache

from corpus.document import Document
from rephrase.grounding.calendar import Period, months_of
from rephrase.grounding.fiscal import FiscalYears
from rephrase.grounding.periods import periods

_HEAD = 3000  # characters in which a filing's cover numbers its term
_TERM = re.compile(r"第[ 　]?[0-9０-９]{1,3}[ 　]?期")


def own_period(document: Document) -> Period | None:
    """Return the fiscal year, or the months of one, that a document reports on, numbered where its cover does; or None.

    A filing's metadata say it; else the duration that most of its facts have; else the title (2024年3月期 決算短信).
    """
    meta = document.meta
    stated = _dated(meta.get("period_start", ""), meta.get("period_end", ""))
    if stated is None or stated[0] == stated[1]:
        stated = _usual(document)
    return _read(stated, meta.get("period_type", ""), document.title, document.text[:_HEAD])


def _dated(first: str, last: str) -> tuple[date, date] | None:
    try:
        return date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        return None


def _usual(document: Document) -> tuple[date, date] | None:
    counts = Counter(fact.period for fact in document.facts if "/" in fact.period)
    (period, _), *_ = counts.most_common(1) or [("", 0)]
    return _dated(*period.split("/")) if period.count("/") == 1 else None


@lru_cache(maxsize=64)
def _read(stated: tuple[date, date] | None, of_type: str, title: str, head: str) -> Period | None:
    if stated is None:
        named = [
            one for one in periods(title) if one.known and one.kind in ("fiscal_year", "half", "quarter")
        ]
        return replace(named[0], start=0, end=0, said="") if named else None
    first, last = stated
    if last < first:
        return None
    own = Period(first, last, "range")
    months = months_of(own)
    if of_type == "FY" or months >= 11:
        own = replace(own, kind="fiscal_year")
    elif months in (3, 6):
        own = replace(own, kind="quarter" if months == 3 else "half")
    return replace(own, term=_numbered(own, head))


def _numbered(own: Period, head: str) -> int:
    """Return the number of the term that the cover gives to the days of ``own``, or 0."""
    if not _TERM.search(head):
        return 0
    year = FiscalYears(own).current()
    for one in periods(head):
        if one.term and one.known and year is not None and one.first == year.first:
            return one.term
    return 0
