"""Format categories: the terms of a glossary, each as a keyword with labeled lines."""

from collections.abc import Iterator
from dataclasses import replace

from corpus.document import Document, Span

#: Key of ``Document.meta`` -> its label; the keyword and its description stand around them.
LABELS = {"reading": "読み", "category": "分類", "english": "英語"}
RELATED = {"related_terms": "関連語", "related_stocks": "関連銘柄"}


def documents(document: Document) -> Iterator[Document]:
    """Yield the labeled lines of a term: keyword, reading, description, related terms and stocks."""
    if document.meta.get("kind") != "term":
        return
    meta = document.meta
    definition = next((f for f in document.facts if f.concept == "definition"), None)
    start, end = (definition.start, definition.end) if definition else (0, document.n_chars)
    rows = [
        ("キーワード", definition.subject if definition else document.title),
        *((label, meta.get(key, "")) for key, label in LABELS.items()),
        ("説明", document.text[start:end]),
        *((label, meta.get(key, "")) for key, label in RELATED.items()),
    ]
    lines = [f"{label}：{' '.join(value.split())}" for label, value in rows if value.strip()]
    yield replace(
        document,
        text="\n".join(lines),
        format="categories",
        made_from=(Span(document.id, start, end),),
        facts=(),
    )
