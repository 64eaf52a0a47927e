"""One document, one identity: where the Bank of Japan moved its pages to, and how else a link to them is spelled."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from spiders.addresses import Addresses

MOVED = 2011  # older speeches and press conferences are on the archive host
_PRESS = re.compile(r"^(?P<en>/en)?/(?:announcements|about)/press/(?P<rest>.*)$")
_YEAR = re.compile(r"^(?:koen|kaiken)_(?P<year>\d{4})/")


class Address(NamedTuple):
    """``url`` is the one address of a page; ``spelled`` is how the link had it, which may be where it was before."""

    url: str
    spelled: str


def address(link: str, page: str, addresses: Addresses) -> Address | None:
    """Return the identity of what ``link``, found on ``page``, leads to; None when that is another site.

    Besides what ``Addresses.canonical`` brings together, a folder is its ``index.htm``, and a page below
    ``/announcements/press/`` is the one below ``/about/press/``, or on the archive host for a year before 2011.
    """
    spelled = addresses.canonical(link, page)
    if not spelled:
        return None
    parts = urlsplit(spelled)
    path = parts.path + "index.htm" if parts.path.endswith("/") else parts.path
    key = "boj" if spelled.startswith(addresses.bases["boj"] + "/") else addresses.key_of(spelled)
    if key == "boj":
        key, path = _now_at(path)
    query = f"?{parts.query}" if parts.query else ""
    return Address(addresses.url(key, path) + query, spelled)


def _now_at(path: str) -> tuple[str, str]:
    """Return the base and the path where a page of the main host is today."""
    found = _PRESS.match(path)
    if not found:
        return "boj", path
    english, rest = found["en"] or "", found["rest"]
    year = _YEAR.match(rest)
    if year and int(year["year"]) < MOVED:
        return "boj_archive", f"/archive{english}/announcements/press/{rest}"
    return "boj", f"{english}/about/press/{rest}"
