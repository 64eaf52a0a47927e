"""Keeps the EDINET key out of everything that stays: it joins the request at the socket and nowhere else."""

import logging
import os
import re
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import CannotResolveHostError, IgnoreRequest
from scrapy.http import Response
from w3lib.url import add_or_replace_parameter

from datacards.errors import UserError
from spiders.addresses import SETTING, Addresses
from spiders.bounds import PRIVATE, BoundedFactory, private_address_of
from spiders.pace import Pace

VARIABLE = "EDINET_API_KEY"
PARAMETER = "Subscription-Key"  # EDINET API v2, section 3: the key is a query parameter of every request
HIDDEN = "HIDDEN"
REQUESTS, BYTES = "kanagura/requests", "kanagura/bytes"  # stats: what went over the network, as it was sent
_IN_TEXT = re.compile(rf"({PARAMETER}=)[^&\s\"'<>]+", re.IGNORECASE)


def key() -> str:
    """Return the EDINET key; raise UserError when the environment has none."""
    found = os.environ.get(VARIABLE, "").strip()
    if not found:
        raise UserError(
            VARIABLE, "is not set", "EDINET answers only with a key", "get one from EDINET and export it"
        )
    return found


def redact(text: str) -> str:
    """Return ``text`` without the key, whether it stands in a query or alone."""
    text = _IN_TEXT.sub(rf"\g<1>{HIDDEN}", text)
    found = os.environ.get(VARIABLE, "").strip()
    return text.replace(found, HIDDEN) if len(found) >= 8 else text


class KeyedDownloadHandler(HTTP11DownloadHandler):
    """Scrapy's HTTP handler; it adds the key to requests that ask for it, behind everything that logs.

    A request asks with ``meta["keyed"]``; the key goes only to the base address ``edinet``. A response that
    repeats the key (in a redirect, in an error page) is redacted before anything sees it.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool._factory = BoundedFactory
        self._crawler = crawler
        self._bases = crawler.settings.get(SETTING)

    async def download_request(self, request: Request) -> Response:
        """Return the response to ``request``, under the address without the key, when it is its turn."""
        pace = self._crawler.get_extension(Pace)
        if pace is None:
            return await self._download(request)
        await pace.turn(request.url)
        try:
            response = await self._download(request)
        except CannotResolveHostError as error:
            if address := private_address_of(request.url):
                raise IgnoreRequest(f"{urlsplit(request.url).hostname} {PRIVATE} {address}") from error
            pace.failed(request, error)
            raise
        except Exception as error:
            error.args = tuple(redact(said) if isinstance(said, str) else said for said in error.args)
            pace.failed(request, error)
            raise
        pace.answered(request, response)
        self._crawler.stats.inc_value(REQUESTS)
        self._crawler.stats.inc_value(BYTES, len(response.body))
        return response

    async def _download(self, request: Request) -> Response:
        if not request.meta.get("keyed"):
            return await super().download_request(request)
        if Addresses.read(self._bases, ("edinet",)).key_of(request.url) != "edinet":
            raise ValueError(f"the key of EDINET was asked for by {request.url}")
        keyed = request.replace(url=add_or_replace_parameter(request.url, PARAMETER, key()))
        keyed.headers["Accept-Encoding"] = "identity"  # what is packed could hide the key
        response = await super().download_request(keyed)
        for name in ("download_latency", "download_timeout"):
            if name in keyed.meta:
                request.meta[name] = keyed.meta[name]
        return _without(response.replace(url=request.url), key())


class Redact:
    """A downloader middleware: hides the key in what a server packed although it was not to, once it is unpacked."""

    def process_response(self, request: Request, response: Response) -> Response:
        """Return the response without the key."""
        return _without(response, key()) if request.meta.get("keyed") else response


def _without(response: Response, secret: str) -> Response:
    hidden, found = HIDDEN.encode(), secret.encode()
    for name, values in list(response.headers.items()):
        if any(found in value for value in values):
            response.headers[name] = [value.replace(found, hidden) for value in values]
    return response.replace(body=response.body.replace(found, hidden)) if found in response.body else response


class RedactLogs(logging.Filter):
    """A Scrapy extension that hides the key in every log line, should anything ever name it."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "RedactLogs":
        """Attach the filter to the handlers that write the log, now and when Scrapy has put its own in their place."""
        found = cls()
        found.attach()
        for moment in (signals.engine_started, signals.spider_opened):
            crawler.signals.connect(found.attach, signal=moment)
        return found

    def attach(self) -> None:
        """Filter every handler of the root logger."""
        for handler in logging.getLogger().handlers:
            handler.addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record; it is always kept."""
        text = record.getMessage()
        if (hidden := redact(text)) != text:
            record.msg, record.args = hidden, None
        if record.exc_info and redact(trace := logging.Formatter().formatException(record.exc_info)) != trace:
            record.exc_info, record.exc_text = None, redact(trace)
        return True
