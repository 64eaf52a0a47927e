"""Asks nothing twice: a stopped run's captures answer, and what earlier versions hold is asked for only if changed."""

from typing import Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes

from corpus.document import Capture
from spiders.base import headers_of
from spiders.pipelines import CapturePipeline
from spiders.warc import Segments

#: What the index keeps of a response -> the header that asks whether it is still true (RFC 9110, section 13.1).
_VALIDATORS = {"etag": "If-None-Match", "last_modified": "If-Modified-Since"}
_OF_BODY = (b"content-length", b"content-encoding", b"content-type", b"content-range", b"transfer-encoding")


class Replay:
    """A downloader middleware: what the stopped run captured answers, with the capture in ``meta["replayed"]``."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Return the middleware of ``crawler``."""
        return cls(crawler)

    @property
    def segments(self) -> Segments | None:
        """The captures of the running crawl."""
        pipeline = self.crawler.get_item_pipeline(CapturePipeline)
        return pipeline.segments if pipeline else None

    def process_request(self, request: Request) -> Response | None:
        """Return the response that the stopped run captured, or None to let the request go out."""
        segments = self.segments
        if segments is None or not _is_page(request):
            return None
        # What was kept aside is asked for again: the trouble may be over.
        row = None if request.meta.get("retry_times") else segments.rows.get(request.url)
        # What was only carried may be due now.
        capture = (
            segments.find(request.url) if row and not row["problem"] and row["state"] != "carried" else None
        )
        if capture is None:
            return None
        request.meta["replayed"] = capture
        request.meta["dont_retry"] = True
        return response_of(capture)


class Unchanged(Replay):
    """A downloader middleware: asks whether what an earlier version holds has changed.

    A request that a server answers with 304 gets the body of the earlier version, and the headers of the 304 in
    ``meta["not_modified"]``. What reads signals stands in front of it: a 304 repeats neither page nor most headers.
    """

    def process_request(self, request: Request) -> None:
        """Add what asks whether the page has changed."""
        segments = self.segments
        if segments is None or not _is_page(request) or "unconditional" in request.meta:
            return
        row = segments.rows.get(request.url, "earlier") or {}
        for name, asking in _VALIDATORS.items():
            if row.get(name):
                request.headers[asking] = row[name].encode("latin-1", "replace")
                request.meta["conditional"] = True

    def process_response(self, request: Request, response: Response) -> Response | Request:
        """Return the earlier version's body for a 304, or the request anew if that body is damaged."""
        segments = self.segments
        if response.status != 304 or "conditional" not in request.meta or segments is None:
            return response
        capture = segments.find_earlier(request.url)
        if capture is None:
            again = request.replace(dont_filter=True, meta={**request.meta, "unconditional": True})
            for asking in _VALIDATORS.values():
                again.headers.pop(asking, None)
            again.meta.pop("conditional")
            return again
        request.meta["not_modified"] = headers_of(response)
        found = response_of(capture)
        for (
            name,
            values,
        ) in response.headers.items():  # RFC 9111, section 3.2: these take the place of the old ones
            if name.lower() not in _OF_BODY:
                found.headers[name] = values
        return found


def _is_page(request: Request) -> bool:
    """Return whether a request is for a page; a file about the host, or a piece of a file, is none."""
    return "errand" in request.cb_kwargs and "Range" not in request.headers


def response_of(capture: Capture) -> Response:
    """Return the capture as the response that Scrapy would have made of it."""
    headers = Headers()
    for name, value in capture.headers:
        headers.appendlist(name.removeprefix("X-Crawl-"), value.encode("latin-1"))
    for name in ("Content-Encoding", "Transfer-Encoding"):  # the body is kept decoded
        headers.pop(name, None)
    kind = responsetypes.from_args(headers=headers, url=capture.url, body=capture.body)
    return kind(capture.url, status=capture.status, headers=headers, body=capture.body)
