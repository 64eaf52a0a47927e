"""``scrapy crawl`` with an honest end: one clear line, and an exit status that an operator can rely on.

0: a finished version stands there, and it is complete. 3: it stands there, but lacks captures that may be had another
time (they are named in its ``failures.jsonl``); the same command makes the next version, and fetches only what is
missing. 1: nothing was finished; what was captured is kept, and the same command goes on.
"""

import argparse
import sys
from typing import Any

from scrapy.commands import crawl

from datacards.errors import UserError
from datacards.store import Store
from spiders.base import CaptureSpider
from spiders.failures import NothingDueError
from spiders.keys import key
from spiders.pipelines import MADE, MISSING

INCOMPLETE = 3  # the exit status


class Command(crawl.Command):
    """Scrapy's own command returns 0 for a crawl that failed; this one does not."""

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Run one spider; print what was made or why not, without a traceback for what the user can mend."""
        if "crawl" not in sys.argv:
            sys.argv.insert(1, "crawl")  # Scrapy took it out; provenance shall read as it was typed
        try:
            self._run(args, opts.spargs)
        except NothingDueError as error:
            sys.stdout.write(f"{error.format_message()}\n")
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
        recipe = spider.recipe(asked, crawler.settings)
        if "version" not in given:
            # The default version is the day: what was stopped before midnight goes on under its own name.
            begun = Store.default().unfinished(spider.name, kind="captures", recipe=recipe)
            if begun and begun != asked.version:
                sys.stdout.write(f"going on with the stopped crawl {spider.name}@{begun}\n")
                given["version"] = begun
                asked = spider.read_arguments(given)
        store = Store.default()
        if ref := store.finished(spider.name, asked.version, recipe=recipe, made_from=()):
            if "version" not in given:
                ref = store.newest_of_day(spider.name, asked.version, recipe=recipe) or ref
            lacking = store.card(ref).counts.get("incomplete", 0)
            if not lacking or "version" in given:
                todo = "without -a version the same command asks again" if "version" in given else ""
                said = f"{ref} exists already, made from the same request: nothing to do"
                sys.stdout.write(f"{said}{_lacks(lacking, todo)}\n")
                self.exitcode = INCOMPLETE if lacking else 0
                return
            given["version"] = store.next_version(spider.name, asked.version)
            asked = spider.read_arguments(given)
            sys.stdout.write(f"{ref}{_lacks(lacking)}: going on as {spider.name}@{asked.version}\n")
        if spider.keyed:
            key()
        process.crawl(crawler, **given)
        process.start()
        if made := crawler.stats.get_value(MADE):
            lacking = crawler.stats.get_value(MISSING, 0)
            sys.stdout.write(f"made {made}{_lacks(lacking)}\n")
            self.exitcode = INCOMPLETE if lacking else 0
            return
        ended = crawler.spider
        raise (ended.failure if isinstance(ended, CaptureSpider) else None) or UserError(
            f"{spider.name}@{asked.version}",
            f"the crawl ended early ({crawler.stats.get_value('finish_reason', 'error')})",
            "nothing is lost",
            ended.again if isinstance(ended, CaptureSpider) else "run the same command again",
        )


def _lacks(number: int, todo: str = "the same command asks again") -> str:
    return (
        f"; INCOMPLETE: {number} captures are missing (failures.jsonl names them; {todo})" if number else ""
    )
