"""Format categories: the terms of a glossary, each as a keyword with labeled lines."""

import re
from collections.abc import Iterator
from dataclasses import replace

from corpus.document import Document, Span

#: What may be known of a term -> its label; keyword and description stand around them.
LABELS = {"reading": "読み", "english": "英語"}
RELATED = {"related_terms": "関連語", "related_stocks": "関連銘柄"}  # several, with commas in between
_HEADING = re.compile(r"^#{1,6} .*$", re.MULTILINE)


def documents(document: Document) -> Iterator[Document]:
    """Yield the labeled lines of a term: keyword, reading, description, related terms and stocks.

    The description begins with the fact ``definition``, else behind the title, and ends at the next heading;
    the others come from facts of their concept or from ``meta``.
    """
    if document.meta.get("kind") != "term":
        return
    definition = next((fact for fact in document.facts if fact.concept == "definition"), None)
    start, end = _description(document.text, definition.start if definition else 0)
    rows = [
        ("キーワード", definition.subject if definition else document.title),
        *((label, _said(document, name)) for name, label in LABELS.items()),
        ("説明", _one_line(document.text[start:end], "" if document.language == "ja" else " ")),
        *((label, _listed(_said(document, name))) for name, label in RELATED.items()),
    ]
    yield replace(
        document,
        text="\n".join(f"{label}：{value}" for label, value in rows if value),
        format="categories",
        made_from=(Span(document.id, start, end),),
        facts=(),
    )


def _description(text: str, start: int) -> tuple[int, int]:
    """Return where the description is that begins at or behind ``start``: up to the next heading."""
    if not start and (heading := _HEADING.match(text)):
        start = heading.end()
    after = _HEADING.search(text, start)
    return start, len(text[: after.start() if after else None].rstrip())


def _one_line(text: str, joint: str) -> str:
    return joint.join(line.strip() for line in text.split("\n") if line.strip())


def _listed(names: str) -> str:
    """Return ``甲社:1301,乙社:1332`` as ``甲社（1301）、乙社（1332）``."""
    return "、".join(re.sub(r":(\w+)$", r"（\1）", name.strip()) for name in names.split(",") if name.strip())


def _said(document: Document, name: str) -> str:
    found = [fact.value for fact in document.facts if fact.kind == "term" and fact.concept == name]
    return ",".join(dict.fromkeys(found)) or document.meta.get(name, "")
