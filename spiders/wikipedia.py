"""The spider of a Wikipedia dump: the pages-articles file of one date, checked against the published SHA-1.

Limit: a response passes through memory as a whole, and so does a capture, so a file of more than
``DOWNLOAD_MAXSIZE`` (1 GiB here) is refused with a clear message. The whole Japanese dump (about 4.5 GB) is
larger; until captures are streamed, ``-s DOWNLOAD_MAXSIZE=5000000000`` fetches it on a machine with some
16 GB of free memory.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field
from scrapy import Request
from scrapy.http import Response

from spiders.base import Arguments, CaptureSpider, Errand, Found


class WikipediaArguments(Arguments):
    """``date`` of the dump as YYYYMMDD, or latest; ``wiki`` as in the dump's path."""

    date: Annotated[str, Field(pattern=r"^(\d{8}|latest)$")] = "latest"
    wiki: Annotated[str, Field(pattern=r"^[a-z_]+wiki$")] = "jawiki"


class Wikipedia(CaptureSpider):
    """One dump: its list of sums, then the file, which must have the sum that the list says."""

    name = "wikipedia"
    description = "A dump of the articles of the Japanese Wikipedia, as fetched"
    license = "CC-BY-SA-4.0"
    bases = ("wikipedia",)
    arguments = WikipediaArguments
    transient = frozenset({"sha1_mismatch"})
    custom_settings = {"DOWNLOAD_MAXSIZE": 1 << 30, "DOWNLOAD_TIMEOUT": 3600}  # noqa: RUF012  Scrapy declares it so
    asked: WikipediaArguments

    def first(self) -> Iterable[Request]:
        """Ask for the list of sums: it also says which date the latest dump has."""
        wiki, date = self.asked.wiki, self.asked.date
        url = self.addresses.url("wikipedia", f"/{wiki}/{date}/{wiki}-{date}-sha1sums.txt")
        yield self.ask(url, {"kind": "index"}, self._dump, vital=True)

    def _dump(self, response: Response | None, errand: Errand) -> Found:
        if response is None:
            return
        wiki = self.asked.wiki
        name = re.compile(
            rf"^([0-9a-f]{{40}}) [ *]({wiki}-(\d{{8}})-pages-articles\.xml\.bz2)$", re.MULTILINE
        )
        match = name.search(response.body.decode("utf-8", "replace"))
        if match is None:
            self.give_up(response.url, "lists no pages-articles.xml.bz2", "check the date of the dump")
        sha1, file, date = match.groups()
        about = {
            "kind": "dump",
            "title": file,
            "language": wiki.removesuffix("wiki"),
            "date": date,
            "published_at": f"{date[:4]}-{date[4:6]}-{date[6:]}",
            "sha1": sha1,
        }
        yield self.ask(self.addresses.url("wikipedia", f"/{wiki}/{date}/{file}"), about, vital=True)

    def problem(self, response: Response, errand: Errand) -> str:
        """Compare the file's SHA-1 with the published one."""
        found = super().problem(response, errand)
        if found or "sha1" not in errand.about:
            return found
        sha1 = hashlib.sha1(response.body, usedforsecurity=False).hexdigest()
        return "" if sha1 == errand.about["sha1"] else "sha1_mismatch"
