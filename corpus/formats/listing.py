"""Format listing: companies with stock code and industry, one per line."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from corpus.document import Document, Span


def documents(document: Document) -> Iterator[Document]:
    """Yield one document that lists the companies of a list, in the order of the list.

    The companies come from the facts of the list (concepts ``sec_code`` and ``industry``), so a line says
    nothing that the source does not display.
    """
    if document.meta.get("kind") != "company_list":
        return
    companies: dict[str, dict[str, str]] = defaultdict(dict)
    for fact in document.facts:
        if fact.kind == "company" and fact.concept in ("sec_code", "industry"):
            companies[fact.subject].setdefault(fact.concept, fact.value)
    lines = [
        f"{name}（証券コード：{said['sec_code']}）　業種：{said.get('industry', '－')}"
        for name, said in companies.items()
        if "sec_code" in said
    ]
    if lines:
        yield replace(
            document,
            text="\n".join([f"# {document.title}", "", *lines]),
            format="listing",
            made_from=(Span(document.id, 0, document.n_chars),),
            facts=(),
        )
