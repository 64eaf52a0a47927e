"""Periods of days, and the arithmetic of months, fiscal years and their parts."""

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, timedelta

#: First and last day of a period that a text names but does not date.
UNKNOWN = date.min, date.max
_YEAR = 12


@dataclass(frozen=True, slots=True)
class Period:
    """Days from ``first`` to ``last``, both included, and the characters [start, end) of a text that name them.

    ``kind`` is the granularity that is stated: day, month, quarter, half, year (a calendar year), fiscal_year, range or
    term. ``said`` is what the text says where the days follow from elsewhere, in whole or in part: ``current`` for 当期,
    ``previous``, ``next``, ``term28`` for 第28期, ``q2`` for 第2四半期, ``m3d31`` for 3月31日 without a year; else it is
    empty. Where nothing tells the days, they are those of UNKNOWN. ``term`` is the number of a fiscal year, or 0.
    ``ends`` are the two periods that a range was put together from. A day that no calendar has, such as 4月31日, and a
    range that ends before it begins have no days and say ``impossible`` first.
    """

    first: date
    last: date
    kind: str
    start: int = 0
    end: int = 0
    said: str = ""
    term: int = 0
    ends: tuple["Period", ...] = ()

    @property
    def known(self) -> bool:
        """Whether the days are known."""
        return (self.first, self.last) != UNKNOWN

    @property
    def instant(self) -> bool:
        """Whether it is a single day."""
        return self.first == self.last

    def same(self, other: "Period") -> bool:
        """Whether both are the same days, however they are named; two unknown ones, whether they say the same."""
        if not (self.known and other.known):
            return bool(self.said) and self.said == other.said
        return (self.first, self.last) == (other.first, other.last)

    def holds(self, other: "Period") -> bool:
        """Whether all days of a known ``other`` lie in this known period."""
        return self.known and other.known and self.first <= other.first and other.last <= self.last

    def meets(self, other: "Period") -> bool:
        """Whether both can be said of one thing: one of them holds the other, or one does not tell its days.

        An amount as of 2024-03-31 meets 2024年3月期 and 2024年3月, the sales of a quarter meet those of its year not as
        an amount, but as a time.
        """
        return not (self.known and other.known) or self.holds(other) or other.holds(self)

    def at(self, start: int, end: int) -> "Period":
        """Return the same period, named by other characters."""
        return replace(self, start=start, end=end)


def unknown(kind: str, said: str, term: int = 0) -> Period:
    """Return a period whose days nobody tells."""
    return Period(*UNKNOWN, kind, said=said, term=term)


def month_end(year: int, month: int) -> date:
    """Return the last day of a month."""
    return date(year, month, monthrange(year, month)[1])


def before(day: date) -> date:
    """Return the day before."""
    return day - timedelta(days=1)


def after(day: date) -> date:
    """Return the day after."""
    return day + timedelta(days=1)


def span(first: date, months: int, kind: str) -> Period:
    """Return so many months that begin with ``first``."""
    return Period(first, before(after_months(first, months)), kind)


def after_months(first: date, months: int) -> date:
    """Return the first day of a period so many months later; a month's first or 21st day stays what it is."""
    number = first.year * _YEAR + first.month - 1 + months
    year, month = divmod(number, _YEAR)
    return date(year, month + 1, min(first.day, monthrange(year, month + 1)[1]))


def ending(last: date, months: int, kind: str) -> Period:
    """Return so many months that end with ``last``."""
    return Period(after_months(after(last), -months), last, kind)


def shifted(period: Period, months: int) -> Period:
    """Return a known period so many months later (earlier, if negative)."""
    first = after_months(period.first, months)
    return replace(period, first=first, last=before(after_months(after(period.last), months)))


def months_of(period: Period) -> int:
    """Return how many months a known period is long, rounded."""
    return round(((period.last - period.first).days + 1) / 30.44)


def part(year: Period, name: str, *, cumulative: bool = False) -> Period:
    """Return q1 to q4, h1, h2 or fy of a known fiscal or calendar year; a cumulative quarter begins with the year."""
    if name == "fy":
        return year
    number, months = int(name[1]), 3 if name[0] == "q" else 6
    begin = year.first if cumulative else after_months(year.first, months * (number - 1))
    last = before(after_months(year.first, months * number))
    return Period(begin, last, "quarter" if name[0] == "q" else "half")
