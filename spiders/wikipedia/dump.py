"""Cuts the pages out of a Wikipedia dump (pages-articles XML) byte for byte, and makes captures of the wanted ones."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from pathlib import Path
from urllib.parse import quote
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from corpus.document import Capture
from spiders.wikipedia.stream import Distance, Unpacked

ARTICLE, FILE, CATEGORY = 0, 6, 14  # numbers of namespaces
MAX_PAGE = 16 << 20  # bytes of one page; a wiki takes texts of 2 MiB, whose escapes may be six times as long
LICENSE = "CC-BY-SA-4.0"
_HEAD = re.compile(
    rb"<page>\s*<title>([^<]*)</title>\s*<ns>(-?\d{1,9})</ns>\s*<id>(\d{1,15})</id>\s*(<redirect\b)?"
)
_TAIL = 64  # bytes kept between two pages: more than any tag and the end of the file have
_START, _END, _LAST = b"<page>", b"</page>", b"</mediawiki>"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a dump: its own bytes, from ``<page>`` to ``</page>``, and what its head says."""

    raw: bytes
    title: str
    namespace: int
    id: int
    redirect: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """The dump that pages come from: which wiki, date and file, its SHA-1, and when and how it was fetched."""

    wiki: str
    date: str
    file: str
    sha1: str
    fetched_at: datetime
    signals: Mapping[str, str] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """The wiki's name in its address."""
        return self.wiki.removesuffix("wiki").replace("_", "-")


class Dump:
    """A dump file as a stream of pages; one page and two blocks are in memory.

    ``damage`` says after reading why the pages ended too early, "" for a whole file. ``unread`` counts pages that
    could not be read, ``broken`` names the first hundred. Export format: schema 0.10 and 0.11 of mediawiki.org/xml.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.total = path.stat().st_size  # bytes, as stored
        self.done = 0
        self.damage = ""
        self.unread = 0
        self.broken: list[str] = []

    def batches(self) -> Iterator[list[Page]]:
        """Yield the pages in the order of the dump, those of one block at a time; a batch may be empty."""
        with Unpacked(self.path) as stream:
            for raws in self._cut(stream):
                self.done = stream.done
                yield [page for raw in raws if (page := self._page(raw))]
            self.damage = self.damage or stream.damage

    def _cut(self, stream: Unpacked) -> Iterator[list[bytes]]:
        buffer, began, skipping = b"", False, False
        while block := stream.read():
            # Where the last block ended may be half a tag: a search begins so far before it.
            search = max(0, len(buffer) - len(_END))
            buffer += block
            raws: list[bytes] = []
            at = 0
            while True:
                start = 0 if skipping else buffer.find(_START, at)
                if not began and self._declares(buffer[: start if start >= 0 else None]):
                    return
                end = buffer.find(_END, max(start, search)) if start >= 0 else -1
                if end < 0:
                    break
                began, at = True, end + len(_END)
                if not skipping:
                    raws.append(buffer[start:at])
                skipping = False
            yield raws
            if start < 0:  # between two pages
                buffer = buffer[max(at, len(buffer) - _TAIL) :]
            elif skipping or len(buffer) - start > MAX_PAGE:
                if not skipping:
                    self.set_aside(buffer[start : start + 4096], "has more than 16 MiB")
                buffer, skipping = buffer[-len(_END) :], True
            else:
                buffer = buffer[start:]
        if not buffer.rstrip().endswith(_LAST):
            self.damage = self.damage or stream.damage or "the XML ends early"

    def _declares(self, head: bytes) -> bool:
        """Return whether something stands before the first page that no dump has."""
        if b"<!DOCTYPE" in head:
            self.damage = "it declares a document type, as no dump does"
        return bool(self.damage)

    def _page(self, raw: bytes) -> Page | None:
        head = _HEAD.match(raw)
        if head is None:
            self.set_aside(raw[:4096], "has no title, namespace and number where they belong")
            return None
        title = unescape(head[1].decode("utf-8", "replace"))
        return Page(raw, title, int(head[2]), int(head[3]), redirect=head[4] is not None)

    def set_aside(self, raw: bytes, why: str) -> None:
        """Count a page that cannot be read, by the first bytes of it."""
        self.unread += 1
        if len(self.broken) < 100:
            title = re.search(rb"<title>([^<]{1,300})</title>", raw)
            self.broken.append(f"{title[1].decode('utf-8', 'replace') if title else 'a page'}: {why}")


def articles(
    dump: Dump, rank: Callable[[Page], int], path: Callable[[int], str], origin: Origin, counts: Counter[str]
) -> Iterator[Capture | None]:
    """Yield a capture for every wanted article, None after every block, so that others may work between.

    ``rank`` says which pages are wanted (-1: not), ``path`` the way to the category of a rank. ``counts`` counts
    the pages and why they are no articles of the corpus.
    """
    distance = Distance(dump.path.name, dump.total)
    for pages in dump.batches():
        for page in pages:
            counts["pages"] += 1
            found = rank(page)
            if page.namespace != ARTICLE:
                counts["skipped other_namespace"] += 1
            elif page.redirect:
                counts["skipped redirect"] += 1
            elif found < 0:
                counts["skipped other_subject"] += 1
            elif capture := capture_of(page, path(found), origin):
                counts["articles"] += 1
                yield capture
            else:
                dump.set_aside(page.raw[:4096], "is no well-formed XML with a revision")
        distance.at(dump.done)
        yield None
    distance.close()


def capture_of(page: Page, path: str, origin: Origin) -> Capture | None:
    """Return the capture of an article, None if its XML is broken or hostile.

    Its address is the wiki's own permanent link to the revision. So an article that did not change has the same
    address and the same bytes in the next dump: title and text cannot change without a new revision.
    """
    try:
        values = _revision(fromstring(page.raw, forbid_dtd=True))
    except (ParseError, DefusedXmlException, ValueError):
        return None
    revision, time = values.get("id", ""), values.get("timestamp", "")
    if not revision.isdecimal():
        return None
    name = quote(page.title.replace(" ", "_"), safe=";@$!*(),/~:")  # as MediaWiki itself writes it
    return Capture(
        url=f"https://{origin.language}.wikipedia.org/w/index.php?title={name}&oldid={revision}",
        source="wikipedia",
        fetched_at=origin.fetched_at,
        status=200,
        headers=(("Content-Type", "application/xml"),),
        media_type="application/xml",
        body=page.raw,
        license=LICENSE,
        signals=origin.signals,
        meta={
            "kind": "article", "title": page.title, "language": origin.language, "page_id": str(page.id),
            "revision": revision, "revised_at": time, "published_at": time[:10], "dump": origin.date,
            "dump_file": origin.file, "dump_sha1": origin.sha1, "category_path": path,
        },
    )  # fmt: skip


def _revision(page: Element) -> dict[str, str]:
    revisions = [child for child in page if child.tag == "revision"]
    return {child.tag: child.text or "" for child in revisions[-1]} if revisions else {}
