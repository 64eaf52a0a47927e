"""The days and periods that a Japanese text names, by the days that they are."""

import re
from dataclasses import dataclass, replace
from datetime import date

from rephrase.grounding import forms
from rephrase.grounding.calendar import Period, month_end, months_of, part, unknown
from rephrase.grounding.fiscal import FiscalYears

__all__ = ["Period", "periods"]

_RELATIVE = {
    "当": "current", "今": "current", "本": "current", "前": "previous", "昨": "previous", "前々": "second_previous",
    "翌": "next", "次": "next", "来": "next", "同": "same",
}  # fmt: skip
_OPENING = re.compile(r"中?[ \n]{0,3}[(]?[ \n]{0,3}自?[ \n]{0,3}")
_OLDEST, _NEWEST = 1800, 2199


def periods(text: str, own: Period | None = None) -> list[Period]:
    """Return the days and periods that a text names, in order and without overlap.

    ``own`` is the period that the text itself is about: what 当期, 前期, 第2四半期 and 年度 are counted from. Without it a
    fiscal year begins in April, and 当期 has no days unless the text tells them: 当期(自 2023年4月1日 至 2024年3月31日).
    A month or a day without a year takes that of the period named last before it. Years: 和暦 count as the calendar of
    eras says, two digits as the year nearest to ``own``. Words such as 当期純利益 and 前期比 name no period.
    """
    folded = text.translate(forms.FOLDED)
    matches = list(forms.FORM.finditer(folded))
    reading = _Reading(folded, FiscalYears(own))
    if any(match["relative"] or match["term"] for match in matches):
        reading.learn(matches)
    found: list[Period] = []
    for match in matches:
        period = reading.read(match)
        if period is None:
            continue
        period = period.at(match.start(), match.end())
        joined = reading.joined(found[-1], period) if found else None
        if joined:
            found[-1] = joined
        else:
            found.append(period)
        found[-1] = reading.day_alone(found[-1])
        reading.last = found[-1]
    return found


@dataclass(slots=True)
class _Reading:
    """What is known while a folded text is read from left to right."""

    text: str
    years: FiscalYears
    last: Period | None = None

    def learn(self, matches: list[re.Match[str]]) -> None:
        """Note which days the text gives to 当期 and to numbered terms, in brackets behind them."""
        for one, two, three in zip(matches, matches[1:], matches[2:], strict=False):
            behind = self.text[one.end() : two.start()]
            if not (one["relative"] or one["term"]) or not _OPENING.fullmatch(behind):
                continue
            if not forms.BETWEEN.fullmatch(self.text[two.end() : three.start()]):
                continue
            begin = self._absolute(two) if _dated(two) else None
            finish = self._absolute(three) if _dated(three) else None
            if begin is None or finish is None or finish.last <= begin.first:
                continue
            year = Period(begin.first, finish.last, "fiscal_year")
            if one["term"]:
                number = forms.number(one["term"])
                self.years.terms[number] = replace(year, term=number)
            elif self.years.own is None and _RELATIVE[one["relative"]] == "current" and one["unit"]:
                self.years.own = year

    # -- single forms

    def read(self, match: re.Match[str]) -> Period | None:
        """Return the period of one match, or None where it is none after all."""
        if match["alone"]:
            return self._alone(match)
        period = self._whole(match)
        if period is None:
            return None
        if name := _part(match["part"]):
            said = f"{period.said}{name}" if period.said else ""
            if period.known and period.kind in ("fiscal_year", "year"):
                period = part(period, name, cumulative=bool(match["cumulative"]))
            period = replace(period, said=said)
        return _edge(period, match["edge"])

    def _whole(self, match: re.Match[str]) -> Period | None:
        """Return what stands before 第2四半期 or 末 in a match."""
        if _dated(match):
            return self._absolute(match)
        if match["relative"]:
            return self._relative(match)
        if match["term"]:
            return self.years.numbered(forms.number(match["term"]))
        if match["english"]:
            return self.years.beginning_in(_century(int(match["english"]), self.years.own))
        if match["begin"]:
            return _year(int(match["begin"]))
        return self._monthly(match)

    def _absolute(self, match: re.Match[str]) -> Period | None:
        year = self._number_of(match)
        if not _OLDEST <= year <= _NEWEST:
            return None
        if match["fiscal"]:
            return self.years.beginning_in(year)
        if match["from"]:
            return _months(year, forms.number(match["from"]), forms.number(match["to"]))
        month, day = match["month"] or match["month2"], match["day"] or match["day2"]
        if not month:
            return _edge(_year(year), "末" if match["of_year"] == "末" else None)
        of_month = match["of_month"] or match["of_month2"]
        if match["mark"] in (".", "-") and not (day or of_month or match["letter"]):
            return None  # 2024.3 is a number unless something says that it is not
        return self._month(year, forms.number(month), day, of_month)

    def _month(self, year: int, month: int, day: str | None, of_month: str | None) -> Period | None:
        if not 1 <= month <= 12:
            return unknown("month", f"impossible {year}-{month}")
        last = month_end(year, month)
        if of_month == "期":
            return self.years.ending_in(year, month)
        if day or (of_month and of_month[0] == "末"):
            number = forms.number(day) if day else last.day
            if not 1 <= number <= last.day:
                return unknown("day", f"impossible {year}-{month}-{number}")
            return Period(date(year, month, number), date(year, month, number), "day")
        return Period(date(year, month, 1), last, "month")

    def _number_of(self, match: re.Match[str]) -> int:
        if match["western"]:
            return int(match["western"])
        if match["short"]:
            return _century(int(match["short"]), self.years.own)
        if match["kanji"]:
            return forms.number(match["kanji"])
        return forms.ERAS[match["era"] or match["letter"]] + forms.number(match["era_year"])

    def _monthly(self, match: re.Match[str]) -> Period | None:
        """Return a month or a day that is said without its year."""
        month, day = forms.number(match["from2"] or match["month3"]), match["day3"]
        if not 1 <= month <= 12:
            return None
        said = f"m{month}" + (f"d{forms.number(day)}" if day else "")
        year = self._year_of(month)
        kind = "range" if match["from2"] else "day" if day else "month"
        if match["from2"]:
            said += f"~m{forms.number(match['to2'])}"
        if year is None:
            return unknown(kind, said)
        if match["from2"]:
            period = _months(year, month, forms.number(match["to2"]))
        else:
            period = self._month(year, month, day, match["of_month3"])
        return replace(period, said=said) if period else None

    def _year_of(self, month: int) -> int | None:
        """Return the year of a month: that of the period before it, where it lies in it, else of the own one."""
        for period in (self.last, self.years.current()):
            if period is None or not period.known:
                continue
            if months_of(period) <= 1 or period.kind == "year" or month <= period.last.month:
                return period.last.year
            return period.last.year - 1
        return None

    def _relative(self, match: re.Match[str]) -> Period | None:
        word, unit = _RELATIVE[match["relative"]], match["unit"] or ""
        if word == "same":
            return self._same(unit)
        if match["of_current"]:
            name = _part(match["of_current"])
            return self.years.part_of(word, name, cumulative=bool(match["to_date"]))
        if unit in ("月", "日"):
            return None
        if unit == "年":
            return unknown("year", f"{word}_year")
        return self.years.year_before() if unit.startswith("年同") else self.years.relative(word, unit)

    def _same(self, unit: str) -> Period | None:
        """Return 同年, 同月, 同日 or 同期 by the period named last."""
        if self.last is None or not self.last.known:
            return None if unit in ("月", "日") else unknown("year", f"same_{unit}")
        day = self.last.last
        if unit == "年":
            return replace(_year(day.year), said="same_year")
        if unit == "月":
            return Period(day.replace(day=1), month_end(day.year, day.month), "month", said="same_month")
        if unit == "日":
            return Period(day, day, "day", said="same_day")
        return replace(self.last, said="same")

    def _alone(self, match: re.Match[str]) -> Period:
        """Return 第2四半期, 上期 and the like without a word for their year."""
        name = _part(match["alone"])
        year = self.last if self.last is not None and self.last.kind == "fiscal_year" else None
        year = year or self.years.current()
        if year is None or not year.known:
            return _edge(unknown("quarter" if name[0] == "q" else "half", name), match["edge"])
        period = part(year, name, cumulative=bool(match["alone_to_date"]))
        return _edge(replace(period, said=name), match["edge"])

    # -- ranges

    def joined(self, one: Period, two: Period) -> Period | None:
        """Return the range from one period to the next where the text between them says so."""
        between = self.text[one.end : two.start]
        if len(between) > 20 or not forms.BETWEEN.fullmatch(between):
            return None
        if "から" in between and "fiscal_year" in (one.kind, two.kind):
            return None  # 2023年度から2024年度にかけて compares two years
        start = one.start
        if self.text[max(start - 3, 0) : start].rstrip().endswith("自"):
            start = self.text.rindex("自", 0, start)
        said = f"{one.said}~{two.said}" if one.said or not (one.known and two.known) else ""
        if not (one.known and two.known):
            return replace(unknown("range", said), start=start, end=two.end, ends=(one, two))
        days = one.kind == two.kind == "day" and not two.said
        if two.last < one.first or (days and two.last == one.last):
            if not days:
                return None
            return replace(
                unknown("range", f"impossible {between}"), start=start, end=two.end, ends=(one, two)
            )
        return Period(one.first, two.last, "range", start, two.end, said, ends=(one, two))

    def day_alone(self, one: Period) -> Period:
        """Return the range that ends with a day whose month was said before, or ``one``: 3月1日から31日まで."""
        if one.kind != "day" or not one.known:
            return one
        between = forms.BETWEEN.match(self.text, one.end)
        day = forms.DAY_ALONE.match(self.text, between.end()) if between else None
        last = forms.number(day["day"]) if day else 0
        if day is None or not one.last.day < last <= month_end(one.last.year, one.last.month).day:
            return one
        two = replace(one, first=one.last.replace(day=last), last=one.last.replace(day=last))
        return Period(one.first, two.last, "range", one.start, day.end(), one.said, ends=(one, two))


def _dated(match: re.Match[str]) -> bool:
    return any(match[name] for name in ("western", "era_year", "short", "kanji"))


def _year(number: int) -> Period:
    return Period(date(number, 1, 1), date(number, 12, 31), "year")


def _century(year: int, own: Period | None) -> int:
    """Return a year of two digits in full: a western one, or one of 平成 where that is nearer to the own period."""
    if year >= 100:
        return year
    western = 2000 + year if year < 70 else 1900 + year
    if own is None:
        return western
    return min((western, 1988 + year), key=lambda full: abs(full - own.last.year))


def _months(year: int, first: int, last: int) -> Period | None:
    if not (1 <= first <= 12 and 1 <= last <= 12):
        return None
    kind = "quarter" if last - first == 2 else "range"
    return Period(date(year, first, 1), month_end(year + (last < first), last), kind)


def _part(word: str | None) -> str:
    """Return q1 to q4, h1, h2 or fy for a part of a year, "" for none."""
    if not word or word == "四半期":
        return ""
    if word == "通期":
        return "fy"
    if "四半期" in word or "Q" in word:
        digit = re.search(r"[1-4一二三四]", word)
        return f"q{forms.number(digit[0])}" if digit else ""
    return "h2" if word.startswith("下") else "h1"


def _edge(period: Period, edge: str | None) -> Period:
    """Return the last day of a period for 末, its first one for 首."""
    if not edge:
        return period
    name = "end" if "末" in edge else "begin"
    said = f"{period.said}_{name}" if period.said else ""
    if not period.known:
        return unknown("day", said)
    day = period.last if name == "end" else period.first
    return Period(day, day, "day", said=said)
