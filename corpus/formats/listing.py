"""Format listing: companies with stock code and industry, one per line."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import replace

from corpus.document import Document, Span


def documents(document: Document) -> Iterator[Document]:
    """Yield one document that lists the companies of a list, in the order of the list.

    The companies come from the facts of the list (concepts ``sec_code`` and ``industry``), so a line says
    nothing that the source does not display. Two companies of one name have two lines.
    """
    if document.meta.get("kind") != "company_list":
        return
    codes = [fact for fact in document.facts if fact.kind == "company" and fact.concept == "sec_code"]
    industries: dict[str, deque[str]] = defaultdict(deque)
    for fact in document.facts:
        if fact.kind == "company" and fact.concept == "industry":
            industries[fact.subject].append(fact.value)
    lines = []
    for code in codes:
        left = industries[code.subject]
        industry = left.popleft() if left else "－"
        lines.append(f"{code.subject}（証券コード：{code.value}）　業種：{industry}")
    if lines:
        yield replace(
            document,
            text="\n".join([f"# {document.title}", "", *lines]),
            format="listing",
            made_from=(Span(document.id, 0, document.n_chars),),
            facts=(),
        )
