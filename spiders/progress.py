"""Says how far a crawl is: a bar on a terminal, else a line now and then."""

import logging
import sys
import time
from datetime import timedelta
from typing import Any

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.logformatter import LogFormatter, LogFormatterResult
from tqdm import tqdm
from twisted.python.failure import Failure

from corpus.document import Capture
from spiders.base import CaptureSpider
from spiders.records import Carried, Visit

logger = logging.getLogger(__name__)


class Progress:
    """A Scrapy extension that counts captures, their bytes and failures, and says how long it will take.

    The total is what the lists read so far have told: it grows while a crawl still finds lists.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.every = crawler.settings.getint("KANAGURA_PROGRESS_EVERY")
        self.captures, self.size, self.begun = 0, 0, 0.0
        self.bar: Any = None
        crawler.signals.connect(self.opened, signal=signals.spider_opened)
        crawler.signals.connect(self.closed, signal=signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Progress":
        """Return the extension of ``crawler``."""
        return cls(crawler)

    def opened(self, spider: Spider) -> None:
        """Begin the bar where someone can see it."""
        self.begun = time.monotonic()
        if sys.stderr.isatty():
            self.bar = tqdm(desc=spider.name, unit=" captures", file=sys.stderr, mininterval=0.5)

    def captured(self, item: Visit | Carried) -> None:
        """Count one capture; the pipeline calls this, which costs less than a signal for each page."""
        self.captures += 1
        self.size += len(item.capture.body) if isinstance(item, Visit) else 0
        if self.bar is not None:
            self.bar.total = self.captures + self._waiting()
            self.bar.update()
            self.bar.set_postfix_str(f"{self.size / 1e6:,.1f} MB, {self._failures()} failed")
        elif self.every and self.captures % self.every == 0:
            logger.info("%s", self.line())

    def line(self) -> str:
        """Return where the crawl stands: captures, bytes, failures, and the time that is left at this speed."""
        waiting = self._waiting()
        left = (time.monotonic() - self.begun) / max(self.captures, 1) * waiting
        return (
            f"{self.captures:,} captures, {self.size / 1e6:,.1f} MB, {self._failures()} failed; "
            f"{waiting:,} known to come, about {timedelta(seconds=round(left))}"
        )

    def _waiting(self) -> int:
        """Return how many requests are scheduled and not answered yet."""
        engine = self.crawler.engine
        scheduler = getattr(engine._slot, "scheduler", None) if engine else None
        return len(scheduler) + len(engine.downloader.active) if engine and scheduler is not None else 0

    def _failures(self) -> int:
        spider = self.crawler.spider
        return len(spider.ledgers.get("failures", [])) if isinstance(spider, CaptureSpider) else 0

    def closed(self) -> None:
        """End the bar."""
        if self.bar is not None:
            self.bar.close()


class Formatter(LogFormatter):
    """Names a capture by its address; Scrapy would print the whole body.

    What is shown only at level DEBUG is not even made at other levels: there is one such line for every page.
    """

    def __init__(self, *, talkative: bool = True) -> None:
        self.talkative = talkative

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Formatter":
        """Return the formatter of ``crawler``."""
        level = crawler.settings.get("LOG_LEVEL")
        number = logging.getLevelName(level) if isinstance(level, str) else level
        return cls(talkative=not isinstance(number, int) or number <= logging.DEBUG)

    def crawled(  # type: ignore[override]
        self, request: Request, response: Response, spider: Spider
    ) -> LogFormatterResult | None:
        """Return the line for a response (shown at level DEBUG)."""
        return super().crawled(request, response, spider) if self.talkative else None

    def scraped(  # type: ignore[override]
        self, item: Any, response: Response | Failure | None, spider: Spider
    ) -> LogFormatterResult | None:
        """Return the line for a capture that was written (shown at level DEBUG)."""
        if not self.talkative:
            return None
        return {"level": logging.DEBUG, "msg": "captured %(url)s (%(size)d bytes)", "args": _said(item)}

    def dropped(
        self, item: Any, exception: BaseException, response: Response | Failure | None, spider: Spider
    ) -> LogFormatterResult:
        """Return the line for a capture that was not kept because the crawl is ending."""
        args = {**_said(item), "why": str(exception)}
        return {
            "level": logging.WARNING,
            "msg": "did not keep %(url)s (%(size)d bytes): %(why)s",
            "args": args,
        }

    def item_error(
        self, item: Any, exception: BaseException, response: Response | Failure | None, spider: Spider
    ) -> LogFormatterResult:
        """Return the line for a capture that could not be written."""
        return {"level": logging.ERROR, "msg": "could not keep %(url)s (%(size)d bytes)", "args": _said(item)}


def _said(item: Any) -> dict[str, Any]:
    if isinstance(item, Visit):
        return {"url": item.capture.url, "size": len(item.capture.body)}
    if isinstance(item, Capture):
        return {"url": item.url, "size": len(item.body)}
    return {"url": item.url if isinstance(item, Carried) else item, "size": 0}
