"""Footnote marks of a page and the notes they point at, so that no digit is glued to a word."""

import re

from corpus.extract.tree import Element, text_of

_MARK = re.compile(r"^[\(（\[［]?\s*(?:注\s*)?[*＊※]?\s*([0-9０-９]{1,3})\s*[\)）\]］]?$")
_SIGNED = re.compile(r"[注*＊※]")
_HOLDERS = ("li", "p", "dd", "dt", "div", "td", "aside", "section")


class Footnotes:
    """The footnotes inside one tree: which element is a mark, which one holds a note."""

    def __init__(self, root: Element | None) -> None:
        self._marks: dict[Element, str] = {}
        self._holders: dict[Element, str] = {}
        if root is None:
            return
        places = _places(root)
        for link in root.iter("a"):
            label = _label(link)
            if label is None:
                continue
            holder = _holder(places.get(link.get("href", "")[1:]), link)
            known = holder is not None and self._holders.setdefault(holder, label) == label
            self._marks[_outer(link)] = label if known else ""

    def mark(self, element: Element) -> str | None:
        """Return ``[^n]`` if ``element`` is a mark, "" if its note is missing, None if it is no mark."""
        if element not in self._marks:
            return None
        label = self._marks[element]
        return f"[^{label}]" if label else ""

    def defined_by(self, element: Element) -> str:
        """Return the label of the note that ``element`` holds, or ""."""
        return self._holders.get(element, "")


def _places(root: Element) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for element in root.iter():
        if isinstance(element.tag, str):
            for name in (element.get("id"), element.get("name")):
                if name:
                    found.setdefault(name, element)
    return found


def _label(link: Element) -> str | None:
    """Return the number of a footnote mark, or None if the link is something else."""
    if not link.get("href", "").startswith("#"):
        return None
    text = text_of(link).strip()
    found = _MARK.match(text) if len(text) < 12 else None
    raised = _outer(link).tag == "sup" or link.find(".//sup") is not None
    if not found or not (raised or _SIGNED.search(text)):
        return None
    return str(int(found.group(1)))


def _outer(link: Element) -> Element:
    parent = link.getparent()
    return parent if parent is not None and parent.tag == "sup" and len(parent) == 1 else link


def _holder(place: Element | None, link: Element) -> Element | None:
    """Return the block that holds the note at ``place``; a note never encloses its own mark."""
    while place is not None and place.tag not in _HOLDERS:
        place = place.getparent()
    if place is not None and place.tag == "dt":
        place = place.getnext()
    if place is None or place in link.iterancestors() or not _says(place):
        return None
    return place


def _says(place: Element) -> bool:
    """Whether an element holds two characters; a long one is not read to its end for every mark."""
    seen = 0
    for part in place.itertext():
        seen += len(str(part).strip())
        if seen >= 2:
            return True
    return False
