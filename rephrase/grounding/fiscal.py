"""Fiscal years as a document counts them: its own one, those before and after it, numbered ones, and their parts."""

from dataclasses import dataclass, field, replace
from datetime import date

from rephrase.grounding.calendar import (
    Period,
    ending,
    month_end,
    months_of,
    part,
    shifted,
    span,
    unknown,
)

_YEARS = {"current": 0, "previous": -1, "second_previous": -2, "next": 1}


@dataclass(slots=True)
class FiscalYears:
    """The period that a document is about, and the days of the numbered terms that its text tells."""

    own: Period | None
    terms: dict[int, Period] = field(default_factory=dict)

    def current(self) -> Period | None:
        """Return the fiscal year that ``own`` is, or is the first part of."""
        own = self.own
        if own is None or own.kind == "fiscal_year" or months_of(own) >= 11:
            return own
        return span(own.first, 12, "fiscal_year")

    def beginning_in(self, number: int) -> Period:
        """Return 年度: the fiscal year that begins in a calendar year; in April unless the document's own does not."""
        own = self.current()
        if own is None:
            return span(date(number, 4, 1), 12, "fiscal_year")
        return span(date(number, own.first.month, min(own.first.day, 28)), 12, "fiscal_year")

    def ending_in(self, year: int, month: int) -> Period:
        """Return 3月期: the fiscal year that ends with a month."""
        own, last = self.current(), month_end(year, month)
        if own is None:
            return ending(last, 12, "fiscal_year")
        if (own.last.year, own.last.month) == (year, month):
            return replace(own, kind="fiscal_year", said="", term=0)
        if own.last.month == month and own.last.day < 28:
            last = date(year, month, own.last.day)
        return ending(last, _length(own), "fiscal_year")

    def numbered(self, number: int) -> Period:
        """Return 第28期, counted from a term whose days are known; else one without days."""
        said = f"term{number}"
        if number in self.terms:
            return replace(self.terms[number], said=said)
        own = self.current()
        anchor = own if own is not None and own.term else next(iter(self.terms.values()), None)
        if anchor is None or abs(number - anchor.term) > 500:
            return unknown("term", said, number)
        moved = shifted(anchor, _length(anchor) * (number - anchor.term))
        return replace(moved, kind="fiscal_year", said=said, term=number)

    def relative(self, word: str, unit: str) -> Period:
        """Return 当期, 前連結会計年度, 翌事業年度 and the like by the word for where they are."""
        own = self.current()
        if own is None or self.own is None or (unit == "期" and own != self.own):
            return unknown("fiscal_year", word)  # 前期 in a report on half a year may be either
        if unit.endswith("会計期間"):  # of a report on less than a year: the same months
            return replace(shifted(self.own, 12 * _YEARS[word]), said=word)
        year = shifted(own, _length(own) * _YEARS[word])
        return replace(year, kind="fiscal_year", said=word, term=0)

    def year_before(self) -> Period:
        """Return 前年同期."""
        if self.own is None:
            return unknown("range", "year_before")
        return replace(shifted(self.own, -12), said="year_before", term=0)

    def part_of(self, word: str, name: str, *, cumulative: bool) -> Period:
        """Return 当第2四半期, 前中間期 and the like; without a name, the three months that end with ``own``."""
        own = self.current()
        if own is None or self.own is None:
            return unknown("half" if name[:1] == "h" else "quarter", word + (name or "_quarter"))
        if not name:
            quarter = ending(self.own.last, 3, "quarter")
            return replace(shifted(quarter, 3 * _YEARS[word]), said=f"{word}_quarter")
        year = shifted(own, 12 * _YEARS[word])
        return replace(part(year, name, cumulative=cumulative), said=word + name)


def _length(year: Period) -> int:
    """Return the months of a fiscal year: twelve, or the six of many investment corporations."""
    return 6 if months_of(year) == 6 else 12
