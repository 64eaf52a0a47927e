"""What a site file may say: where a publisher's pages begin, which lead on, which are kept and as what."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from datacards.card import Name
from datacards.errors import UserError
from datacards.recipe import read_recipe
from datacards.rights import license_of
from spiders.settings import KANAGURA_BASE_URLS

SETTING = "KANAGURA_SITES"


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    return value


def _url(value: str) -> str:
    if not value:
        return ""
    value = value.rstrip("/")
    parts = urlsplit(value)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or f"{parts.scheme}://{parts.netloc}" != value
    ):
        raise ValueError("scheme://host or scheme://host:port")
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
Word = Annotated[str, Field(pattern=r"^([a-z][a-z_]*)?$")]
Start = Annotated[str, Field(pattern=r"^/")]


class Rule(BaseModel):
    """One rule for links: ``pattern`` is searched in the path of a link and its query (``/a/b.html?page=2``).

    ``do`` says what becomes of the page: ``keep`` it as a document of ``kind`` (``term``, ``report``, ``profile``,
    ``page`` or another word), ``follow`` it for its links alone, ``skip`` it. ``title`` says what names a kept
    page: the text of the ``link`` to it or its own ``heading``; where one is missing, the other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern: Pattern
    do: Literal["follow", "keep", "skip"]
    kind: Word = ""
    title: Literal["link", "heading"] = "link"

    @model_validator(mode="after")
    def _kept_as_something(self) -> Self:
        if (self.do == "keep") != bool(self.kind) or self.kind in ("index", "redirect"):
            raise ValueError(
                f"the rule {self.pattern!r}: 'keep' needs a kind (not index, redirect), others have none"
            )
        return self


class Cadence(BaseModel):
    """How often a site is worth a visit: a finished crawl less than ``days`` days ago is young enough."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: Annotated[int, Field(gt=0)]


class Site(BaseModel):
    """One publisher's site; ``name`` is that of the file and the ``source`` of its captures.

    ``description`` says what is kept and whose it is. The address is ``base``, a key of KANAGURA_BASE_URLS, or
    ``url`` (then KANAGURA_BASE_URLS may still name a copy under the site's name). ``license`` is an entry of
    datacards.rights, ``language`` that of the pages, ``cadence`` how often it is visited (always, unless given).

    A crawl begins at the paths ``start`` and takes every link by the first of the ``rules`` that matches; frames
    and next pages (``rel="next"``) of a page are part of it and need none. ``index`` is the file behind a folder's
    address, ``drop_query`` names parameters that make no other page (a session).

    What bounds a crawl: ``limit`` pages; ``depth`` links in a row that come upon no new page to keep;
    ``max_query`` queries of one path.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    description: Annotated[str, Field(min_length=1)]
    base: str = ""
    url: Annotated[str, AfterValidator(_url)] = ""
    license: str
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "ja"
    cadence: Cadence | None = None
    index: str = ""
    drop_query: tuple[str, ...] = ()
    start: Annotated[tuple[Start, ...], Field(min_length=1)]
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    limit: Annotated[int, Field(gt=0)] = 20_000
    depth: Annotated[int, Field(gt=0)] = 12
    max_query: Annotated[int, Field(gt=0)] = 1_000

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if bool(self.base) == bool(self.url):
            raise ValueError("one of 'base' and 'url' says where the site is")
        return self

    @property
    def key(self) -> str:
        """The key of the site's address in KANAGURA_BASE_URLS."""
        return self.base or self.name

    @property
    def kinds(self) -> set[str]:
        """What its kept pages are."""
        return {rule.kind for rule in self.rules if rule.kind}

    def rule(self, path: str) -> Rule | None:
        """Return the rule for a path with its query, or None."""
        return next((rule for rule in self.rules if re.search(rule.pattern, path)), None)


def read_sites(
    folders: Sequence[str], names: Iterable[str] = (), kinds: Iterable[str] = ()
) -> tuple[Site, ...]:
    """Return the sites of those names, or all, that keep any of those kinds, in order of name.

    Raises UserError for an unknown name or kind, for a wrong file, and for two files that speak of one site.
    """
    known = _files(folders)
    for name in names:
        if name not in known:
            raise UserError("sites", f"no site '{name}'", f"known: {', '.join(known)}", f"add {name}.yaml")
    sites = tuple(_site(known[name]) for name in (sorted(names) or known))
    places: dict[str, str] = {}
    for site in sites:
        other = places.setdefault(site.url or site.key, site.name)
        if other != site.name:
            todo = "put the rules of both into one file"
            raise UserError(
                f"{site.name}.yaml", f"has the address of {other}.yaml", "one file for one address", todo
            )
    wanted = set(kinds)
    if unknown := wanted - {kind for site in sites for kind in site.kinds}:
        kept = sorted({kind for site in sites for kind in site.kinds})
        raise UserError("kinds", f"no site keeps '{min(unknown)}'", f"known: {', '.join(kept)}", "correct it")
    return tuple(site for site in sites if not wanted or site.kinds & wanted)


def _files(folders: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise UserError(
                SETTING, f"no folder {folder}", "folders of site files, with commas between", "correct it"
            )
        for path in folder.glob("*.yaml"):
            if path.stem in found:
                raise UserError(
                    SETTING, f"{path.name} is in {found[path.stem].parent} and in {folder}", "", "rename one"
                )
            found[path.stem] = path
    return dict(sorted(found.items()))


def _site(path: Path) -> Site:
    site = read_recipe(path, Site)
    if site.name != path.stem:
        raise UserError(path.name, f"name = '{site.name}'", "the name of the file", f"say: name: {path.stem}")
    license_of(site.license)
    if site.url and KANAGURA_BASE_URLS.get(site.name, site.url) != site.url:
        known = f"{site.name} is a key of KANAGURA_BASE_URLS with another address"
        raise UserError(path.name, f"url = '{site.url}'", known, "give the file another name, or a base")
    return site
