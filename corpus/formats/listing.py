"""Format listing: companies with stock code and industry, one per line, as of a date."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Annotated, NamedTuple

from pydantic import Field

from corpus.document import Document, Span
from corpus.formats.derived import derived

Lines = Annotated[int, Field(ge=1)]


class Company(NamedTuple):
    """A company of a list: what the list says of it, and the characters [start, end) of the lines that say it."""

    name: str
    code: str
    industry: str
    start: int
    end: int


def documents(batch: Iterable[Document], *, maximum_lines: Lines = 500) -> Iterator[Document]:
    """Yield the companies of each list in its order, in documents of at most ``maximum_lines`` companies.

    The companies come from the facts of the list (concepts ``sec_code`` and ``industry``), so a line says
    nothing that the source does not display. Two companies of one name have two lines. The title line holds
    the day of the list, and which part of how many the document is.
    """
    for document in batch:
        listed = companies(document)
        identity = document.id
        parts = [listed[at : at + maximum_lines] for at in range(0, len(listed), maximum_lines)]
        for number, part in enumerate(parts, start=1):
            title = as_of(document) + (f"（{number}／{len(parts)}）" if len(parts) > 1 else "")
            lines = (f"{c.name}（証券コード：{c.code}）　業種：{c.industry or '－'}" for c in part)
            spans = [Span(identity, min(c.start for c in part), max(c.end for c in part))]
            if (at := document.text.find(day := on_day(document))) >= 0 and day:
                spans.insert(0, Span(identity, at, at + len(day)))
            yield derived(document, "listing", "\n".join([f"# {title}", "", *lines]), spans)


def companies(document: Document) -> list[Company]:
    """Return the companies that a list names with a code, in order; none for any other document."""
    if document.meta.get("kind") != "company_list":
        return []
    text = document.text
    industries: dict[str, deque[str]] = defaultdict(deque)
    for fact in document.facts:
        if fact.kind == "company" and fact.concept == "industry":
            industries[fact.subject].append(fact.value)
    found = []
    for fact in document.facts:
        if fact.kind == "company" and fact.concept == "sec_code":
            left = industries[fact.subject]
            start = text.rfind("\n", 0, fact.start) + 1
            end = text.find("\n", fact.end)
            industry = left.popleft() if left else ""
            found.append(Company(fact.subject, fact.value, industry, start, len(text) if end < 0 else end))
    return found


def as_of(document: Document) -> str:
    """Return the title of a list with the day that it tells of."""
    return "　".join(filter(None, (document.title, on_day(document))))


def on_day(document: Document) -> str:
    """Return the day of a list as its title line shows it, "" for none."""
    day = document.event_at
    return f"{day.year}年{day.month}月{day.day}日現在" if day else ""
