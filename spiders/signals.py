"""Reads what a publisher says about machines (robots.txt, TDMRep, Content-Usage) and records it per capture.

Only robots.txt decides whether a page is fetched. The other signals are kept as evidence of what was said at
fetch time: TDMRep (W3C community report, 2024-05-10), Content-Usage (IETF aipref drafts), X-Robots-Tag.
"""

import logging
from collections.abc import Mapping
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import HtmlResponse, Response

HEADERS = ("TDM-Reservation", "TDM-Policy", "Content-Usage", "X-Robots-Tag")
_NAMES = ("robots", "tdm-reservation", "tdm-policy")
_LINES = ("content-usage:", "content-signal:")


class Signals:
    """A downloader middleware that keeps each host's robots.txt state and refuses hosts whose file is unknown.

    RFC 9309, section 2.3.1.4: a robots.txt that cannot be reached (5xx, no response) forbids everything; one
    that is not there (4xx) forbids nothing.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.obey = crawler.settings.getbool("ROBOTSTXT_OBEY")
        self.hosts: dict[str, dict[str, str]] = {}
        logging.getLogger("scrapy.downloadermiddlewares.robotstxt").addFilter(_brief)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Signals":
        """Return the middleware of ``crawler``."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Refuse a request to a host whose robots.txt could not be read."""
        if not self.obey or _is_robots(request):
            return
        host = urlsplit(request.url).netloc
        robots = self.hosts.get(host, {}).get("robots", "no response")
        if not robots.startswith(("2", "3", "4")):
            raise IgnoreRequest(f"robots.txt of {host} cannot be reached ({robots})")

    def process_response(self, request: Request, response: Response) -> Response:
        """Remember a robots.txt; put the signals of any other response into ``request.meta["signals"]``."""
        host = urlsplit(request.url).netloc
        if _is_robots(request):
            for url in (request.url, *request.meta.get("redirect_urls", ())):
                self.hosts[urlsplit(url).netloc] = robots_signals(response)
        elif "replayed" not in request.meta:
            request.meta["signals"] = {**self.hosts.get(host, {}), **page_signals(response)}
        return response


def _brief(record: logging.LogRecord) -> bool:
    """Keep Scrapy's line about a robots.txt without its traceback: the spider says what follows from it."""
    record.exc_info = None
    return True


def _is_robots(request: Request) -> bool:
    return bool(request.meta.get("dont_obey_robotstxt"))  # Scrapy sets it on its own request for the file


def robots_signals(response: Response) -> dict[str, str]:
    """Return what a robots.txt response says: its status and, where present, its lines on machine use."""
    found = {"robots": f"{response.status}"}
    if response.status == 200:
        lines = response.body[: 500 << 10].decode("utf-8", "replace").splitlines()  # RFC 9309: 500 KiB
        usage = [line.strip() for line in lines if line.strip().lower().startswith(_LINES)]
        if usage:
            found["robots_usage"] = "; ".join(usage)
    return found


def page_signals(response: Response) -> Mapping[str, str]:
    """Return the signals in the headers and, for a page, in the meta elements of its head."""
    found = {}
    for name in HEADERS:
        values = [value.decode("latin-1") for value in response.headers.getlist(name)]
        if values:
            found[name] = ", ".join(values)
    if isinstance(response, HtmlResponse):
        for name in _NAMES:
            content = response.xpath("//meta[@name=$name]/@content", name=name).get()
            if content:
                found[f"meta {name}"] = content
    return found
