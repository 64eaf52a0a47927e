"""Web pages -> Markdown: an adapter where we know the publisher, trafilatura elsewhere."""

import re
from collections.abc import Callable
from copy import deepcopy
from datetime import date, datetime
from itertools import islice
from urllib.parse import urlsplit

import trafilatura

from corpus.document import Capture, Document, Drop, day_in_japan
from corpus.encoding import decode
from corpus.extract import boj, glossary
from corpus.extract.blocks import blocks, plain, without_lost_notes
from corpus.extract.content import kept, part
from corpus.extract.record import base_document, language_of
from corpus.extract.tree import Element, parse, stated, text_of

Adapter = Callable[[Capture, Element], list[Document | Drop]]

MAX_ELEMENTS = 20_000  # of a page that trafilatura is asked about: its time grows with their square
MAX_BYTES = 20 << 20  # of one page; the largest real one seen has 0.3e6
_MAX_DAMAGE = 0.01  # share of characters that no encoding could read
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_SEPARATED = re.compile(r"[|｜：:]| [-–—] ")
_STATED_DAYS = (
    '//meta[@property="article:published_time"]/@content',
    '//*[@itemprop="datePublished"]/@content',
    '//*[@itemprop="datePublished"]/@datetime',
    "//time[@pubdate]/@datetime",
)


def extract(capture: Capture) -> list[Document | Drop]:
    """Return the document of one page, or why there is none."""
    if len(capture.body) > MAX_BYTES:
        return [Drop("too_large", f"{len(capture.body)} bytes of HTML; the limit is {MAX_BYTES}")]
    decoded = decode(capture.body, charset(capture))
    if decoded.damaged > max(3, _MAX_DAMAGE * len(decoded.text)):
        return [
            Drop("undecodable", f"{decoded.damaged} of {len(decoded.text)} characters; {decoded.encoding}")
        ]
    tree = parse(decoded.text)
    if tree is None:
        return [Drop("empty_page", "no elements")]
    try:
        return _adapter(capture)(capture, tree)
    except RecursionError:
        return [Drop("html_too_deep", "elements nested deeper than any real page")]


def charset(capture: Capture) -> str:
    """Return the charset of the response header, or ""."""
    header = next((value for name, value in capture.headers if name.lower() == "content-type"), "")
    found = _CHARSET.search(header)
    return found.group(1) if found else ""


def _adapter(capture: Capture) -> Adapter:
    host = urlsplit(capture.url).hostname or ""
    if capture.source.startswith("boj") or host.rstrip(".").endswith("boj.or.jp"):
        return boj.extract
    if glossary.recognizes(capture):
        return glossary.extract
    return generic


def generic(capture: Capture, tree: Element) -> list[Document | Drop]:
    """Return the main text of a page of an unknown make: where trafilatura finds it, in our own Markdown."""
    title = _title(tree)
    published_at = _published(tree)
    language = (tree.get("lang") or "ja")[:2].lower()
    found = part(tree, _recognized(tree, capture.url))
    parts = kept(blocks(found[0], without=found[1])) if found else []
    if not any(not block.startswith("#") for block in parts):
        return [Drop("no_main_text", title)]
    parts, title = _headed(parts, title)
    text = without_lost_notes("\n\n".join(parts))
    return [
        base_document(
            capture,
            text=text,
            title=title,
            kind="page",
            language=language_of(text, declared=language),
            published_at=published_at,
        )
    ]


def _headed(parts: list[str], title: str) -> tuple[list[str], str]:
    """Return the blocks below the page's own heading, or below its title if it has none, and the title.

    A window's title also names the site; the part of it that a first line repeats is the page's.
    """
    own = next((at for at, block in enumerate(parts[:8]) if block.startswith("# ")), None)
    if own is not None:
        return [parts[own], *parts[:own], *parts[own + 1 :]], title
    for line in parts[:3]:
        if len(line) >= 5 and line in (named.strip() for named in _SEPARATED.split(title)):
            return [f"# {line}", *(part for part in parts if part != line)], line
    return ([f"# {title}", *parts] if title else parts), title


def _recognized(tree: Element, url: str) -> str:
    """Return what trafilatura takes for the text of a page, "" for nothing or a page too large for it."""
    if sum(1 for _ in islice(tree.iter(), MAX_ELEMENTS + 1)) > MAX_ELEMENTS:
        return ""
    found = trafilatura.bare_extraction(
        deepcopy(tree),  # it takes the tree apart
        url=url,
        fast=True,
        favor_precision=True,
        include_comments=False,
        include_tables=True,
        with_metadata=False,  # its dates are guesses, and a guessed date spoils a corpus cut by date
    )
    return found.text or "" if isinstance(found, trafilatura.settings.Document) else ""


def _title(tree: Element) -> str:
    """Return the title a page gives itself: that for sharing, its only first heading, what the window shows."""
    shared = next(iter(stated(tree, '//meta[@property="og:title"]/@content')), "")
    headings = [text for text in map(plain, tree.iter("h1")) if text]
    window = next((" ".join(text_of(title).split()) for title in tree.iter("title")), "")
    named = not window or any(" ".join(text.split()) in window for text in headings)
    alone = headings[0] if len(headings) == 1 and named else ""
    return shared or alone or window or "".join(headings[:1])


def _published(tree: Element) -> date | None:
    """Return the day of publication if the page states it for machines."""
    for path in _STATED_DAYS:
        for value in stated(tree, path):
            try:
                return _day(value)
            except ValueError:
                continue
    return None


def _day(text: str) -> date:
    """Return the Japanese day of an ISO 8601 moment, or of what begins with a day; raise ValueError for others."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return date.fromisoformat(text[:10])
    return day_in_japan(moment) if moment.tzinfo else moment.date()
