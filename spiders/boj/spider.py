"""The Bank of Japan's series: speeches, press conferences, minutes, opinions, statements, outlook reports.

A crawl has three parts. It reads every list: of the years (on the archive host for what it holds before 2011),
over all years, and what these lead to. Then it asks for the Japanese documents, each once, whichever lists name
it, and for the attachments of their pages; then for the English ones, when all is known that names their twins.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator
from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DontCloseSpider
from scrapy.http import HtmlResponse, Response

from datacards.errors import UserError
from spiders.arguments import Arguments, Day, today
from spiders.base import CaptureSpider, Errand, Found
from spiders.boj import series as boj_series
from spiders.boj.addresses import MOVED
from spiders.boj.facts import told_by_lists, told_by_page
from spiders.boj.meta import FIRST, BojMeta, checked
from spiders.boj.rows import Row, facts_of, lists_of, merged, rows_of, twin_link
from spiders.boj.series import Series
from spiders.boj.twins import Twins, by_stem


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


class BojSpider(CaptureSpider):
    """What the series share."""

    license = "BOJ-terms"
    bases = ("boj", "boj_archive")
    arguments = BojArguments
    series: ClassVar[Series]
    asked: BojArguments

    def __init__(self, name: str | None = None, **given: str) -> None:
        super().__init__(name, **given)
        self.lists: dict[str, int] = {}  # asked for -> how good a witness it is, 0 the best
        self.listed: list[
            tuple[int, str, int, Row]
        ] = []  # with the list and the place in it: an order for all
        self.documents: dict[str, tuple[Row, str]] = {}  # by address; with the page it is attached to
        self.twins = Twins({}, frozenset())
        self.linked: dict[str, set[str]] = {}  # English address -> the Japanese pages that link to it
        self.parts: list[Callable[[], Iterable[Request]]] = [self._japanese, self._english]

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Return the spider of ``crawler``, which learns from a signal when a part of the crawl is done."""
        spider: Self = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.go_on, signal=signals.spider_idle)
        return spider

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of this crawl."""
        return ("ja", "en") if self.series.english and self.asked.languages == "ja,en" else ("ja",)

    # -- the lists -----------------------------------------------------------------------------------------

    def first(self) -> Iterable[Request]:
        """Ask for every list, the newest year first."""
        for year in range((self.asked.until or today()).year, self.asked.since.year - 1, -1):
            for path in self.series.lists:
                if "{year}" in path:
                    yield from self._list(path, year)
        for rank, paths in enumerate((self.series.lists, self.series.others)):
            for path in paths:
                if "{year}" not in path:
                    yield from self._list(path, rank=rank)

    def probe(self) -> Request:
        """Return the request for last year's Japanese list: this year's may not be there yet."""
        asked = [one for one in self.first() if _language(one.url) == "ja"]
        return next((one for one in asked if f"_{today().year - 1}" in one.url), asked[0])

    def documents_named(self, found: list[Any]) -> int:
        """Return how many documents the lists have named so far: they are asked for when all lists are read."""
        return len(self.listed)

    def _list(self, path: str, year: int = 0, rank: int = 0) -> Iterator[Request]:
        for language in self.languages:
            english = "/en" if language == "en" else ""
            if self.series.archived and 0 < year < MOVED:
                archived = self.series.archived.format(year=year, en=english)
                yield from self._read(self.addresses.url("boj_archive", archived), rank)
            else:
                yield from self._read(self.addresses.url("boj", english + path.format(year=year)), rank)

    def _read(self, url: str, rank: int) -> Iterator[Request]:
        if url in self.lists:
            return
        self.lists[url] = rank
        about = {"kind": "index", "language": _language(url)}
        # A list that cannot be read makes the crawl incomplete; one that is only a second way in does not.
        yield self.ask(url, about, self._listed, vital=rank == 0, carried=(url, rank))

    def _listed(self, response: Response | None, errand: Errand) -> Found:
        if not isinstance(response, HtmlResponse):
            return
        url, rank = errand.carried
        rows = rows_of(response, self.series.pattern, self.addresses)
        self.listed += [(rank, url, place, row) for place, row in enumerate(rows)]
        last = (self.asked.until or today()).year
        for found, year in lists_of(response, self.series.leads, self.addresses):
            if _language(found) in self.languages and (year is None or self.asked.since.year <= year <= last):
                yield from self._read(found, rank=1)

    # -- the documents -------------------------------------------------------------------------------------

    def go_on(self) -> None:
        """Begin the next part of the crawl when all of the last one is answered."""
        if self.failure or not self.parts:
            return
        # Scrapy logs what goes wrong here and closes as if all were done: a crawl must not look finished then.
        self.failure = UserError(
            self.name, "the lists could not be brought together", "", "report it (see the log)"
        )
        asked = False
        while self.parts and not asked:
            for request in self.parts.pop(0)():
                self.crawler.engine.crawl(request)
                asked = True
        self.failure = None
        if asked:
            raise DontCloseSpider

    def _japanese(self) -> Iterator[Request]:
        named: dict[str, list[Row]] = {}
        for *_, row in sorted(self.listed, key=lambda entry: entry[:3]):
            if row.language in self.languages:
                named.setdefault(row.url, []).append(row)
        self.listed = []
        rows = sorted((merged(same) for same in named.values()), key=lambda row: row.url, reverse=True)
        self.twins = self.series.twins(rows)
        rows = [row for row in rows if self._wanted(row)]
        # Of a page and a PDF of one name the page stays: the order is descending.
        pages = {(row.stem, row.language): row.url for row in rows if not row.part}
        for row in rows:
            self.documents[row.url] = row, pages.get((row.stem, row.language), "") if row.part else ""
        for row, page in list(self.documents.values()):
            if row.language == "ja":
                yield self._document(row, page)

    def _english(self) -> Iterator[Request]:
        for row, page in list(self.documents.values()):
            if row.language == "en":
                yield self._document(row, page)

    def _wanted(self, row: Row) -> bool:
        until = self.asked.until or today()
        wanted = self.asked.since <= row.last and row.first <= until
        self.counts["selected" if wanted else "skipped"] += 1
        return wanted

    def _document(self, row: Row, page: str = "") -> Request:
        said = {
            **told_by_lists(self.series, row),
            "series": self.name,
            "twin": self._twin(row),
            "attachment_of": page,
        }
        return self._fetch(row, self._checked(said))

    def _fetch(self, row: Row, about: Mapping[str, str]) -> Request:
        found_as = {"found_as": " ".join(row.spelled)} if row.spelled else {}
        about = {**about, **found_as}
        return self.ask(row.url, about, self._followed, always=bool(row.spelled), carried=row)

    def _twin(self, row: Row) -> str:
        """Return what is known of a document's twin without its own page: a page that links to it goes first."""
        links = self.linked.get(row.url, set())
        return min(links) if len(links) == 1 else "" if links else self.twins.of.get(row.url, "")

    def _checked(self, said: Mapping[str, str]) -> dict[str, str]:
        meta, lost = checked(said)
        self.counts.update(f"invalid {name}" for name in lost)
        return meta.text()

    # -- what a document leads to --------------------------------------------------------------------------

    def _followed(self, response: Response | None, errand: Errand) -> Found:
        """Follow a page to its attachments and to its twin; ask for one that cannot be had where it was found."""
        row: Row = errand.carried
        if response is None:
            if row.spelled:
                about = {**errand.about, "identity": errand.about.get("identity", row.url)}
                rest = row._replace(spelled=row.spelled[1:])
                yield self.ask(row.spelled[0], about, self._followed, always=bool(rest.spelled), carried=rest)
            return
        page = response if isinstance(response, HtmlResponse) else None
        about = {**errand.about, **(self._told(page, errand)[0].text() if page else {})}
        if row.url in self.twins.undecided and row.language == "en" and "twin" not in about:
            self.counts["twins_undecided"] += 1
        if page and "attachment_of" not in about:
            yield from self._attached(page, row, about)
            yield from self._linked(page, row)

    def _attached(self, page: HtmlResponse, row: Row, about: Mapping[str, str]) -> Found:
        about = {name: value for name, value in about.items() if name not in _OF_ONE_ADDRESS}
        for found in rows_of(page, self.series.pattern, self.addresses):
            if (found.stem, found.language) == (row.stem, row.language) and found.url not in self.documents:
                self.documents[found.url] = found, page.url
                own = {"title": found.title or about.get("title", ""), "attachment_of": page.url}
                yield self._fetch(found, {**about, **own})

    def _linked(self, page: HtmlResponse, row: Row) -> Found:
        """Note which page links to which in the other language, and ask for one that no list has."""
        twin = self._own_twin(page, row)
        if twin is None or twin.language not in self.languages:
            return
        if twin.language == "en":
            self.linked.setdefault(twin.url, set()).add(page.url)
        if twin.url not in self.documents and self._wanted(twin):
            self.documents[twin.url] = twin._replace(told=row.told), ""
            # Unless they are being asked for, the English ones wait until all that link to them are known.
            if twin.language == "ja" or not self.parts:
                self.twins = Twins({**self.twins.of, twin.url: page.url}, self.twins.undecided)
                yield self._document(*self.documents[twin.url])

    def _own_twin(self, page: HtmlResponse, row: Row) -> Row | None:
        twin = twin_link(page, self.series.pattern, self.addresses)
        return twin if twin and (twin.stem == row.stem or self.series.twins is not by_stem) else None

    def describe(self, response: Response, errand: Errand) -> Mapping[str, str]:
        """Add what the page itself tells: its twin, and what no list told."""
        if errand.about["kind"] == "index" or not isinstance(response, HtmlResponse):
            return {}
        meta, lost = self._told(response, errand)
        self.counts.update(f"invalid {name}" for name in lost)
        return meta.text()

    def _told(self, page: HtmlResponse, errand: Errand) -> tuple[BojMeta, tuple[str, ...]]:
        row: Row = errand.carried
        twin = self._own_twin(page, row)
        said = told_by_page(self.series, row, facts_of(page, row.language), errand.about)
        return checked({**said, "twin": twin.url} if twin else said)


_OF_ONE_ADDRESS = ("twin", "redirected_from", "found_as", "identity")


def _language(url: str) -> str:
    return "en" if "/en/" in url else "ja"


class BojSpeeches(BojSpider):
    """Speeches of the Governor, the Deputy Governors and the members of the Policy Board."""

    name = "boj_speeches"
    description = "Speeches published by the Bank of Japan, as fetched"
    series = boj_series.SPEECHES


class BojPressConferences(BojSpider):
    """Press conferences; the date in the name is the day of publication. There are no English twins."""

    name = "boj_press_conferences"
    description = "Records of press conferences published by the Bank of Japan, as fetched"
    series = boj_series.PRESS_CONFERENCES


class BojMinutes(BojSpider):
    """Minutes of the Monetary Policy Meetings; the date in the name is the last day of the meeting."""

    name = "boj_minutes"
    description = "Minutes of Monetary Policy Meetings published by the Bank of Japan, as fetched"
    series = boj_series.MINUTES


class BojOpinions(BojSpider):
    """Summaries of opinions at the Monetary Policy Meetings; the date in the name is the last day of the meeting."""

    name = "boj_opinions"
    description = (
        "Summaries of opinions at Monetary Policy Meetings published by the Bank of Japan, as fetched"
    )
    series = boj_series.OPINIONS


class BojStatements(BojSpider):
    """Statements on monetary policy, of the day in their name."""

    name = "boj_statements"
    description = "Statements on monetary policy published by the Bank of Japan, as fetched"
    series = boj_series.STATEMENTS


class BojOutlook(BojSpider):
    """Outlook reports, the Bank's view and the full text; the name holds year and month."""

    name = "boj_outlook"
    description = "Outlook reports published by the Bank of Japan, as fetched"
    series = boj_series.OUTLOOK
