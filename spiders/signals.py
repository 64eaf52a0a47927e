"""Obeys what a publisher says about machines, robots.txt and AI-use signals alike, and records it with each capture.

``KANAGURA_OBEY_SIGNALS`` is True: a page whose publisher forbids training on it, in any of the ways that
``spiders.preferences`` reads, is not captured; it is counted and named in ``failures.jsonl``. With False the signals are
only recorded. robots.txt has Scrapy's own switch, ``ROBOTSTXT_OBEY``.
"""

import asyncio
import logging
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest
from scrapy.http import HtmlResponse, Response
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import RobotParser

from spiders.preferences import Line, Reservations, at_path, refusal, robots_lines
from spiders.robots import MAX_FILE, fields, token

HEADERS = ("TDM-Reservation", "TDM-Policy", "Content-Usage", "Content-Signal", "X-Robots-Tag")
_KEYS = {name.title().encode(): name for name in HEADERS}  # as Scrapy spells the names
REFUSED = "AI use refused"
NOT_ASKED = "not asked"
_NAMES = ("robots", "tdm-reservation", "tdm-policy")
_WORDS = re.compile(rb"tdm-|robots", re.IGNORECASE)
_LONGEST, _MOST = 4096, 16  # characters of one statement, and statements of one name, that are read
_HEAD = 1 << 20  # bytes of a page in which its meta elements are looked for
_ALL_RESERVED = b'[{"location": "/", "tdm-reservation": 1}]'
_TDMREP = "/.well-known/tdmrep.json"


@dataclass
class Host:
    """What one host says of all its pages."""

    robots: str  # the status of robots.txt
    lines: list[Line] = field(default_factory=list)
    rules: RobotParser | None = None
    named: list[str] = field(default_factory=list)  # AI crawlers that robots.txt speaks to by name
    tdmrep: str = ""  # the status of the file
    reservations: Reservations | None = None
    asked: "asyncio.Future[None] | None" = None


class Signals:
    """A downloader middleware; a page's signals end in ``request.meta["signals"]``.

    RFC 9309, section 2.3.1.4: a robots.txt that cannot be reached (5xx, no response) forbids everything; one
    that is not there (4xx) forbids nothing.
    """

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings
        self.crawler = crawler
        self.robots = settings.getbool("ROBOTSTXT_OBEY")
        self.obey = settings.getbool("KANAGURA_OBEY_SIGNALS")
        self.agents = settings.getlist("KANAGURA_AI_AGENTS")
        self.hosts: dict[str, Host] = {}
        crawler.signals.connect(self.robots_parsed, signal=signals.robots_parsed)
        logging.getLogger("scrapy.downloadermiddlewares.robotstxt").addFilter(_brief)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Signals":
        """Return the middleware of ``crawler``."""
        return cls(crawler)

    def host(self, url: str) -> Host:
        """Return what is known of the host of ``url``."""
        return self.hosts.setdefault(urlsplit(url).netloc, Host("no response" if self.robots else NOT_ASKED))

    def robots_parsed(self, robotparser: RobotParser, request: Request) -> None:
        """Keep the rules for other agents' names."""
        self.host(request.url).rules = robotparser

    async def process_request(self, request: Request) -> None:
        """Refuse a request whose host's robots.txt could not be read, or whose page is closed to training."""
        if _is_about_host(request):
            request.meta["download_maxsize"] = 4 * MAX_FILE
            return
        host = self.host(request.url)
        if self.robots and (host.robots == "429" or not host.robots.startswith(("2", "3", "4"))):
            raise IgnoreRequest(
                f"robots.txt of {urlsplit(request.url).netloc} cannot be reached ({host.robots})"
            )
        await self._tdmrep(request.url, host)
        request.meta["host_signals"] = found = self._of_host(request.url, host)
        self._judge(dict(found))

    def process_response(self, request: Request, response: Response) -> Response:
        """Remember a robots.txt; put the signals of any other response into ``request.meta["signals"]``."""
        if _is_about_host(request):
            if urlsplit(request.url).path == "/robots.txt" or "redirect_urls" in request.meta:
                for url in (request.url, *request.meta.get("redirect_urls", ())):
                    self._remember(self.host(url), response)
        elif "replayed" not in request.meta:
            found = {**request.meta.get("host_signals", {}), **page_signals(response)}
            request.meta["signals"] = found
            if response.status in (200, 206):
                self._judge(found)
        return response

    def _judge(self, found: dict[str, str]) -> None:
        if why := refusal(found):
            found["ai_use"] = f"refused ({why})"
            if self.obey:
                raise IgnoreRequest(f"{REFUSED} ({why})")

    def _remember(self, host: Host, response: Response) -> None:
        host.robots = f"{response.status}"
        if response.status == 200:
            text = response.body[:MAX_FILE].decode("utf-8", "replace")
            host.lines = robots_lines(text, self.crawler.settings["USER_AGENT"])
            spoken_to = {token(value) for field, value in fields(text) if field == "user-agent"}
            host.named = [agent for agent in self.agents if token(agent) in spoken_to]

    def _of_host(self, url: str, host: Host) -> dict[str, str]:
        """Return what robots.txt and the TDMRep file say of one page."""
        parts = urlsplit(url)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        found = {"robots": host.robots}
        found |= {f"robots_{kind}": value for kind, value in at_path(host.lines, path).items()}
        if host.rules and (against := [name for name in host.named if not host.rules.allowed(url, name)]):
            found["robots_ai"] = ", ".join(against)
        if host.tdmrep:
            found["tdmrep"] = host.tdmrep
        if host.reservations and host.reservations.reserved(path):
            found["tdmrep_reserved"] = "1"
        return found

    async def _tdmrep(self, url: str, host: Host) -> None:
        """Read the host's TDMRep file once, before its first page; others wait for it."""
        if host.asked is not None:
            await host.asked
            return
        host.asked = asyncio.get_running_loop().create_future()
        try:
            if (body := await self._fetched(url, host)) is not None:
                host.reservations = Reservations(body)
        except (ValueError, RecursionError):
            host.tdmrep += " unreadable"
        finally:
            host.asked.set_result(None)

    async def _fetched(self, url: str, host: Host) -> bytes | None:
        """Return the body of the host's TDMRep file, None when there is none; note its status.

        Only the download stands in the broad catch: a mistake of ours in reading the file must not pass for leave.
        """
        parts = urlsplit(url)
        where = f"{parts.scheme}://{parts.netloc}{_TDMREP}"
        meta = {"dont_obey_robotstxt": True, "dont_retry": True, "dont_redirect": True}
        try:
            response = await self.crawler.engine.download_async(
                Request(where, meta=meta, callback=NO_CALLBACK)
            )
        except Exception as error:  # noqa: BLE001 - whatever the network does, a file that cannot be had says nothing
            large = isinstance(error, DownloadCancelledError) or str(error).startswith("Ignored response")
            host.tdmrep = "too large" if large else "no response"
            logging.getLogger(__name__).info("%s of %s: %s", _TDMREP, parts.netloc, error)
            return (
                _ALL_RESERVED if large else None
            )  # larger than any such file: in doubt the rights are reserved
        host.tdmrep = f"{response.status}"
        return response.body if response.status == 200 else None


def _brief(record: logging.LogRecord) -> bool:
    """Keep Scrapy's line about a robots.txt without its traceback: the spider says what follows from it."""
    record.exc_info = None
    return True


def _is_about_host(request: Request) -> bool:
    return bool(request.meta.get("dont_obey_robotstxt"))  # Scrapy sets it on its own request for robots.txt


def page_signals(response: Response) -> dict[str, str]:
    """Return the signals in the headers and, for a page, in the meta elements of its head."""
    found: dict[str, list[str]] = {}
    for key in _KEYS.keys() & response.headers.keys():
        found[_KEYS[key]] = [value.decode("latin-1") for value in response.headers.getlist(key)]
    if isinstance(response, HtmlResponse) and _WORDS.search(response.body, 0, _end_of_head(response.body)):
        for meta in response.xpath("//meta[@name][@content]"):
            name = meta.attrib["name"].strip().lower()
            if name in _NAMES:
                found.setdefault(f"meta {name}", []).append(meta.attrib["content"][:_LONGEST])
    return {name: ", ".join(values[:_MOST]) for name, values in found.items()}


def _end_of_head(body: bytes) -> int:
    found = body.find(b"</head>", 0, _HEAD)
    return found if found >= 0 else _HEAD
