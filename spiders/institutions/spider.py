"""The spider of institutions: reports, glossaries, profiles; one YAML file in ``spiders/sites`` describes a site."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import pyarrow.parquet as pq
from pydantic import BeforeValidator
from scrapy import Request
from scrapy.http import HtmlResponse, Response
from scrapy.settings import BaseSettings

from corpus.captures import INDEX
from datacards.lineage import read_jsonl
from datacards.store import Store
from spiders.addresses import SETTING as BASES
from spiders.addresses import Addresses
from spiders.arguments import Arguments
from spiders.base import CaptureSpider, Errand, Found
from spiders.failures import UNWANTED, NothingDueError
from spiders.institutions.links import Link, Page
from spiders.institutions.site import SETTING, Rule, Site, read_sites
from spiders.institutions.traps import Trap
from spiders.institutions.visits import NAME, VISITED, Visit, plan
from spiders.records import Carried

START = Rule(pattern="", do="follow")  # for pages that no rule speaks of


def _listed(value: Any) -> Any:
    return tuple(sorted({*value.split(",")} - {""})) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class InstitutionsArguments(Arguments):
    """``sites`` are names of site files and ``kinds`` what is kept, all of them unless given.

    With ``cadence=ignore`` a site that was visited lately is visited again.
    """

    sites: Words = ()
    kinds: Words = ()
    cadence: Literal["obey", "ignore"] = "obey"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page was found: by which rule, how many links behind the last page that named a new one to keep."""

    rule: Rule
    depth: int = 0
    start: bool = False


class Institutions(CaptureSpider):
    """What the site files ask for; a capture's source is the site's name."""

    name = NAME
    description = "Reports, glossaries and profiles of institutions, as fetched"
    arguments = InstitutionsArguments
    many_hosts = True
    # Sites take turns; each is still asked for one page at a time.
    custom_settings = {"CONCURRENT_REQUESTS": 16}  # noqa: RUF012  Scrapy declares it so
    asked: InstitutionsArguments

    def __init__(self, name: str | None = None, **given: str) -> None:
        super().__init__(name, **given)
        self.seen: dict[str, set[str]] = {}
        self.pages: Counter[str] = Counter()  # asked for, by site
        self.traps: dict[str, Trap] = {}

    @classmethod
    def request(cls, asked: Arguments, settings: BaseSettings) -> dict[str, Any]:
        """Return the recipe with the site files themselves: a changed rule is another request.

        Raises NothingDueError when no site is due, unless the version is there already.
        """
        assert isinstance(asked, InstitutionsArguments)  # noqa: S101  made by read_arguments
        sites = _sites(asked, settings)
        visits, made = _plan(asked, sites), Store.default().refs(cls.name)
        if not any(visit.due for visit in visits) and asked.version not in {ref.version for ref in made}:
            why = "; ".join(f"{visit.site}: {visit.why}" for visit in visits)
            raise NothingDueError(cls.name, f"no site is due ({why})", "", "wait, or say -a cadence=ignore")
        return {
            "spider": cls.name,
            "sites": [site.model_dump(mode="json") for site in sites],
            "kinds": list(asked.kinds),
            "cadence": asked.cadence,
            "base_urls": dict(_addresses(sites, settings).bases),
        }

    @cached_property
    def sites(self) -> dict[str, Site]:
        """The sites of this crawl, by name; those that are not due among them."""
        return {site.name: site for site in _sites(self.asked, self.settings)}

    @property
    def addresses(self) -> Addresses:
        """The base addresses of the sites."""
        return self._addresses

    @cached_property
    def _addresses(self) -> Addresses:
        return _addresses(self.sites.values(), self.settings)

    def license_of(self, errand: Errand) -> str:
        """Return the license that the site's file names."""
        return self.sites[errand.source].license

    def first(self) -> Iterable[Request | Carried]:
        """Ask for the start pages of every site that is due; take over what was captured of the others."""
        for visit in _plan(self.asked, self.sites.values()):
            self._decided(visit)
            site = self.sites[visit.site]
            yield from self._begin(site) if visit.due else self._taken_over(site, visit)

    def _begin(self, site: Site) -> Iterator[Request]:
        self.seen[site.name], self.traps[site.name] = set(), Trap(site.max_query)
        for path in site.start:
            rule = site.rule(path)
            rule = START if rule is None or rule.do == "skip" else rule
            url = self._one(site, self.addresses.url(site.key, path))
            yield from self._page(site, url, "", Place(rule, start=True))

    def _taken_over(self, site: Site, visit: Visit) -> Iterator[Carried]:
        """Take what the last visit found good, unless a version since knows that the page is there no more."""
        names = [f"{self.name}@{folder.name}" for folder in self.before]
        since = self.before[names.index(visit.last) :] if visit.last in names else []
        kinds = {"index", *self.asked.kinds} if self.asked.kinds else None
        found: dict[str, tuple[str, bool]] = {}
        for folder in since:
            for url, kind, good in _rows(folder, site):
                if folder == since[0]:
                    found[url] = kind, good
                elif url in found:
                    found[url] = found[url][0], good
        for url, (kind, good) in found.items():
            if good and (kinds is None or kind in kinds) and self.earlier(url):
                yield Carried(url, site.name, site.license, {"kind": kind})

    def _decided(self, visit: Visit) -> None:
        self.note("visits", **visit._asdict())
        self.counts["sites due" if visit.due else "sites skipped"] += 1
        self.logger.info("%s is %s: %s", visit.site, "due" if visit.due else "skipped", visit.why)

    def _page(self, site: Site, url: str, title: str, place: Place) -> Iterator[Request]:
        """Ask for a page that is new, unless something speaks against it, which is counted."""
        if url in self.seen[site.name]:
            return
        self.seen[site.name].add(url)
        if against := self._against(site, url, place):
            self.counts[f"skipped {against}"] += 1
            self.logger.debug("skipped (%s): %s", against, url)
            return
        self.pages[site.name] += 1
        about = {"kind": place.rule.kind or "index", "language": site.language, "title": title}
        yield self.ask(url, about, self._read, source=site.name, always=place.start, carried=place)

    def _against(self, site: Site, url: str, place: Place) -> str:
        if self.asked.kinds and place.rule.kind and place.rule.kind not in self.asked.kinds:
            return "kind"
        if place.depth > site.depth:
            return "depth"
        if self.pages[site.name] >= site.limit:
            return "limit"
        return "trap" if self.traps[site.name].holds(url) else ""

    def _read(self, response: Response | None, errand: Errand) -> Found:
        """Take the links of a page by the rules of its site: first what is kept, then what leads on."""
        site, place = self.sites[errand.source], errand.carried
        if response is None:
            self.counts[f"unreached {site.name}"] += 1
            return
        self.counts[VISITED + site.name] += 1
        if not isinstance(response, HtmlResponse):
            return
        found = self._found(site, place, Page(response))
        further = place.depth + 1 if place.rule.kind else 1
        kept = [
            request
            for url, (title, rule) in found.items()
            if rule.kind
            for request in self._page(site, url, title, Place(rule, further))
        ]
        yield from kept
        if not kept:
            further = place.depth + 1
        for url, (title, rule) in found.items():
            if not rule.kind:
                yield from self._page(site, url, title, Place(rule, further))

    def _found(self, site: Site, place: Place, page: Page) -> dict[str, tuple[str, Rule]]:
        """Return the pages of the site that a page leads to: their titles and the rules for them."""
        found: dict[str, tuple[str, Rule]] = {}
        for link in page.links():
            url = self._one(site, link.url)
            rule = self._rule(site, place, link, url) if url else None
            if rule is not None and not found.get(url, ("", None))[0]:
                found[url] = (link.title if link.role == "link" else "", rule)
        return found

    def _rule(self, site: Site, place: Place, link: Link, url: str) -> Rule | None:
        parts = urlsplit(url)
        rule = site.rule(parts.path + (f"?{parts.query}" if parts.query else ""))
        if rule is None and link.role == "next":  # what goes on there is what began here
            rule = place.rule.model_copy(update={"title": "heading"})
        if rule is None and link.role == "frame":
            rule = START
        return None if rule is None or rule.do == "skip" else rule

    def _one(self, site: Site, url: str) -> str:
        """Return the one address of a page of this site, "" for a page of another."""
        url = self.addresses.canonical(url)
        base = self.addresses.bases[site.key]
        if not url.startswith(base + "/"):
            return ""
        path, _, query = url.removeprefix(base).partition("?")
        for name in site.drop_query:
            path = re.sub(rf";{re.escape(name)}=[^/;]*", "", path)
        query = "&".join(part for part in query.split("&") if part.partition("=")[0] not in site.drop_query)
        path += site.index if path.endswith("/") else ""
        return f"{base}{path}{'?' if query else ''}{query}"

    def describe(self, response: Response, errand: Errand) -> Mapping[str, str]:
        """Name a kept page by the link to it or by its heading, as its rule says."""
        if errand.about["kind"] == "index" or not isinstance(response, HtmlResponse):
            return {}
        linked = errand.about.get("title", "")
        if linked and errand.carried.rule.title == "link":
            return {}
        return {"title": Page(response).heading or linked}


def _sites(asked: InstitutionsArguments, settings: BaseSettings) -> tuple[Site, ...]:
    return read_sites(settings.getlist(SETTING), asked.sites, asked.kinds)


def _rows(folder: Path, site: Site) -> Iterator[tuple[str, str, bool]]:
    """Yield the address and kind of what a version knows of a site's pages, and whether it is a good capture.

    What failed for a reason that may pass tells nothing; what its publisher does not want any more is none.
    """
    columns = ["url", "kind", "status", "problem"]
    table = pq.read_table(folder / INDEX, columns=columns, filters=[("source", "=", site.name)])
    for row in table.to_pylist():
        if not row["problem"] or row["problem"] in Institutions.final:
            good = not row["problem"] and row["status"] == 200 and row["kind"] != "redirect"
            yield row["url"], row["kind"], good
    for row in read_jsonl(folder / "failures.jsonl"):
        if row["reason"] in UNWANTED:
            yield row["url"], "", False


def _plan(asked: InstitutionsArguments, sites: Iterable[Site]) -> list[Visit]:
    now, ignore = datetime.now(UTC), asked.cadence == "ignore"
    return plan(sites, asked.kinds, Store.default(), now, ignore=ignore)


def _addresses(sites: Iterable[Site], settings: BaseSettings) -> Addresses:
    published = {site.key: site.url for site in sites if site.url}
    return Addresses.read(settings.get(BASES), tuple(site.key for site in sites), published)
