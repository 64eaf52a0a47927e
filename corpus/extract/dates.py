"""Days as Japanese pages write them: Western and era years, full-width digits, padded, half-left-out."""

import re
import unicodedata
from datetime import date

_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
_YEAR = r"(?:(?:明治|大正|昭和|平成|令和)\s*(?:\d{1,2}|元)|\d{4})\s*年(?:\s*[（(][^）)]{2,8}[）)])?"
#: A whole day, such as ``2005年 3月 9日`` or ``令和元年５月１日``; the text may hold full-width digits.
DAY = rf"{_YEAR}\s*\d{{1,2}}\s*月\s*\d{{1,2}}\s*日(?:\s*[（(][月火水木金土日・祝]{{1,3}}[）)])?"
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
#: A whole day in English, such as ``June 14, 2024`` or ``June 13 and 14, 2024``.
ENGLISH_DAY = rf"(?:{'|'.join(_MONTHS)})\s+\d{{1,2}}(?:\s*(?:,|and|-|–)\s*\d{{1,2}})*,\s*\d{{4}}"
_READ = 500  # characters: days stand in titles and short lines
_DAYS = re.compile(
    r"(?:(?P<era>明治|大正|昭和|平成|令和)?\s*(?P<year>\d{1,4}|元)\s*年(?:\s*[（(][^）)]{2,8}[）)])?\s*)?"
    r"(?P<month>\d{1,2})\s*月\s*(?P<days>\d{1,2}(?:\s*日?(?:\s*[（(][月火水木金土日]{1,2}[）)])?\s*(?:[、，,・と]|および|及び)\s*\d{1,2}(?!\s*月))*)\s*日"
)


def all_dates(text: str, year: int | None = None) -> list[date]:
    """Return every day that ``text`` states, in order; ``2月8、9日`` states two.

    A day without a year takes that of the day before it, or else ``year``; impossible days are left out.
    """
    found: list[date] = []
    for match in _DAYS.finditer(unicodedata.normalize("NFKC", text[:_READ])):
        if match["year"]:
            number = 1 if match["year"] == "元" else int(match["year"])
            year = number + _ERAS.get(match["era"] or "", 0)
            if not match["era"] and year < 100:
                year += 1900 if year > 50 else 2000
        if year is None:
            continue
        for day in re.findall(r"\d{1,2}", match["days"]):
            try:
                found.append(date(year, int(match["month"]), int(day)))
            except ValueError:
                continue
    return found or _english_dates(text)


def _english_dates(text: str) -> list[date]:
    found = []
    for match in re.findall(ENGLISH_DAY, text[:_READ]):
        name, *days, year = re.findall(r"[A-Z][a-z]+|\d+", match)
        for day in days:
            try:
                found.append(date(int(year), 1 + _MONTHS.index(name), int(day)))
            except ValueError:
                continue
    return found
