"""Trees of HTML: parsed from text without touching anything else, and the few questions asked of them."""

import re
from typing import Any

from lxml import etree, html
from lxml.etree import _Element as Element

__all__ = ["Element", "classes", "parse", "remove", "select", "stated", "text_of"]


#: A tag too long to be read: images written into it, or attributes without end (libxml2 compares each with all).
_ENDLESS_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]{0,20})[\s/][^<>]{65536,}+>")


def parse(text: str) -> Element | None:
    """Return the tree of a page without comments, or None if it has no elements; opens no file, no address.

    Tags of more than 64 Ki characters lose their attributes.
    """
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=False
    )
    text = _ENDLESS_TAG.sub(r"<\1>", text)
    try:
        return html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except etree.ParserError:
        return None


def select(tree: Element, path: str) -> list[Element]:
    """Return the elements that an XPath expression finds, in document order."""
    found: Any = tree.xpath(path)
    return list(found)


def stated(tree: Element, path: str) -> list[str]:
    """Return the attribute values that an XPath expression finds, in document order, without empty ones."""
    found: Any = tree.xpath(path)
    return [text for value in found if (text := str(value).strip())]


def text_of(element: Element) -> str:
    """Return all characters inside ``element``."""
    return "".join(str(part) for part in element.itertext())


def classes(element: Element) -> list[str]:
    """Return the names of an element: its classes and its id."""
    return f"{element.get('class', '')} {element.get('id', '')}".split()


def remove(element: Element, text: str = "") -> None:
    """Take ``element`` out of its tree and put ``text`` in its place; what follows it stays."""
    parent = element.getparent()
    if parent is None:
        return
    text += element.tail or ""
    before = element.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + text
    else:
        parent.text = (parent.text or "") + text
    parent.remove(element)
