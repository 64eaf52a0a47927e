"""``scrapy crawl`` with an honest end: one clear line, and status 0 only when a finished version stands there."""

import argparse
import sys
from typing import Any

from scrapy.commands import crawl

from datacards.errors import UserError
from datacards.store import Store
from spiders.base import CaptureSpider
from spiders.keys import key
from spiders.pipelines import MADE


class Command(crawl.Command):
    """Scrapy's own command returns 0 for a crawl that failed; this one does not."""

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Run one spider; print what was made or why not, without a traceback for what the user can mend."""
        if "crawl" not in sys.argv:
            sys.argv.insert(1, "crawl")  # Scrapy took it out; provenance shall read as it was typed
        try:
            self._run(args, opts.spargs)
        except UserError as error:
            error.show()
            self.exitcode = 1

    def _run(self, args: list[str], given: dict[str, Any]) -> None:
        process = self.crawler_process
        assert process is not None  # noqa: S101  Scrapy sets it before it runs a command
        known = sorted(process.spider_loader.list())
        if len(args) != 1 or args[0] not in known:
            said = f"no spider named {' '.join(args)!r}" if args else "names no spider"
            raise UserError("scrapy crawl", said, f"spiders: {', '.join(known)}", "name one")
        spider = process.spider_loader.load(args[0])
        assert issubclass(spider, CaptureSpider)  # noqa: S101  the house has no other kind
        asked = spider.read_arguments(given)
        crawler = process.create_crawler(spider)
        recipe = spider.request(asked, crawler.settings)
        if "version" not in given:
            # The default version is the day: what was stopped before midnight goes on under its own name.
            begun = Store.default().unfinished(spider.name, kind="captures", recipe=recipe)
            if begun and begun != asked.version:
                sys.stdout.write(f"going on with the stopped crawl {spider.name}@{begun}\n")
                given["version"] = begun
                asked = spider.read_arguments(given)
        if ref := Store.default().finished(spider.name, asked.version, recipe=recipe, made_from=()):
            sys.stdout.write(f"{ref} exists already, made from the same request: nothing to do\n")
            return
        if spider.keyed:
            key()
        process.crawl(crawler, **given)
        process.start()
        if made := crawler.stats.get_value(MADE):
            sys.stdout.write(f"made {made}\n")
            return
        ended = crawler.spider
        raise (ended.failure if isinstance(ended, CaptureSpider) else None) or UserError(
            f"{spider.name}@{asked.version}",
            f"the crawl ended early ({crawler.stats.get_value('finish_reason', 'error')})",
            "nothing is lost",
            ended.again if isinstance(ended, CaptureSpider) else "run the same command again",
        )
