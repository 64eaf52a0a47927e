"""Whose turn it is: no request reaches a host before its Crawl-delay, its Retry-After or our own back-off has passed."""

import asyncio
import logging
import random
import time
from collections import defaultdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest
from scrapy.http import Response
from scrapy.robotstxt import RobotParser

logger = logging.getLogger(__name__)
LEFT = "left alone"


class Pace:
    """A Scrapy extension that the download handler asks before it sends; times are those of a monotonic clock.

    AutoThrottle slows down for a host that is slow, counting from when a request was due; this counts from when one
    was sent, so that ``DOWNLOAD_DELAY`` and what the host itself asks for hold behind every pause, too.
    """

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings
        self.crawler = crawler
        self._agent = settings["ROBOTSTXT_USER_AGENT"]
        self._busy = {int(status) for status in settings.getlist("RETRY_HTTP_CODES")}
        self._times = settings.getint("RETRY_TIMES")
        self._wait = settings.getfloat("KANAGURA_RETRY_WAIT")
        self._longest = settings.getfloat("KANAGURA_RETRY_MAX_WAIT")
        self._least = settings.getfloat("DOWNLOAD_DELAY")
        self._held: dict[str, float] = {}  # host -> when it may be asked again
        self._left: dict[str, str] = {}  # host -> why it is not asked again in this run
        # host -> seconds between two requests that its robots.txt asks for
        self._delay: dict[str, float] = {}
        self._next: dict[str, float] = {}
        self._queues: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        crawler.signals.connect(self.robots_parsed, signal=signals.robots_parsed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Pace":
        """Return the extension of ``crawler``."""
        return cls(crawler)

    def robots_parsed(self, robotparser: RobotParser, request: Request) -> None:
        """Take over a Crawl-delay; a host that wants more than the longest wait is not asked again."""
        delay = robotparser.crawl_delay(self._agent)
        if delay and delay > 0:
            host = urlsplit(request.url).netloc
            said = f"asks for {delay:g} s between two requests"
            logger.info("%s %s", host, said)
            self._delay[host] = float(delay)
            if delay > self._longest:
                self._left[host] = said

    def answered(self, request: Request, response: Response) -> None:
        """Give a host the time it asks for; called before anything else can be sent to it.

        For more than the longest wait ``meta["come_back"]`` (seconds) says so, and the host is not asked again.
        """
        if response.status not in self._busy:
            return
        if response.status == 429 and times_of(request) >= self._times:
            self._left[urlsplit(request.url).netloc] = "asks for fewer requests"
        header = (response.headers.get("Retry-After") or b"").decode("latin-1")
        asked = seconds_of(header, datetime.now(UTC))
        if asked is None:
            self.failed(request)
        elif asked <= self._longest:
            self._hold(request.url, asked)
        else:
            request.meta["come_back"] = asked
            self._left[urlsplit(request.url).netloc] = f"asks to come back in {asked:.0f} s"

    def failed(self, request: Request, error: Exception | None = None) -> None:
        """Give a host that failed time to recover, if the request will be repeated."""
        ours = isinstance(error, (IgnoreRequest, DownloadCancelledError))
        if not ours and (times := times_of(request)) < self._times:
            self._hold(request.url, self.pause(times))

    def pause(self, times: int) -> float:
        """Return the seconds before repetition number ``times`` (from 0): doubled each time, up to half as much more."""
        wait = self._wait * 2**times * random.uniform(1, 1.5)  # noqa: S311  no secret
        return min(wait, self._longest)

    def _hold(self, url: str, seconds: float) -> None:
        host = urlsplit(url).netloc
        self._held[host] = max(self._held.get(host, 0.0), time.monotonic() + seconds)

    async def turn(self, url: str) -> None:
        """Return when the host of ``url`` may be asked; the order of those that wait is kept.

        Raises IgnoreRequest for a host that is left alone, and when the crawl ends meanwhile.
        """
        host = urlsplit(url).netloc
        async with self._queues[host]:
            while (wait := max(self._held.get(host, 0.0), self._next.get(host, 0.0)) - time.monotonic()) > 0:
                self._check(host)
                await asyncio.sleep(min(wait, 1.0))
            self._check(host)
            self._next[host] = time.monotonic() + max(self._least, self._delay.get(host, 0.0))

    async def rest(self, times: int) -> None:
        """Return after the pause before repetition number ``times``; raise IgnoreRequest when the crawl ends meanwhile."""
        until = time.monotonic() + self.pause(times)
        while (wait := until - time.monotonic()) > 0:
            self._check("")
            await asyncio.sleep(min(wait, 1.0))

    def _check(self, host: str) -> None:
        if host in self._left:
            raise IgnoreRequest(f"{LEFT}: {self._left[host]}")
        slot = self.crawler.engine._slot if self.crawler.engine else None
        if slot is not None and slot.closing:
            raise IgnoreRequest("the crawl is ending")


def times_of(request: Request) -> int:
    """Return how often a request was repeated."""
    return int(request.meta.get("retry_times", 0))


def seconds_of(retry_after: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks to wait from ``now`` (aware), None without a valid one."""
    text = retry_after.strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return None
