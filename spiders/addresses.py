"""One page, one address: base addresses from the settings, and every spelling of a link brought to one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from datacards.errors import UserError
from spiders.settings import KANAGURA_BASE_URLS

SETTING = "KANAGURA_BASE_URLS"


@dataclass(frozen=True, slots=True)
class Addresses:
    """The base addresses of one crawl, by key; ``bases[key]`` is ``scheme://host[:port]`` without a path.

    ``published`` are the publishers' own addresses where ``bases`` name copies of them.
    """

    bases: Mapping[str, str]
    published: Mapping[str, str] = field(default_factory=lambda: KANAGURA_BASE_URLS)

    @classmethod
    def read(
        cls, given: Any, keys: tuple[str, ...], published: Mapping[str, str] | None = None
    ) -> "Addresses":
        """Return the addresses for ``keys`` out of the setting's value (a mapping, or its JSON text).

        ``published`` are addresses that are known from elsewhere; the setting goes before them. Raises UserError
        for text that is no JSON object, a missing key, or an address with a path.
        """
        published = published or {}
        if isinstance(given, str):
            try:
                given = json.loads(given)
            except ValueError as error:
                raise UserError(SETTING, f"is no JSON: {error}", todo="give a JSON object") from error
        if not isinstance(given, Mapping):
            raise UserError(SETTING, f"is a {type(given).__name__}", todo="give a JSON object")
        given = {**published, **given}
        if missing := [key for key in keys if key not in given]:
            raise UserError(
                SETTING, f"has no address for '{missing[0]}'", f"needed here: {', '.join(keys)}", "add it"
            )
        bases = {key: str(given[key]).rstrip("/") for key in keys}
        for key, base in bases.items():
            if not _is_base(base):
                raise UserError(SETTING, f"{key} = {base!r}", "scheme://host or scheme://host:port")
        return cls(bases, {**KANAGURA_BASE_URLS, **published})

    def url(self, key: str, path: str) -> str:
        """Return the address of ``path`` (it begins with a slash) at the base ``key``."""
        return self.bases[key] + path

    def canonical(self, link: str, page: str = "") -> str:
        """Return the one address that ``link``, found on ``page``, stands for; "" when it leads elsewhere.

        Scheme, a dot behind the host name, a slash behind a file name and the fragment make no other page;
        a link to the publisher's real host means the base that stands for it in this crawl.
        """
        try:
            parts = urlsplit(urljoin(page, link.strip()))
            base = self._base(parts.hostname or "", parts.port)
        except ValueError:  # a port or bracket that is none
            return ""
        if not base or parts.scheme not in ("http", "https"):
            return ""
        path = parts.path or "/"
        if path.endswith("/") and "." in path.rstrip("/").rsplit("/", 1)[-1]:
            path = path.rstrip("/")
        own = urlsplit(base)
        return urlunsplit((own.scheme, own.netloc, path, parts.query, ""))

    def _base(self, host: str, port: int | None) -> str:
        host = host.rstrip(".").lower()
        for key, base in self.bases.items():
            own = urlsplit(base)
            if host == own.hostname and (port or _port(base)) in (_port(base), own.port):
                return base
            if host == urlsplit(self.published.get(key, "")).hostname and port in (None, 80, 443):
                return base
        return ""

    def key_of(self, url: str) -> str:
        """Return the key of the base that ``url`` belongs to, or ""."""
        return next((key for key, base in self.bases.items() if url.startswith(base + "/")), "")


def _is_base(base: str) -> bool:
    try:
        parts = urlsplit(base)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or bracket that is none
        return False
    return parts.scheme in ("http", "https") and named and not (parts.path or parts.query or parts.fragment)


def _port(base: str) -> int:
    parts = urlsplit(base)
    return parts.port or (443 if parts.scheme == "https" else 80)
