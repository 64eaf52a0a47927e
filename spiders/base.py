"""What every spider shares: typed arguments, one address per page, a capture for every response, honest failures."""

import logging
import string
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NoReturn
from urllib.parse import quote, urlsplit

import scrapy
from scrapy import Request
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import CloseSpider
from scrapy.http import Response
from scrapy.settings import BaseSettings
from twisted.python.failure import Failure

from corpus.document import Capture
from datacards.errors import UserError
from datacards.recipe import validate
from spiders.addresses import SETTING, Addresses
from spiders.arguments import Arguments
from spiders.failures import UNWANTED, reason_of
from spiders.keys import redact
from spiders.records import Carried, Visit
from spiders.rows import Row

MAX_HOPS = 5
_REDIRECTS = (301, 302, 303, 307, 308)  # RFC 9110, section 15.4; a 304 that nobody asked for is an error
_LONGEST = 10_000  # characters of one word of a capture's meta: what a page says of itself has no bounds
Found = Iterable[Capture | Visit | Carried | Request]


def headers_of(response: Response) -> tuple[tuple[str, str], ...]:
    """Return the headers of a response, in order."""
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
    )


@dataclass(frozen=True, slots=True)
class Errand:
    """Why a request is made and what becomes of its response.

    ``about`` goes into the capture's meta. ``then`` reads a good response and returns what follows from it;
    with ``always`` it is called for a failed one too (with None). When a ``vital`` request fails, other than by
    ``no_index`` or robots.txt, the crawl cannot be complete and ends.
    """

    about: Mapping[str, str]
    source: str
    then: "Callable[[Response | None, Errand], Found] | None" = None
    vital: bool = False
    always: bool = False
    way: tuple[str, ...] = ()  # the addresses that redirected here
    carried: Any = field(default=None, compare=False)


class CaptureSpider(scrapy.Spider):
    """A spider that yields one Capture for every response, good or not, and names what it could not get."""

    description: ClassVar[str] = ""
    license: ClassVar[str] = ""
    bases: ClassVar[tuple[str, ...]] = ()  # the keys of KANAGURA_BASE_URLS it needs
    arguments: ClassVar[type[Arguments]] = Arguments
    transient: ClassVar[frozenset[str]] = frozenset()  # problems that may be gone at the next try
    # Problems that will not pass: a version is complete without what has them.
    final: ClassVar[frozenset[str]] = frozenset({"http_404", "http_410", "http_451", "no_index"})
    many_hosts: ClassVar[bool] = (
        False  # whether a crawl goes on with the others when one wants no more requests
    )
    keyed: ClassVar[tuple[str, ...]] = ()  # bases whose requests carry a key

    def __init__(self, name: str | None = None, **given: str) -> None:
        super().__init__(name)
        self.asked = self.read_arguments(given)
        self.counts: Counter[str] = Counter()
        self.heard: Counter[str] = Counter()  # what publishers said of machines, by capture
        self.ledgers: dict[str, list[dict[str, Any]]] = {}
        self.failure: UserError | None = None
        # These are set when the draft of the version opens. ``work`` is for intermediate files, which outlive a
        # stopped run, but not a finished version; ``earlier`` returns what earlier versions hold of an address.
        self.work = Path()
        self.earlier: Callable[[str], Row | None] = lambda _: None
        self.earlier_capture: Callable[[str], Capture | None] = lambda _: None
        self.before: list[Path] = []  # the folders of earlier versions, oldest first

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        """Say in the User-Agent whom a site owner can ask."""
        super().update_settings(settings)
        if contact := settings.get("KANAGURA_CONTACT"):
            settings.set("USER_AGENT", f"{settings['USER_AGENT']} (+{contact})", priority="spider")

    @classmethod
    def read_arguments(cls, given: dict[str, str]) -> Arguments:
        """Return the arguments given with ``-a``, checked; raise UserError naming the wrong one."""
        return validate(f"scrapy crawl {cls.name}", given, cls.arguments)

    @classmethod
    def request(cls, asked: Arguments, settings: BaseSettings) -> dict[str, Any]:
        """Return what this crawl asks for, as the recipe of its version; raise UserError if it cannot be."""
        bases = Addresses.read(settings.get(SETTING), cls.bases).bases
        said = asked.model_dump(mode="json", exclude={"version"})
        return {"spider": cls.name, **said, "base_urls": dict(bases)}

    @classmethod
    def recipe(cls, asked: Arguments, settings: BaseSettings) -> dict[str, Any]:
        """Return the request and, where a publisher's wish is not obeyed, that too: it makes another version."""
        obeyed = {name: settings.getbool(name) for name in ("ROBOTSTXT_OBEY", "KANAGURA_OBEY_SIGNALS")}
        return {
            **cls.request(asked, settings),
            **{name.lower(): False for name in obeyed if not obeyed[name]},
        }

    @cached_property
    def addresses(self) -> Addresses:
        """The base addresses of this crawl."""
        return Addresses.read(self.settings.get(SETTING), self.bases)

    # -- what a spider writes itself -----------------------------------------------------------------------

    def first(self) -> Iterable[Request | Carried]:
        """Return the requests a crawl begins with."""
        raise NotImplementedError

    def problem(self, response: Response, errand: Errand) -> str:
        """Return why a response is no good document (a snake_case word), "" for a good one.

        A list that is not there (``no_index``) is told apart from a missing document: lists are tried by year.
        """
        if response.status == 404 and errand.about.get("kind") == "index":
            return "no_index"
        return "" if response.status == 200 else f"http_{response.status}"

    def describe(self, response: Response, errand: Errand) -> Mapping[str, str]:
        """Return what the response itself adds to the meta of its capture."""
        return {}

    def conclude(self, row: Callable[[str], Row | None]) -> None:
        """Take stock at the end of a whole crawl, before its card is written; ``row`` finds what became of an address."""

    def license_of(self, errand: Errand) -> str:
        """Return the license of a capture (an entry of datacards.rights)."""
        return self.license

    def probe(self) -> Request:
        """Return the request for a list that is typical of the site, for ``scrapy check``."""
        return next(one for one in self.first() if isinstance(one, Request))

    def documents_named(self, found: list[Any]) -> int:
        """Return how many documents the list named whose reading has yielded ``found``."""
        return sum(isinstance(one, Request | Carried) for one in found)

    # -- what all share ------------------------------------------------------------------------------------

    async def start(self) -> AsyncIterator[Any]:
        """Yield the first requests."""
        hosts = {urlsplit(base).hostname for base in self.addresses.bases.values()}
        if not self.settings.get("KANAGURA_CONTACT") and hosts - {"127.0.0.1", "localhost", "::1"}:
            self.logger.warning(
                "site owners cannot see whom to ask about this crawl; "
                "say it with -s KANAGURA_CONTACT=mailto:... or a page's address"
            )
        for request in self.first():
            yield request

    def ask(
        self,
        url: str,
        about: Mapping[str, str],
        then: Callable[[Response | None, Errand], Found] | None = None,
        *,
        source: str = "",
        vital: bool = False,
        always: bool = False,
        carried: Any = None,
    ) -> Request:
        """Return the request for ``url`` (an address of this crawl's bases); ``about`` describes the capture."""
        errand = Errand(
            {name: value for name, value in about.items() if value},
            source or self.name,
            then,
            vital=vital,
            always=always,
            carried=carried,
        )
        return self._request(url, errand)

    def ask_once(self, url: str, about: Mapping[str, str], *, source: str = "") -> Request | Carried:
        """Return the request for what never changes once it is published, or, when an earlier version holds it,
        what says so: then nobody is asked.
        """
        if self.earlier(url) is None:
            return self.ask(url, about, source=source)
        about = {name: value for name, value in about.items() if value}
        errand = Errand(about, source or self.name)
        return Carried(url, errand.source, self.license_of(errand), about)

    def _request(self, url: str, errand: Errand) -> Request:
        # Redirects and error pages come to us instead of being followed or dropped: they are evidence too.
        meta: dict[str, Any] = {"dont_redirect": True, "handle_httpstatus_all": True}
        if self.addresses.key_of(url) in self.keyed:
            meta["keyed"] = True
        return Request(
            url, callback=self.received, errback=self.lost, meta=meta, cb_kwargs={"errand": errand}
        )

    def checked_list(self, response: Response, errand: Errand) -> Iterable[Any]:
        """Read a list for ``scrapy check`` (``spiders.contracts``).

        @probes
        @names_documents
        """
        yield from self.received(response, errand)

    def received(self, response: Response, errand: Errand) -> Iterable[Any]:
        """Yield the capture of a response and what follows from it."""
        assert response.request is not None  # noqa: S101  Scrapy sets it before it calls us
        problem = "" if response.status in _REDIRECTS else self.problem(response, errand)
        if problem in self.transient and "replayed" not in response.meta:
            again = get_retry_request(
                response.request, spider=self, reason=problem, give_up_log_level=logging.DEBUG
            )
            if again is not None:
                again.meta["patient"] = True
                yield again
                return
        if problem:
            level = logging.INFO if errand.about.get("kind") == "index" else logging.WARNING
            self.logger.log(level, "kept aside (%s): %s", problem, response.url)
        visit = Visit(response.meta["replayed"]) if "replayed" in response.meta else None
        visit = visit or self._visit(response, errand, problem)
        said = visit.capture.signals
        self.heard.update(f"{n} {said[n]}" if n in ("robots", "tdmrep") else n for n in said)
        yield visit
        self._heed(response)
        if response.status in _REDIRECTS:
            yield from self._hop(response, errand)
        elif problem:
            if errand.vital and problem != "no_index":
                self.give_up(response.url, f"answered with {problem}")
            if errand.always and errand.then:
                yield from errand.then(None, errand)
        elif errand.then:
            yield from errand.then(response, errand)

    def _heed(self, response: Response) -> None:
        """End the crawl when a host, after all repetitions, wants fewer requests: each further one is too many.

        A crawl of many hosts goes on with the others; ``spiders.pace`` asks this one no more.
        """
        if self.many_hosts:
            return
        host = urlsplit(response.url).netloc
        if seconds := response.meta.get("come_back"):
            self.give_up(host, f"asks to come back in {seconds:.0f} s (HTTP {response.status})")
        if response.status == 429:
            self.give_up(host, "asks for fewer requests (HTTP 429)")

    def _visit(self, response: Response, errand: Errand, problem: str) -> Visit:
        capture = self._capture(response, errand, problem)
        if "not_modified" in response.meta:
            return Visit(capture, "not_modified", response.meta["not_modified"])
        return Visit(capture)

    def _capture(self, response: Response, errand: Errand, problem: str) -> Capture:
        kind = {"kind": "redirect"} if response.status in _REDIRECTS else {}
        trouble = {"problem": problem} if problem else {}
        described = {} if problem or kind else self.describe(response, errand)
        media_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        return Capture(
            url=response.url,
            source=errand.source,
            fetched_at=datetime.now(UTC),
            status=response.status,
            headers=headers_of(response),
            media_type=media_type.partition(";")[0].strip().lower(),
            body=response.body,
            license=self.license_of(errand),
            signals=response.meta.get("signals", {}),
            meta={
                name: value[:_LONGEST]
                for name, value in {**errand.about, **described, **kind, **trouble}.items()
                if value
            },
        )

    def _hop(self, response: Response, errand: Errand) -> Iterable[Any]:
        # A server may write an address as it is, in whatever encoding: its bytes are the address.
        where = quote(response.headers.get("Location") or b"", safe=string.punctuation)
        url = self.addresses.canonical(where, response.url) if where else ""
        way = (*errand.way, response.url)
        if url and url not in way and len(way) <= MAX_HOPS:
            about = {**errand.about, "redirected_from": response.url}
            again = self._request(url, replace(errand, way=way, about=about))
            # Two lists may have moved to one page: what waits for either must go on, so it is asked for again.
            yield again.replace(dont_filter=errand.always)
            return
        reason = "too_many_redirects" if url else "redirect_elsewhere"  # another site, or a private address
        self.note_failure(response.url, reason, where[:_LONGEST])
        if errand.vital:
            self.give_up(response.url, f"redirects to {where or 'nowhere'}")
        if errand.always and errand.then:
            yield from errand.then(None, errand)

    def lost(self, failure: Failure) -> Iterable[Any]:
        """Note a request that got no response; end the crawl if it was vital."""
        request: Request = failure.request  # type: ignore[attr-defined]
        errand: Errand = request.cb_kwargs["errand"]
        reason, detail = reason_of(failure.value), redact(str(failure.value))
        self.note_failure(request.url, reason, detail)
        if errand.vital and reason not in UNWANTED:
            self.give_up(urlsplit(request.url).netloc, f"{reason}: {detail}")
        if errand.always and errand.then:
            yield from errand.then(None, errand)

    def note_failure(self, url: str, reason: str, detail: str = "") -> None:
        """Count and name an address that could not be captured."""
        self.note("failures", url=url, reason=reason, detail=detail)
        self.logger.log(
            logging.INFO if reason in UNWANTED else logging.WARNING,
            "not captured (%s): %s %s",
            reason,
            url,
            detail,
        )

    def note(self, ledger: str, **row: Any) -> None:
        """Add a row to one of the JSON-lines files that go into the version beside the captures."""
        self.ledgers.setdefault(ledger, []).append(row)

    @property
    def again(self) -> str:
        """What to do after a crawl that ended early; defaults that follow the calendar are spelled out."""
        fields = type(self.asked).model_fields
        said = self.asked.model_dump(mode="json")
        days = [
            f"-a {name}={said[name]}"
            for name in fields
            if fields[name].default_factory and name not in self.asked.model_fields_set
        ]
        todo = "run the same command again: it goes on where it stopped"
        return f"{todo} (on another day add {' '.join(days)})" if days else todo

    def give_up(self, where: str, received: str, todo: str = "") -> NoReturn:
        """End the crawl as failed: the draft stays, and the same command goes on from it."""
        self.failure = self.failure or UserError(
            where,
            received,
            "nothing was finished; what was captured is kept",
            todo or self.again,
        )
        raise CloseSpider("failed")
