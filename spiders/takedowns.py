"""Asks for nothing that a takedown names: an address, a source, a company."""

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest

from datacards.store import Store
from datacards.takedown.receipt import TakenDown

TAKEN = "taken down by"


class Takedowns:
    """A downloader middleware: what the takedowns of the store name is counted as disallowed, and never asked for."""

    def __init__(self, taken_down: TakenDown) -> None:
        self.taken_down = taken_down

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Takedowns":
        """Return the middleware of ``crawler``, with the takedowns of the store as they are when it begins."""
        return cls(TakenDown.read(Store.default()))

    def process_request(self, request: Request) -> None:
        """Refuse a request that a takedown names; one about a site, such as robots.txt, has no errand."""
        errand = request.cb_kwargs.get("errand")
        if errand and (by := self.taken_down.by(request.url, errand.source, errand.about)):
            raise IgnoreRequest(f"{TAKEN} {by}")
