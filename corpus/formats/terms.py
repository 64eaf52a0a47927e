"""What a term document says its keyword is, and where."""

import re
from typing import NamedTuple

from corpus.document import Document

_HEADING = re.compile(r"^#{1,6} .*$", re.MULTILINE)
_KANA = re.compile(r"[ぁ-ん]")
_REFERS = re.compile(r"[→⇒].*|.{0,40}(?:同義|同じ|を参照|をご覧|の項).{0,8}")


class Term(NamedTuple):
    """A keyword with its description, and the characters [start, end) that show each."""

    keyword: str
    description: str
    named: tuple[int, int]
    described: tuple[int, int]


def term(document: Document) -> Term | None:
    """Return the term of a document, None when it names or describes nothing.

    The description begins with the fact ``definition``, else behind the title, and ends at the next heading.
    The keyword is the subject of that fact, else the title. An item of a taxonomy (``meta["element"]``) without
    that fact has labels only.
    """
    text = document.text
    definition = next((fact for fact in document.facts if fact.concept == "definition"), None)
    if not definition and "element" in document.meta:
        return None
    heading = _HEADING.match(text)
    start = definition.start if definition else heading.end() if heading else 0
    after = _HEADING.search(text, start)
    end = len(text[: after.start() if after else None].rstrip())
    start += len(text[start:end]) - len(text[start:end].lstrip())
    keyword = definition.subject if definition else document.title
    at = text.find(keyword)
    if at < 0 or not keyword or start >= end:
        return None
    return Term(keyword, text[start:end], (at, at + len(keyword)), (start, end))


def describes(description: str) -> bool:
    """Whether a text says what a term means: in words, and without sending the reader on to another term."""
    return len(_KANA.findall(description)) >= 2 and not _REFERS.fullmatch(description.strip())
