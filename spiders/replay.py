"""Asks nothing twice: a stopped run's captures answer, and what earlier versions hold is asked for only if changed."""

import logging

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes

from corpus.document import Capture
from datacards.errors import UserError
from spiders.base import headers_of
from spiders.pipelines import CapturePipeline
from spiders.warc import Segments

#: What the index keeps of a response -> the header that asks whether it is still true (RFC 9110, section 13.1).
_VALIDATORS = {"etag": "If-None-Match", "last_modified": "If-Modified-Since"}
logger = logging.getLogger(__name__)


class Replay:
    """A downloader middleware.

    A request with ``meta["replayed"]`` was answered by that capture of the stopped run. One that a server answers
    with 304 gets the body of the earlier version, and the headers of the 304 in ``meta["not_modified"]``.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Replay":
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
        if segments is None or "errand" not in request.cb_kwargs or "Range" in request.headers:
            return None  # a file of the host's own, or a piece of one, is no page that is captured
        # What was kept aside is asked for again: the trouble may be over.
        row = None if request.meta.get("retry_times") else segments.rows.get(request.url)
        capture = segments.find(request.url) if row and not row["problem"] else None
        if capture is None:
            self._ask_whether_changed(request, segments)
            return None
        request.meta["replayed"] = capture
        request.meta["dont_retry"] = True
        return response_of(capture)

    def _ask_whether_changed(self, request: Request, segments: Segments) -> None:
        row = segments.rows.get(request.url, "earlier")
        if row is None or "unconditional" in request.meta:
            return
        for name, asking in _VALIDATORS.items():
            if row[name]:
                request.headers[asking] = row[name].encode("latin-1", "replace")
                request.meta["conditional"] = True

    def process_response(self, request: Request, response: Response) -> Response | Request:
        """Return the earlier version's body for a 304, or the request anew if that body is damaged."""
        segments = self.segments
        if response.status != 304 or "conditional" not in request.meta or segments is None:
            return response
        try:
            capture = segments.find_earlier(request.url)
        except UserError as error:
            logger.warning("%s; it is fetched again", error.format_message())
            capture = None
        if capture is None:
            again = request.replace(dont_filter=True, meta={**request.meta, "unconditional": True})
            for asking in _VALIDATORS.values():
                again.headers.pop(asking, None)
            again.meta.pop("conditional")
            return again
        request.meta["not_modified"] = headers_of(response)
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
