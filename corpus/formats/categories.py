"""Format categories: the terms of a glossary, each as a keyword with labeled lines."""

from collections.abc import Iterator
from dataclasses import replace

from corpus.document import Document, Span

#: What may be known of a term -> its label; keyword and description stand around them.
LABELS = {"reading": "読み", "english": "英語"}
RELATED = {"related_terms": "関連語", "related_stocks": "関連銘柄"}


def documents(document: Document) -> Iterator[Document]:
    """Yield the labeled lines of a term: keyword, reading, description, related terms and stocks.

    The description is the fact ``definition``, else the whole text; the others come from facts of their
    concept or from ``meta``.
    """
    if document.meta.get("kind") != "term":
        return
    definition = next((fact for fact in document.facts if fact.concept == "definition"), None)
    start, end = (definition.start, definition.end) if definition else (0, document.n_chars)
    rows = [
        ("キーワード", definition.subject if definition else document.title),
        *((label, _said(document, name)) for name, label in LABELS.items()),
        ("説明", document.text[start:end]),
        *((label, _said(document, name)) for name, label in RELATED.items()),
    ]
    lines = [f"{label}：{' '.join(value.split())}" for label, value in rows if value.strip()]
    yield replace(
        document,
        text="\n".join(lines),
        format="categories",
        made_from=(Span(document.id, start, end),),
        facts=(),
    )


def _said(document: Document, name: str) -> str:
    found = [fact.value for fact in document.facts if fact.kind == "term" and fact.concept == name]
    return "、".join(dict.fromkeys(found)) or document.meta.get(name, "")
