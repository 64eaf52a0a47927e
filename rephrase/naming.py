"""Questions that stand by themselves: one that does not say what it is about gets the name put before it."""

import re
from collections import Counter

from corpus.document import Document
from corpus.folding import folded

_FORM = re.compile(r"(?:株式|有限|合同|相互)会社|[(（]株[)）]|㈱")


def subject(document: Document) -> str:
    """Return whom or what a document is about: the company that filed it, else its title, "" when it has none."""
    meta = document.meta
    if filer := meta.get("filer") or meta.get("cover_name"):
        return filer.strip()
    told = Counter(fact.subject for fact in document.facts if fact.kind == "amount" and fact.subject)
    return told.most_common(1)[0][0] if told else ""


def self_contained(question: str, answer: str, document: Document) -> str:
    """Return the question with the name of what it is about before it, unless it says that, or the answer does.

    A reader of the question alone has no document at hand: 「売上高はいくらですか」 asks nothing, 「灯台電機について、
    売上高はいくらですか」 does.
    """
    company = subject(document)
    name = company or document.title.strip()
    if not name or not question:
        return question
    core = folded(_FORM.sub("", name))
    if not core or core in folded(question) or core in folded(answer):
        return question
    return f"{name if company else f'「{name}」'}について、{question}"
