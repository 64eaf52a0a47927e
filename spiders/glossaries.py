"""The spider of glossaries: one YAML file in ``spiders/sites`` describes one publisher's site."""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from scrapy import Request
from scrapy.http import HtmlResponse, Response
from scrapy.settings import BaseSettings

from datacards.card import Name
from datacards.errors import UserError
from datacards.recipe import read_recipe
from datacards.rights import license_of
from spiders.addresses import SETTING, Addresses
from spiders.base import Arguments, CaptureSpider, Errand, Found
from spiders.boj_rows import page_title, text_of

SITES = Path(__file__).parent / "sites"


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]


class Site(BaseModel):
    """One site: where to start, which pages lead on (``follow``), which are kept (``capture``).

    The patterns are searched in the path of a link. ``base`` is a key of KANAGURA_BASE_URLS, ``license`` an
    entry of datacards.rights, ``kind`` what a kept page is. ``limit`` bounds the pages of one crawl.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    description: str
    base: str
    license: str
    kind: str = "term"
    language: str = "ja"
    start: Annotated[tuple[str, ...], Field(min_length=1)]
    follow: tuple[Pattern, ...] = ()
    capture: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    limit: Annotated[int, Field(gt=0)] = 20_000


def read_sites(names: tuple[str, ...] = (), folder: Path = SITES) -> tuple[Site, ...]:
    """Return the sites of those names, or all; raise UserError for an unknown one or a wrong file."""
    known = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    for name in names:
        if name not in known:
            raise UserError("sites", f"no site '{name}'", f"known: {', '.join(known)}", f"add {name}.yaml")
    sites = tuple(read_recipe(known[name], Site) for name in (names or known))
    for site in sites:
        license_of(site.license)
    return sites


def _listed(value: Any) -> Any:
    return tuple(sorted({*value.split(",")})) if isinstance(value, str) else value


class GlossaryArguments(Arguments):
    """``sites`` are names of files in spiders/sites, all of them unless given."""

    sites: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()


class Glossaries(CaptureSpider):
    """Terms of the glossaries that the site files describe; a capture's source is the site's name."""

    name = "glossaries"
    description = "Glossaries of financial terms, as fetched"
    arguments = GlossaryArguments
    asked: GlossaryArguments

    def __init__(self, name: str | None = None, **given: str) -> None:
        super().__init__(name, **given)
        self.sites = {site.name: site for site in read_sites(self.asked.sites)}
        self.seen: dict[str, set[str]] = {name: set() for name in self.sites}

    @classmethod
    def request(cls, asked: Arguments, settings: BaseSettings) -> dict[str, Any]:
        """Return the recipe with the site files themselves: a changed rule is another request."""
        assert isinstance(asked, GlossaryArguments)  # noqa: S101  made by read_arguments
        sites = read_sites(asked.sites)
        bases = Addresses.read(settings.get(SETTING), tuple(site.base for site in sites)).bases
        rules = [site.model_dump(mode="json") for site in sites]
        return {"spider": cls.name, "sites": rules, "base_urls": dict(bases)}

    @cached_property
    def addresses(self) -> Addresses:
        """The base addresses of the sites."""
        return Addresses.read(self.settings.get(SETTING), tuple(site.base for site in self.sites.values()))

    def license_of(self, errand: Errand) -> str:
        """Return the license that the site's file names."""
        return self.sites[errand.source].license

    def first(self) -> Iterable[Request]:
        """Ask for the start pages of every site."""
        for site in self.sites.values():
            for path in site.start:
                yield from self._page(site, self.addresses.url(site.base, path), index=True, title="")

    def _page(self, site: Site, url: str, *, index: bool, title: str) -> Iterable[Request]:
        seen = self.seen[site.name]
        if url in seen:
            return
        if len(seen) >= site.limit:
            self.counts["skipped over_limit"] += 1
            return
        seen.add(url)
        about = {"kind": "index" if index else site.kind, "language": site.language, "title": title}
        yield self.ask(url, about, self._links, source=site.name, vital=index)

    def _links(self, response: Response | None, errand: Errand) -> Found:
        site = self.sites[errand.source]
        if not isinstance(response, HtmlResponse):
            return
        for link in response.xpath("//a[@href]"):
            url = self.addresses.canonical(link.attrib["href"], response.url)
            if self.addresses.key_of(url) != site.base:
                continue
            path = urlsplit(url).path
            kept = any(re.search(pattern, path) for pattern in site.capture)
            if kept or any(re.search(pattern, path) for pattern in site.follow):
                yield from self._page(site, url, index=not kept, title=text_of(link) if kept else "")

    def describe(self, response: Response, errand: Errand) -> Mapping[str, str]:
        """Name a page by its heading where the link to it had no text."""
        if errand.about["kind"] == "index" or not isinstance(response, HtmlResponse):
            return {}
        return {"title": errand.about.get("title") or page_title(response)}
