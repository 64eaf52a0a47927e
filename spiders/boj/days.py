"""Days as the Bank of Japan writes them: with and without a year or a month, padded, in two languages."""

import calendar
import re
import unicodedata
from collections.abc import Sequence
from datetime import date

from parsel import Selector

_WEEKDAY = re.compile(r"\((?:[月火水木金土日](?:・?[祝休])?|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\.?)\)")
_DAYS = (
    re.compile(r"(?P<y>\d{4}) ?年 ?(?P<m>\d{1,2}) ?月 ?(?P<d>\d{1,2}) ?日"),
    re.compile(r"(?P<y>\d{4})[/.-](?P<m>\d{1,2})[/.-](?P<d>\d{1,2})"),
    re.compile(r"(?P<month>[A-Z][a-z]{2})[a-z]*\.? (?P<d>\d{1,2}) ?,? ?(?P<y>\d{4})"),
    re.compile(r"(?P<m>\d{1,2}) ?月 ?(?P<d>\d{1,2}) ?日"),  # the year is the folder's
    re.compile(r"\b(?P<month>(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec))[a-z]*\.? (?P<d>\d{1,2})\b"),
)
_WITHOUT_MONTH = re.compile(r"^(?P<d>\d{1,2}) ?日$")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_ONLY = re.compile(
    r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*|\band\b|開催分|[\d年月日,、・.\s-]"
)


def plain(text: str) -> str:
    """Return ``text`` with full-width digits narrowed, runs of spaces as one, and without days of the week."""
    return " ".join(_WEEKDAY.sub(" ", unicodedata.normalize("NFKC", text)).split())


def day_in(text: str, year: int) -> date | None:
    """Return the first day that ``text`` names; ``year`` is meant where it names none."""
    text = plain(text)
    for pattern in _DAYS:
        for match in pattern.finditer(text):
            said = match.groupdict()
            month = said.get("m") or _MONTHS.get(said.get("month") or "", 0)
            try:
                return date(int(said.get("y") or year), int(month), int(said["d"]))
            except ValueError:
                continue
    return None


def day_after(text: str, day: date) -> date | None:
    """Return the day that ``text`` names; without a year that is the year of ``day``, or the next for what is to follow.

    What December's meetings lead to is published in January, and lists often leave the year out.
    """
    told = day_in(text, day.year)
    if told and told.month < day.month - 6 and not _YEAR.search(plain(text)):
        return day_in(text, day.year + 1)
    return told


def is_only_a_day(text: str) -> bool:
    """Tell whether a label holds nothing but days, as cells of a schedule do."""
    return not _ONLY.sub("", plain(text))


def days_of_rows(rows: Sequence[Selector], year: int) -> list[date | None]:
    """Return the day of every row of a table, which later rows of the day leave out, and later days their month.

    The real calendar is so: 「8月24日（月）」, an empty cell, 「25日（火）」. A row that has as many cells as the one
    before and another text in its first is no further row of that day.
    """
    found: list[date | None] = []
    last: date | None = None
    width = 0
    for row in rows:
        texts = [plain(" ".join(cell.xpath(".//text()").getall())) for cell in row.xpath("./td | ./th")]
        short = _WITHOUT_MONTH.match(texts[0]) if texts else None
        if last and short:
            last, width = _same_month(last, int(short["d"])), len(texts)
        elif not (last and texts and (not texts[0] or len(texts) < width)):
            last = next((day for text in texts if (day := day_in(text, year))), None)
            width = len(texts)
        found.append(last)
    return found


def leaves_out_its_day(text: str) -> bool:
    """Tell whether the first cell of a row needs the rows above to tell its day."""
    return not plain(text) or bool(_WITHOUT_MONTH.match(plain(text)))


def _same_month(last: date, day: int) -> date | None:
    try:
        return last.replace(day=day)
    except ValueError:
        return None


def span_of(code: str) -> tuple[date, date] | None:
    """Return the first and the last day that YYMM or YYMMDD stands for, None where the digits are no date.

    The century is known: the series begin in 1998.
    """
    year, month = int(code[:2]) + (1900 if code[:2] >= "90" else 2000), int(code[2:4])
    try:
        if len(code) == 6:
            return (day := date(year, month, int(code[4:])), day)
        return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
    except ValueError:
        return None
