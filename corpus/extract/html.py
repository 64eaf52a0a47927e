"""Web pages -> Markdown: an adapter where we know the publisher, trafilatura elsewhere."""

import re
from collections.abc import Callable
from datetime import date, datetime
from urllib.parse import urlsplit

import trafilatura

from corpus.document import Capture, Document, Drop, day_in_japan
from corpus.encoding import decode
from corpus.extract import boj, glossary
from corpus.extract.blocks import blocks, flatten, plain, without_lost_notes
from corpus.extract.record import base_document, language_of
from corpus.extract.tree import Element, parse, stated, text_of

Adapter = Callable[[Capture, Element], list[Document | Drop]]

MAX_BYTES = 20 << 20  # of one page; the largest real one seen has 0.3e6
_MAX_DAMAGE = 0.01  # share of characters that no encoding could read
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_AS_HTML = {
    "item": "li",
    "row": "tr",
    "quote": "blockquote",
    "lb": "br",
    "hi": "span",
    "ref": "a",
    "code": "pre",
}
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
    """Return the main text of a page of an unknown make, as trafilatura finds it, in our own Markdown."""
    title = _title(tree)
    published_at = _published(tree)
    language = (tree.get("lang") or "ja")[:2].lower()
    flatten(tree)
    found = trafilatura.bare_extraction(
        tree,
        url=capture.url,
        fast=True,
        favor_precision=True,
        include_comments=False,
        include_tables=True,
        include_formatting=True,  # without it headings come out as paragraphs
        with_metadata=False,  # its dates are guesses, and a guessed date spoils a corpus cut by date
    )
    if not isinstance(found, trafilatura.settings.Document) or found.body is None:
        return [Drop("no_main_text", title)]
    parts = blocks(_as_html(found.body))
    if not parts:
        return [Drop("no_main_text", title)]
    if not parts[0].startswith("# "):
        parts.insert(0, f"# {title}")
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


def _as_html(body: Element) -> Element:
    """Return trafilatura's own vocabulary as HTML elements, in place."""
    for element in body.iter():
        tag = element.tag
        if tag == "head":
            level = element.get("rend", "h2")
            element.tag = level if level in _HEADINGS else "h2"
        elif tag == "list":
            element.tag = "ol" if element.get("rend") == "ol" else "ul"
        elif tag == "cell":
            element.tag = "th" if element.get("role") == "head" else "td"
        elif tag in _AS_HTML:
            element.tag = _AS_HTML[tag]
    return body
