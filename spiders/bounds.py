"""What no crawl does, whatever a page says: it reads nothing inside of a private network and asks for no endless address."""

import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import (
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
    _LenientHTTPClientParser,
)
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.resolver import CachingThreadedResolver, dnscache
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError
from twisted.web.iweb import IResponse

PRIVATE = "resolves to the private address"
TOO_LONG = "address of"
MAX_HEADERS = 256 << 10  # bytes of the headers of a response; a capture of more could not be read back


class Bounds:
    """A downloader middleware.

    Scrapy itself drops a long address without a word and follows a redirect of robots.txt wherever it leads.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._longest = crawler.settings.getint("URLLENGTH_LIMIT")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Bounds":
        """Return the middleware of ``crawler``."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Refuse an address that is too long, and a redirect into a private network."""
        if len(request.url) > self._longest:
            raise IgnoreRequest(f"{TOO_LONG} {len(request.url)} characters")
        host = urlsplit(request.url).hostname or ""
        before = {urlsplit(url).hostname for url in request.meta.get("redirect_urls", ())}
        if before and host not in before and _is_private(host):
            raise IgnoreRequest(f"it redirects to the private address {host}")


class _Parser(_LenientHTTPClientParser):
    """Scrapy's parser of responses, which reads as many header lines as a server likes to send."""

    _size = 0

    def headerReceived(self, name: bytes, value: bytes) -> None:  # noqa: N802  Twisted's name
        self._size += len(name) + len(value) + 4
        if self._size > MAX_HEADERS:
            raise ValueError(f"more than {MAX_HEADERS} bytes of headers")
        super().headerReceived(name, value)  # type: ignore[no-untyped-call]


class _Protocol(_LenientHTTP11ClientProtocol):
    def request(self, request: Any) -> "Deferred[IResponse]":
        found = super().request(request)
        self._parser.__class__ = _Parser  # as Scrapy itself does: Twisted's class is not to be chosen
        return found


class BoundedFactory(_LenientHTTP11ClientFactory):
    """Makes the connections of a download handler; a response with endless headers is none."""

    def buildProtocol(self, addr: Any) -> _Protocol:  # noqa: N802  Twisted's name
        """Return the protocol of one connection."""
        return _Protocol(self._quiescentCallback)  # type: ignore[no-untyped-call]


class PublicResolver(CachingThreadedResolver):
    """Refuses host names that lead into a private network; ``localhost`` and addresses given as numbers are meant.

    A public name that resolves to 10.0.0.1 would let a stranger's page read what only this network may see.
    """

    def __init__(self, reactor: ReactorBase, cache_size: int, timeout: float) -> None:
        super().__init__(reactor, cache_size, timeout)
        proxies = (proxy if "//" in proxy else f"//{proxy}" for proxy in getproxies().values())
        self._allowed = {"localhost", *(urlsplit(proxy).hostname for proxy in proxies)}

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> "Deferred[str]":  # noqa: N802  Twisted's name
        """Return the address of ``name``; fail for one that is not global."""
        found = super().getHostByName(name, timeout)
        if name not in self._allowed and not _is_number(name):
            found.addCallback(_public, name)
        return found


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def private_address_of(url: str) -> str:
    """Return the private address that the host name of ``url`` was found to lead to, or "".

    Twisted says of a refused name only that there is no result.
    """
    host = urlsplit(url).hostname or ""
    address = "" if _is_number(host) else dnscache.get(host) or ""
    return "" if not address or ipaddress.ip_address(address).is_global else address


def _is_private(host: str) -> bool:
    return host == "localhost" or (_is_number(host) and not ipaddress.ip_address(host).is_global)


def _public(address: str, name: str) -> str:
    if not ipaddress.ip_address(address).is_global:
        raise DNSLookupError(f"{name} {PRIVATE} {address}")
    return address
