"""The Bank of Japan's series: speeches, press conferences, minutes, policy statements, one class each.

A crawl walks the year indexes (the archive host for what it holds before 2011), then every document they link
to: pages, PDFs, attachments of pages, and English twins. Index rows were never seen in one fixed form, so
nothing here depends on one: a document is known by its date-coded name, the row around its link tells the rest.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from pydantic import model_validator
from scrapy import Request
from scrapy.http import HtmlResponse, Response

from spiders.base import Arguments, CaptureSpider, Day, Errand, Found, today
from spiders.boj_rows import Row, day_in, page_title, rows_of, twin_link

MOVED = 2011  # older speeches and press conferences are on the archive host
FIRST = date(1998, 1, 1)  # the year of the new Bank of Japan Act: the indexes begin here


class BojArguments(Arguments):
    """``since`` and ``until`` bound the day in a document's name; ``languages`` is ja, or ja,en with twins."""

    since: Day = FIRST
    until: Day | None = None
    languages: Literal["ja", "ja,en"] = "ja,en"

    @model_validator(mode="after")
    def _ordered(self) -> "BojArguments":
        if self.until and self.since > self.until:
            raise ValueError(f"since={self.since} is after until={self.until}")
        return self


@dataclass(frozen=True, slots=True)
class Series:
    """Where a series is listed and how its documents are named.

    ``pattern`` finds year, code (YYMM or YYMMDD), letter and part in the path of a document. ``dated`` says
    what the date in the name is.
    """

    kind: str
    pattern: str
    dated: Literal["event", "publication", "both"]
    indexes: tuple[str, ...]
    english: tuple[str, ...] = ()
    archived: str = ""


class BojSpider(CaptureSpider):
    """What the series share."""

    license = "BOJ-terms"
    bases = ("boj", "boj_archive")
    arguments = BojArguments
    series: ClassVar[Series]
    asked: BojArguments

    def first(self) -> Iterable[Request]:
        """Ask for the index of every year, newest first."""
        until = self.asked.until or today()
        for year in range(until.year, self.asked.since.year - 1, -1):
            if self.series.archived and year < MOVED:
                yield self._index(self.addresses.url("boj_archive", self.series.archived.format(year=year)))
                continue
            english = self.series.english if self.asked.languages == "ja,en" else ()
            yield from self._english_first(year, english, {})

    def _english_first(
        self, year: int, paths: tuple[str, ...], twins: Mapping[str, str]
    ) -> Iterator[Request]:
        """Ask for the English lists before the Japanese: a Japanese document can then name its twin."""
        if not paths:
            yield from self._year(year, twins)
            return
        url = self.addresses.url("boj", paths[0].format(year=year))
        about = {"kind": "index", "language": "en"}
        yield self.ask(url, about, self._english, always=True, carried=(year, paths[1:], twins))

    def _year(self, year: int, twins: Mapping[str, str]) -> Iterator[Request]:
        for path in self.series.indexes:
            yield self._index(self.addresses.url("boj", path.format(year=year)), twins)

    def _index(self, url: str, twins: Mapping[str, str] | None = None) -> Request:
        about = {"kind": "index", "language": "ja"}
        return self.ask(url, about, self._documents, vital=True, carried=twins or {})

    def _english(self, response: Response | None, errand: Errand) -> Found:
        rows = self._rows(response) if response is not None else []
        year, paths, twins = errand.carried
        yield from self._english_first(year, paths, {**twins, **{row.stem: row.url for row in rows}})
        yield from (self._document(row, twin="") for row in rows if self._wanted(row))

    def _documents(self, response: Response | None, errand: Errand) -> Found:
        rows = self._rows(response) if response is not None else []
        pages = {row.stem: row.url for row in rows if not row.part}
        for row in rows:
            if not self._wanted(row):
                continue
            of = pages.get(row.stem, "") if row.part else ""
            yield self._document(row, twin=errand.carried.get(row.stem, ""), attachment_of=of)

    def _rows(self, response: Response) -> list[Row]:
        if not isinstance(response, HtmlResponse):
            return []
        return rows_of(response, self.series.pattern, self.addresses)

    def _wanted(self, row: Row) -> bool:
        until = self.asked.until or today()
        wanted = self.asked.since <= row.last and row.first <= until
        self.counts["selected" if wanted else "skipped"] += 1
        return wanted

    def _document(self, row: Row, *, twin: str, attachment_of: str = "") -> Request:
        # An English page's twin is known only when its own page names it (see describe).
        event_at, published_at = self._dates(row)
        about = {
            "kind": self.series.kind,
            "series": self.name,
            "language": row.language,
            "title": row.title,
            "speaker": row.speaker,
            "event_at": event_at,
            "published_at": published_at,
            "twin": twin,
            "attachment_of": attachment_of,
        }
        return self.ask(row.url, about, self._attached, carried=row)

    def _dates(self, row: Row) -> tuple[str, str]:
        named = row.first.isoformat() if row.first == row.last else ""
        told = _iso(row.told)
        if self.series.dated == "publication":
            return _iso(_conference_day(row)), named or told
        if self.series.dated == "event":
            return named or told, (told if named and told > named else "")
        return named or told, named or told

    def _attached(self, response: Response | None, errand: Errand) -> Found:
        """Follow a page to its attachments and to its twin."""
        if not isinstance(response, HtmlResponse) or "attachment_of" in errand.about:
            return
        row: Row = errand.carried
        for found in self._rows(response):
            if found.stem == row.stem and found.part and found.language == row.language:
                about = _without(errand.about, "twin", "redirected_from")
                about |= {"title": found.title or about.get("title", ""), "attachment_of": response.url}
                yield self.ask(found.url, about, carried=found)
        # Only towards English: the Japanese list knows more of a Japanese page than its translation does.
        twin = twin_link(response, self.addresses) if row.language == "ja" else ""
        if twin and self.asked.languages == "ja,en":
            about = _without(errand.about, "title", "speaker", "redirected_from")
            about |= {"twin": response.url, "language": "en"}
            yield self.ask(twin, about, self._attached, carried=row._replace(language="en"))

    def describe(self, response: Response, errand: Errand) -> Mapping[str, str]:
        """Add the page's own title where the index had none, and the twin it links to."""
        if errand.about["kind"] == "index" or not isinstance(response, HtmlResponse):
            return {}
        twin = errand.about.get("twin") or twin_link(response, self.addresses)
        return {"title": errand.about.get("title") or page_title(response), "twin": twin}


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _conference_day(row: Row) -> date | None:
    """Return the day of a press conference: the title names it, without a year, else the row may."""
    for year in (row.first.year, row.first.year - 1):  # a conference of December is published in January
        if (day := day_in(row.title, year)) and day <= row.last:
            return day
    return row.told if row.told and row.told < row.first else None


def _without(about: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in about.items() if name not in names}


class BojSpeeches(BojSpider):
    """Speeches of the Governor, the Deputy Governors and the members of the Policy Board."""

    name = "boj_speeches"
    description = "Speeches published by the Bank of Japan, as fetched"
    series = Series(
        kind="speech",
        pattern=r"(?:/press/koen_(?P<year>\d{4})/(?:data/)?|/branch/\w+/press/)(?:ko|siten)"
        r"(?P<code>\d{4}(?:\d\d)?)(?P<letter>[a-z]?)(?P<part>\d*)\.(?:html?|pdf)$",
        dated="both",
        indexes=("/about/press/koen_{year}/index.htm",),
        english=("/en/about/press/koen_{year}/index.htm",),
        archived="/archive/announcements/press/koen_{year}/index.htm",
    )


class BojPressConferences(BojSpider):
    """Press conferences; the date in the name is the day of publication. There are no English twins."""

    name = "boj_press_conferences"
    description = "Records of press conferences published by the Bank of Japan, as fetched"
    series = Series(
        kind="press_conference",
        pattern=r"/press/kaiken_(?P<year>\d{4})/(?:data/)?kk"
        r"(?P<code>\d{4}(?:\d\d)?)(?P<letter>[a-z]?)(?P<part>\d*)\.(?:html?|pdf)$",
        dated="publication",
        indexes=("/about/press/kaiken_{year}/index.htm",),
        archived="/archive/announcements/press/kaiken_{year}/index.htm",
    )


class BojMinutes(BojSpider):
    """Minutes of the Monetary Policy Meetings; the date in the name is the last day of the meeting."""

    name = "boj_minutes"
    description = "Minutes of Monetary Policy Meetings published by the Bank of Japan, as fetched"
    series = Series(
        kind="minutes",
        pattern=r"/mpmsche_minu/minu_(?P<year>\d{4})/(?:data/)?g(?P<code>\d{6})(?P<letter>[a-z]?)(?P<part>\d*)"
        r"\.(?:html?|pdf)$",
        dated="event",
        indexes=("/mopo/mpmsche_minu/minu_{year}/index.htm",),
        english=("/en/mopo/mpmsche_minu/minu_{year}/index.htm",),
    )


class BojStatements(BojSpider):
    """Statements on monetary policy; their folder was renamed over the years, so each year is asked for twice."""

    name = "boj_statements"
    description = "Statements on monetary policy published by the Bank of Japan, as fetched"
    series = Series(
        kind="statement",
        pattern=r"/(?:mpmdeci/(?:state|mpr)|announcements/release)_(?P<year>\d{4})/(?:data/)?"
        r"k(?P<code>\d{6})(?P<letter>[a-z]?)(?P<part>\d*)\.(?:html?|pdf)$",
        dated="both",
        indexes=("/mopo/mpmdeci/mpr_{year}/index.htm", "/mopo/mpmdeci/state_{year}/index.htm"),
        english=("/en/mopo/mpmdeci/mpr_{year}/index.htm", "/en/mopo/mpmdeci/state_{year}/index.htm"),
    )
