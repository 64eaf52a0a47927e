"""One crawl, one version: opens the draft, writes every capture into it, finishes it only after a whole crawl."""

import asyncio
import logging
import sqlite3
from contextlib import ExitStack, suppress
from pathlib import Path

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider, DropItem

from corpus.captures import INDEX
from corpus.document import Capture
from datacards.errors import UserError, from_os_error
from datacards.store import Draft, Store
from datacards.takedown.receipt import TakenDown
from spiders.account import account, missing, nothing, summary
from spiders.base import CaptureSpider
from spiders.progress import Progress
from spiders.records import Carried, Visit
from spiders.takedowns import TAKEN
from spiders.warc import Segments

MADE = "kanagura/made"  # the stat that says which version a crawl finished
MISSING = "kanagura/missing"  # the stat that says how many captures that version lacks
logger = logging.getLogger(__name__)


class CapturePipeline:
    """Holds the draft of the running crawl; ``segments`` is None before it opens and after it closed."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.stack = ExitStack()
        self.draft: Draft | None = None
        self.segments: Segments | None = None
        self.taken_down: TakenDown | None = None
        self.progress: Progress | None = None
        self.ending: asyncio.Future[None] | None = None
        self.limit = crawler.settings.getint("KANAGURA_MAX_BYTES")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "CapturePipeline":
        """Return the pipeline of ``crawler``, which learns from a signal why the spider closed."""
        pipeline = cls(crawler)
        crawler.signals.connect(pipeline.close, signal=signals.spider_closed)
        return pipeline

    @property
    def spider(self) -> CaptureSpider:
        """The running spider."""
        spider = self.crawler.spider
        if not isinstance(spider, CaptureSpider):
            raise TypeError(f"{spider} is no CaptureSpider")
        return spider

    def open_spider(self) -> None:
        """Open the draft, or the one that a stopped run of the same request left."""
        spider, store = self.spider, Store.default()
        try:
            draft = self.stack.enter_context(
                store.write(
                    name=spider.name,
                    version=spider.asked.version,
                    kind="captures",
                    recipe=spider.recipe(spider.asked, self.crawler.settings),
                    description=spider.description,
                )
            )
            earlier = _earlier(store, spider)
            segments = self.stack.enter_context(Segments(draft.path, work=draft.work, earlier=earlier))
        except UserError as error:
            spider.failure = error
            raise CloseSpider("failed") from error
        self.draft, self.segments, self.taken_down = draft, segments, TakenDown.read(store)
        self.progress = self.crawler.get_extension(Progress)
        spider.work = draft.work
        spider.earlier = lambda url: segments.rows.get(url, "earlier")
        spider.earlier_capture, spider.before = segments.find_earlier, earlier
        if number := len(segments.rows):
            logger.info("going on from %d captures of a stopped run", number)

    def process_item(self, item: Capture | Visit | Carried) -> Visit | Carried:
        """Write a capture; end the crawl clearly when the disk refuses."""
        if isinstance(item, Capture):
            item = Visit(item)
        if self.segments is None or self.spider.failure:
            raise DropItem("the crawl is ending")
        url = item.url if isinstance(item, Carried) else item.capture.url
        said = item if isinstance(item, Carried) else item.capture
        # What is no answer to a request, an article of a dump, is met here first (see ``spiders.takedowns``).
        if self.taken_down and (by := self.taken_down.by(url, said.source, said.meta)):
            self.spider.note_failure(url, "taken_down", by)
            raise DropItem(f"{TAKEN} {by}")
        try:
            self._write(self.segments, url, item)
        except OSError as error:
            self._end(from_os_error(error, f"{self.spider.name}@{self.spider.asked.version}"))
            raise DropItem("it could not be written") from error
        except sqlite3.Error as error:
            self._end(
                UserError(
                    f"{self.spider.name}@{self.spider.asked.version}",
                    f"the index of the crawl cannot be written ({error})",
                    "what was captured is kept",
                    "free space on the disk, then run the same command again",
                )
            )
            raise DropItem("it could not be indexed") from error
        if self.segments.written > self.limit:
            self._end(
                UserError(
                    self.spider.name,
                    f"more than {self.limit:,} bytes of new pages (KANAGURA_MAX_BYTES)",
                    "what was captured is kept",
                    "raise the limit with -s if the site is that large, then run the same command again",
                )
            )
        if self.progress is not None:
            self.progress.captured(item)
        return item

    def _write(self, segments: Segments, url: str, item: Visit | Carried) -> None:
        row = segments.rows.get(url)
        if isinstance(item, Carried):
            if row is None:
                segments.carry(item)
            return
        said = (item.capture.sha256, item.capture.meta.get("problem", ""))
        if row is None or row["state"] == "carried" or (row["sha256"], row["problem"]) != said:
            segments.write(item)

    def _end(self, failure: UserError) -> None:
        self.spider.failure = self.spider.failure or failure
        # Scrapy logs what a pipeline raises and crawls on, so the end must be asked for.
        self.ending = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason="failed"))

    def close(self, reason: str) -> None:
        """Finish the version after a whole crawl; leave the draft for the next run after any other end."""
        if self.draft is None or self.segments is None:
            return
        spider, draft, segments = self.spider, self.draft, self.segments
        self.segments = None
        broken = self.crawler.stats.get_value("spider_exceptions/count", 0)
        if reason == "finished" and broken:
            spider.failure = UserError(
                spider.name, f"{broken} pages could not be read (see the log above)", "", "report it"
            )
        elif reason == "finished" and not segments.rows.number("problem = '' AND kind != 'redirect'"):
            spider.failure = UserError(spider.name, nothing(spider), "", "check the dates and the addresses")
        if reason != "finished" or spider.failure:
            with suppress(OSError):  # a full disk was reported when it was met
                segments.close()
            self._leave(CloseSpider(reason))
            return
        try:
            segments.close(index=True)
            spider.conclude(segments.rows.get)
            account(draft, segments, spider, self.crawler.stats)
            held = segments.rows.counted("body_version")
            refs = Store.default().refs(spider.name)
            draft.made_from = [ref for ref in refs if ref.version in held]
            told, lacking = summary(draft), missing(draft)
            _heed(TakenDown.read(Store.default()), segments, f"{spider.name}@{spider.asked.version}")
            self.stack.close()
        except OSError as error:
            spider.failure = from_os_error(error, spider.name)
            self._leave(error)
        except UserError as error:
            spider.failure = error
            self._leave(error)
        else:
            ref = f"{spider.name}@{spider.asked.version}"
            self.crawler.stats.set_value(MADE, f"{ref}: {told}")
            self.crawler.stats.set_value(MISSING, lacking)

    def _leave(self, error: Exception) -> None:
        """Leave the draft as it is: the store's block must end with an error to be left unfinished."""
        with suppress(OSError, UserError):
            self.stack.__exit__(type(error), error, error.__traceback__)


def _heed(taken_down: TakenDown, segments: Segments, label: str) -> None:
    """Raise UserError when a takedown names a capture that the crawl made before there was the takedown."""
    for row in segments.rows if taken_down else ():
        if by := taken_down.by(row["url"], row["source"], {}):
            raise UserError(
                label, f"holds {row['url']}, which {by} names", "", "delete its draft, then crawl again"
            )


def _earlier(store: Store, spider: CaptureSpider) -> list[Path]:
    """Return the folders of the finished versions of the same crawl that are not withdrawn, oldest first."""
    withdrawn = store.withdrawn()
    refs = [ref for ref in store.refs(spider.name) if str(ref) not in withdrawn]
    folders = [store.path(ref) for ref in refs if ref.version != spider.asked.version]
    return [folder for folder in folders if (folder / INDEX).is_file()]
