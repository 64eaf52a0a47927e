"""One crawl, one version: opens the draft, writes every capture into it, finishes it only after a whole crawl."""

import asyncio
import json
import logging
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider, DropItem

from corpus.captures import INDEX
from corpus.document import Capture
from datacards.errors import UserError, from_os_error
from datacards.rights import counted
from datacards.store import Draft, Store
from spiders.base import CaptureSpider
from spiders.warc import Segments

MADE = "kanagura/made"  # the stat that says which version a crawl finished
logger = logging.getLogger(__name__)


class CapturePipeline:
    """Holds the draft of the running crawl; ``segments`` is None before it opens and after it closed."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.stack = ExitStack()
        self.draft: Draft | None = None
        self.segments: Segments | None = None
        self.ending: asyncio.Future[None] | None = None

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
        spider = self.spider
        try:
            draft = self.stack.enter_context(
                Store.default().write(
                    name=spider.name,
                    version=spider.asked.version,
                    kind="captures",
                    recipe=spider.request(spider.asked, self.crawler.settings),
                    description=spider.description,
                )
            )
            self.segments = self.stack.enter_context(Segments(draft.path))
        except UserError as error:
            spider.failure = error
            raise CloseSpider("failed") from error
        self.draft = draft
        spider.work = draft.work
        if self.segments.rows:
            logger.info("going on from %d captures of a stopped run", len(self.segments.rows))

    def earlier(self, url: str) -> Capture | None:
        """Return the good capture of ``url`` that the draft holds already, or None.

        What was kept aside is asked for again: the trouble may be over.
        """
        row = self.segments.rows.get(url) if self.segments else None
        if row is None or self.segments is None or row["problem"]:
            return None
        return self.segments.find(url)

    def process_item(self, item: Capture) -> Capture:
        """Write a capture; end the crawl clearly when the disk refuses."""
        if self.segments is None or self.spider.failure:
            raise DropItem("the crawl is ending")
        row = self.segments.rows.get(item.url)
        if row and (row["sha256"], row["fetched_at"]) == (item.sha256, item.fetched_at):
            return item  # replayed
        try:
            self.segments.write(item)
        except OSError as error:
            self.spider.failure = from_os_error(error, f"{self.spider.name}@{self.spider.asked.version}")
            # Scrapy logs what a pipeline raises and crawls on, so the end must be asked for.
            self.ending = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason="failed"))
            raise DropItem("it could not be written") from error
        return item

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
        elif reason == "finished" and not any(_good(row) for row in segments.rows.values()):
            spider.failure = UserError(spider.name, _nothing(spider), "", "check the dates and the addresses")
        if reason != "finished" or spider.failure:
            with suppress(OSError):  # a full disk was reported when it was met
                segments.close()
            self._leave(CloseSpider(reason))
            return
        try:
            segments.close(index=True)
            self._describe(draft, segments)
            self.stack.close()
        except OSError as error:
            spider.failure = from_os_error(error, spider.name)
            self._leave(error)
        except UserError as error:
            spider.failure = error
            self._leave(error)
        else:
            ref = f"{spider.name}@{spider.asked.version}"
            self.crawler.stats.set_value(MADE, f"{ref}: {_summary(draft)}")

    def _leave(self, error: Exception) -> None:
        """Leave the draft as it is: the store's block must end with an error to be left unfinished."""
        with suppress(OSError, UserError):
            self.stack.__exit__(type(error), error, error.__traceback__)

    def _describe(self, draft: Draft, segments: Segments) -> None:
        spider, rows = self.spider, list(segments.rows.values())
        draft.rows[INDEX] = len(rows)
        draft.counts.update(spider.counts)
        draft.counts["captures"] = len(rows)
        draft.counts["kept_aside"] = sum(bool(row["problem"]) for row in rows)
        failures = Counter(row["reason"] for row in spider.ledgers.get("failures", []))
        draft.counts["disallowed"] = failures["robots_disallowed"]
        draft.counts["failed"] = failures.total() - failures["robots_disallowed"]
        for column in ("status", "media_type", "kind"):
            draft.counts.update(Counter(f"{column} {row[column] or 'none'}" for row in rows))
        draft.drops.update(row["problem"] for row in rows if row["problem"])
        draft.drops.update(failures)
        draft.rights = counted(Counter(row["license"] for row in rows))
        for stale in draft.path.glob("*.jsonl"):  # of a run that was killed while it finished
            stale.unlink()
        for name, ledger in spider.ledgers.items():
            draft.rows[f"{name}.jsonl"] = len(ledger)
            _write_lines(draft.path / f"{name}.jsonl", ledger)


def _good(row: dict[str, Any]) -> bool:
    return not row["problem"] and row["kind"] != "redirect"


def _nothing(spider: CaptureSpider) -> str:
    reasons = Counter(row["reason"] for row in spider.ledgers.get("failures", []))
    said = ", ".join(f"{reason} {count} times" for reason, count in sorted(reasons.items()))
    return f"nothing was captured ({said or 'every page was missing'})"


def _summary(draft: Draft) -> str:
    counts = draft.counts
    return (
        f"{counts['captures']} captures, {counts['kept_aside']} of them kept aside, {counts['failed']} failed"
    )


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    lines = sorted(json.dumps(row, ensure_ascii=False, sort_keys=True) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
