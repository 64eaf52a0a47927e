"""Format sections: one document per section, under headings or in the text blocks of a filing."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from corpus.document import Document, Span

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
SEPARATOR = " > "
_WHOLE = ("term", "company_list")


class _Heading(NamedTuple):
    start: int
    end: int
    path: tuple[str, ...]


def documents(document: Document) -> Iterator[Document]:
    """Yield one document per section; its text is that of the parent between the characters of its span.

    A filing that names its text blocks in ``meta["blocks"]`` (a JSON list of ``[name, start, end]``) is cut
    at the outermost of them, which the XBRL taxonomy defines; the block's name is kept in
    ``meta["block"]``. Everything else is cut at its Markdown headings, but for terms and lists, which have
    formats of their own. ``section`` is the path of headings.
    """
    if document.meta.get("kind") in _WHOLE:
        return
    headings = list(_headings(document.text))
    cuts = _blocks(document, headings) if "blocks" in document.meta else _between(document.text, headings)
    meta = {k: v for k, v in document.meta.items() if k != "blocks"}
    seen: set[str] = set()
    for path, block, begin, stop in cuts:
        start, end = _stripped(document.text, begin, stop)
        section = replace(
            document,
            text=document.text[start:end],
            format="sections",
            section=SEPARATOR.join(path),
            made_from=(Span(document.id, start, end),),
            meta={**meta, "block": block} if block else meta,
            facts=(),
        )
        if section.id not in seen and _HEADING.sub("", section.text).strip():
            seen.add(section.id)
            yield section


def _headings(text: str) -> Iterator[_Heading]:
    path: list[tuple[int, str]] = []
    for match in _HEADING.finditer(text):
        level = len(match[1])
        path = [*(above for above in path if above[0] < level), (level, match[2])]
        yield _Heading(match.start(), match.end(), tuple(title for _, title in path))


def _between(text: str, headings: list[_Heading]) -> Iterator[tuple[tuple[str, ...], str, int, int]]:
    """Yield (path, "", start, end) from every heading to the next, and for what stands before the first."""
    if headings:
        yield (), "", 0, headings[0].start
    for heading, after in zip(headings, [*headings[1:], None], strict=True):
        yield heading.path, "", heading.start, after.start if after else len(text)


def _blocks(document: Document, headings: list[_Heading]) -> Iterator[tuple[tuple[str, ...], str, int, int]]:
    """Yield (path, name, start, end) of every outermost block; the path is that of the nearest heading."""
    covered = 0
    blocks = [(start, -end, name) for name, start, end in json.loads(document.meta["blocks"])]
    for start, negative, name in sorted(blocks):
        if -negative <= covered:
            continue
        covered = -negative
        inside = _HEADING.search(document.text, start, covered)
        opens = start if not inside or document.text[start : inside.start()].strip() else inside.start()
        above = [heading.path for heading in headings if heading.start <= opens]
        yield (above[-1] if above else (name,)), name, start, covered


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span without the white space at its ends."""
    inner = text[start:end]
    start += len(inner) - len(inner.lstrip())
    return start, max(start, start + len(inner.strip()))
