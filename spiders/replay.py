"""Answers requests from the captures of a stopped run, so that a resumed crawl fetches nothing twice."""

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes

from corpus.document import Capture
from spiders.pipelines import CapturePipeline


class Replay:
    """A downloader middleware; a request with ``meta["replayed"]`` was answered by that capture."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Replay":
        """Return the middleware of ``crawler``."""
        return cls(crawler)

    def process_request(self, request: Request) -> Response | None:
        """Return the response that an earlier run captured, or None to let the request go out."""
        pipeline = self.crawler.get_item_pipeline(CapturePipeline)
        if pipeline is None or request.meta.get("retry_times") or "Range" in request.headers:
            return None  # a piece of a file is no page that could have been captured
        capture = pipeline.earlier(request.url)
        if capture is None:
            return None
        request.meta["replayed"] = capture
        request.meta["dont_retry"] = True
        return response_of(capture)


def response_of(capture: Capture) -> Response:
    """Return the capture as the response that Scrapy would have made of it."""
    headers = Headers()
    for name, value in capture.headers:
        headers.appendlist(name.removeprefix("X-Crawl-"), value.encode("latin-1"))
    for name in ("Content-Encoding", "Transfer-Encoding"):  # the body is kept decoded
        headers.pop(name, None)
    kind = responsetypes.from_args(headers=headers, url=capture.url, body=capture.body)
    return kind(capture.url, status=capture.status, headers=headers, body=capture.body)
