"""What no crawl does, whatever a page says: it reads nothing inside of a private network and asks for no endless address."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit
from urllib.request import getproxies

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.resolver import CachingThreadedResolver
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError

PRIVATE = "resolves to the private address"
TOO_LONG = "address of"


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


def _is_private(host: str) -> bool:
    return host == "localhost" or (_is_number(host) and not ipaddress.ip_address(host).is_global)


def _public(address: str, name: str) -> str:
    if not ipaddress.ip_address(address).is_global:
        raise DNSLookupError(f"{name} {PRIVATE} {address}")
    return address
