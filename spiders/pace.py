"""Whose turn it is: no request reaches a host before its Crawl-delay, its Retry-After or our own back-off has passed."""

import asyncio
import ipaddress
import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from urllib.parse import urlsplit
from urllib.request import getproxies

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.resolver import CachingThreadedResolver
from scrapy.robotstxt import RobotParser
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError

logger = logging.getLogger(__name__)
PRIVATE = "resolves to the private address"


class Pace:
    """A Scrapy extension that the download handler asks before it sends; times are those of a monotonic clock.

    ``DOWNLOAD_DELAY`` and AutoThrottle space requests of one host; this adds what the host itself asks for.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._agent = crawler.settings["ROBOTSTXT_USER_AGENT"]
        self._held: dict[str, float] = {}  # host -> when it may be asked again
        self._delay: dict[
            str, float
        ] = {}  # host -> seconds between two requests that its robots.txt asks for
        self._next: dict[str, float] = defaultdict(float)
        crawler.signals.connect(self.robots_parsed, signal=signals.robots_parsed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Pace":
        """Return the extension of ``crawler``."""
        return cls(crawler)

    def robots_parsed(self, robotparser: RobotParser, request: Request) -> None:
        """Take over a Crawl-delay."""
        delay = robotparser.crawl_delay(self._agent)
        if delay and delay > 0:
            host = urlsplit(request.url).netloc
            self._delay[host] = float(delay)
            logger.info("%s asks for %g s between two requests", host, delay)

    def hold(self, url: str, seconds: float) -> None:
        """Send nothing to the host of ``url`` for so many seconds."""
        host = urlsplit(url).netloc
        self._held[host] = max(self._held.get(host, 0.0), time.monotonic() + seconds)

    async def turn(self, url: str) -> None:
        """Return when the host of ``url`` may be asked; the order of those that wait is kept."""
        host = urlsplit(url).netloc
        if delay := self._delay.get(host):
            start = max(time.monotonic(), self._next[host])
            self._next[host] = start + delay
            await asyncio.sleep(start - time.monotonic())
        while (wait := self._held.get(host, 0.0) - time.monotonic()) > 0:
            await asyncio.sleep(wait)


class PublicResolver(CachingThreadedResolver):
    """Refuses host names that lead into a private network; ``localhost`` and addresses given as numbers are meant.

    A public name that resolves to 10.0.0.1 would let a stranger's page read what only this network may see.
    """

    def __init__(self, reactor: ReactorBase, cache_size: int, timeout: float) -> None:
        super().__init__(reactor, cache_size, timeout)
        self._allowed = {"localhost", *(urlsplit(proxy).hostname for proxy in getproxies().values())}

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> "Deferred[str]":  # noqa: N802  Twisted's name
        """Return the address of ``name``; fail for one that is not global."""
        found = super().getHostByName(name, timeout)
        if name not in self._allowed and not _is_number(name):
            found.addCallback(_public, name)
        return found


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _public(address: str, name: str) -> str:
    if not ipaddress.ip_address(address).is_global:
        raise DNSLookupError(f"{name} {PRIVATE} {address}")
    return address
