"""Format categories: a keyword with labeled lines, from terms, articles, filings and company lists."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, NamedTuple

from pydantic import Field

from corpus.document import Document, Span
from corpus.extract.csv import market_code
from corpus.formats.derived import derived
from corpus.formats.lead import lead, listed_companies
from corpus.formats.listing import as_of, companies, on_day
from corpus.formats.terms import term

#: What may be known of a term -> its label; keyword and description stand around them.
LABELS = {
    "reading": "読み",
    "english": "英語",
    "verbose_label": "冗長ラベル",
    "place": "表示箇所",
    "balance": "貸借区分",
    "period_type": "期間・時点",
}
RELATED = {"related_terms": "関連語", "related_stocks": "関連銘柄"}  # several, with commas in between
BUSINESS = "DescriptionOfBusinessTextBlock"
_HEADING = re.compile(r"^#{1,6} .*$", re.MULTILINE)
_MARKS = re.compile(r"^[ \t]*(?:[-*•][ \t]+|[0-9]{1,3}\.[ \t]+|>[ \t]*)")
_NOTE = re.compile(r"\[\^\w+\]:?")
_SENTENCE = re.compile(r"[^。！？]*[。！？]+[」』）)]*|[^。！？]+$")
_UNCHANGED = re.compile(r"(?:変更|異動)は(?:あり|ござい)ません")
_ENGLISH_NAME = re.compile(r"【英訳名】[ 　]*\|[ 　]*([A-Za-z][^|\n]*?)[ 　]*\|")

Count = Annotated[int, Field(ge=1)]
_Place = tuple[int, int]


class Line(NamedTuple):
    """One labeled line, and the characters [start, end) of the parent that say it; none for what ``meta`` says."""

    label: str
    value: str
    places: tuple[_Place, ...]


def documents(
    batch: Iterable[Document], *, maximum_description: Count = 800, maximum_stocks: Count = 50
) -> Iterator[Document]:
    """Yield the labeled lines of every keyword: what a term, an article, a filing or a list tells of it.

    Every line comes from the characters of the spans of ``made_from``, in order, white space folded and list
    marks left out. The name and code of a company that filed may come from the parent's ``meta`` instead
    (``filer``, ``sec_code``), as the filing's own document information states them unseen. A description holds
    whole sentences of at most ``maximum_description`` characters, or the first one; an industry with more than
    ``maximum_stocks`` companies is several documents. What a source says alike in a later document (a company's
    next report) is left out.
    """
    seen: set[tuple[str, str]] = set()
    for document in batch:
        rows = _SOURCES.get(document.meta.get("kind", ""))
        if not rows:
            continue
        identity = document.id
        for lines in rows(document, maximum_description, maximum_stocks):
            places = dict.fromkeys(place for line in lines for place in line.places)
            text = "\n".join(f"{line.label}：{line.value}" for line in lines)
            if (document.source, text) not in seen:
                seen.add((document.source, text))
                yield derived(document, "categories", text, [Span(identity, *place) for place in places])


def _term(document: Document, longest: int, _most: int) -> Iterator[list[Line]]:
    """Yield a term of a glossary, or an item of an accounting taxonomy, which may go without a description."""
    found = term(document)
    keyword = found.keyword if found else document.title
    named = _shown(document, keyword)
    said = [_said(document, name, label) for name, label in LABELS.items()]
    lines = [named, *said[:2]]
    if found:
        lines.append(_described(document, *found.described, longest))
    lines += said[2:]
    after = found.described[1] if found else 0
    lines += [_listed(document, name, label, after) for name, label in RELATED.items()]
    kept = [line for line in lines if line]
    if named and len(kept) > 1:
        yield kept


def _article(document: Document, longest: int, most: int) -> Iterator[list[Line]]:
    """Yield what an article that defines its title says of it; the companies are those it names with codes."""
    found = lead(document)
    if not found:
        return
    lines = [Line("キーワード", found.keyword, (found.named,))]
    known = (("読み", found.reading), ("英語", found.english), ("業種", found.industry))
    for label, place in known:
        if place:
            lines.append(Line(label, document.text[slice(*place)], (place,)))
    lines.append(_described(document, *found.paragraph, longest))
    stocks = listed_companies(document.text, found)[:most]
    if stocks:
        value = "、".join(f"{stock.name}（{stock.code}）" for stock in stocks)
        lines.append(Line("関連銘柄", value, tuple((stock.start, stock.end) for stock in stocks)))
    yield lines


def _filing(document: Document, longest: int, _most: int) -> Iterator[list[Line]]:
    """Yield the company that filed, described by the opening of what the report says of its business."""
    blocks = json.loads(document.meta.get("blocks", "[]"))
    block = next(((start, end) for name, start, end in blocks if name == BUSINESS), None)
    company = document.meta.get("filer", "")
    opening = _opening(document.text, *block) if block else None
    if not company or not opening:
        return
    described = _described(document, *opening, longest)
    if _UNCHANGED.search(described.value) or not re.search("[ぁ-ん]", described.value):
        return
    lines = [_shown(document, company) or Line("キーワード", company, ())]
    if english := _ENGLISH_NAME.search(document.text):
        lines.append(Line("英語", english[1], (english.span(1),)))
    if code := document.meta.get("sec_code"):
        lines.append(Line("証券コード", market_code(code), ()))
    industry = document.meta.get("industry", "")
    if industry and (line := _shown(document, industry, "業種")):
        lines.append(line)
    yield [*lines, described]


def _company_list(document: Document, _longest: int, most: int) -> Iterator[list[Line]]:
    """Yield every industry of a list with its companies."""
    industries: dict[str, list[int]] = {}
    listed = companies(document)
    dated = _dated(document)
    for number, company in enumerate(listed):
        if company.industry:
            industries.setdefault(company.industry, []).append(number)
    for industry, numbers in industries.items():
        for at in range(0, len(numbers), most):
            part = [listed[number] for number in numbers[at : at + most]]
            stocks = "、".join(f"{company.name}（{company.code}）" for company in part)
            places = _merged([(company.start, company.end) for company in part])
            yield [
                Line("キーワード", industry, places[:1]),
                *([dated] if dated else []),
                Line("関連銘柄", stocks, places),
            ]


def _dated(document: Document) -> Line | None:
    """Return the line that names the list and its day, as far as the list shows them."""
    title = _shown(document, document.title)
    day = _shown(document, on_day(document))
    if not title:
        return None
    return Line("一覧", as_of(document) if day else title.value, title.places + (day.places if day else ()))


_SOURCES: dict[str, Callable[[Document, int, int], Iterator[list[Line]]]] = {
    "term": _term,
    "article": _article,
    "filing": _filing,
    "company_list": _company_list,
}


def _merged(places: list[_Place]) -> tuple[_Place, ...]:
    """Return places with those that follow one another, a line break apart, as one."""
    merged: list[_Place] = []
    for start, end in places:
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)


def _shown(document: Document, value: str, label: str = "キーワード") -> Line | None:
    """Return the line for a value where the document first shows it, None for one that it does not show."""
    at = document.text.find(value) if value else -1
    return None if at < 0 else Line(label, value, ((at, at + len(value)),))


def _said(document: Document, name: str, label: str) -> Line | None:
    """Return the line for what a fact, or else ``meta``, says of a term, where the text shows it."""
    for fact in document.facts:
        if fact.kind == "term" and fact.concept == name:
            return Line(label, fact.value, ((fact.start, fact.end),))
    return _shown(document, document.meta.get(name, ""), label)


def _listed(document: Document, name: str, label: str, after: int) -> Line | None:
    """Return the line for several terms or stocks: ``甲社:1301,乙社:1332`` is ``甲社（1301）、乙社（1332）``.

    They are looked for behind the description, where a page lists them, and only then in it.
    """
    facts = [fact.value for fact in document.facts if fact.kind == "term" and fact.concept == name]
    given = ",".join(facts) or document.meta.get(name, "")
    values, places = [], []
    for one in dict.fromkeys(part.strip() for part in given.split(",") if part.strip()):
        named = re.fullmatch(r"(.+):(\w+)", one)
        words, code = named.groups() if named else (one, "")
        if place := _place(document.text, words, code, after) or _place(document.text, words, code, 0):
            values.append(f"{words}（{code}）" if code else words)
            places.append(place)
    return Line(label, "、".join(values), _merged(places)) if values else None


def _place(text: str, words: str, code: str, start: int) -> _Place | None:
    """Return the first characters behind ``start`` that show words, and a code in the same line."""
    for found in re.compile(re.escape(words)).finditer(text, start):
        if not code:
            return found.span()
        begin = text.rfind("\n", 0, found.start()) + 1
        end = text.find("\n", found.end())
        at = text.find(code, begin, len(text) if end < 0 else end)
        if at >= 0:
            return min(found.start(), at), max(found.end(), at + len(code))
    return None


def _opening(text: str, start: int, end: int) -> _Place | None:
    """Return the first paragraphs of a block, up to its first inner heading or table."""
    heading = _HEADING.match(text, start)
    start = heading.end() if heading else start
    stop = re.compile(r"^(?:#{1,6} |\|)", re.MULTILINE).search(text, start, end)
    inner = text[start : stop.start() if stop else end]
    start += len(inner) - len(inner.lstrip())
    return (start, start + len(inner.strip())) if inner.strip() else None


def _described(document: Document, start: int, end: int, longest: int) -> Line:
    """Return the description that stands between two characters, cut behind a sentence, on one line."""
    paragraphs = re.split(r"\n\n(?=\||\[\^)", document.text[start:end])  # without tables and footnotes
    text = paragraphs[0]
    kept = 0
    for sentence in _SENTENCE.finditer(text):
        if kept and sentence.end() > longest:
            break
        kept = sentence.end()
    text = text[:kept].rstrip()
    said = _one_line(text, "" if document.language == "ja" else " ")
    return Line("説明", said, ((start, start + len(text)),))


def _one_line(text: str, joint: str) -> str:
    """Return text on one line: lines joined as they were wrapped, a title before a paragraph set off by a space."""
    said = ""
    for paragraph in re.split(r"\n\s*\n", text):
        lines = (_NOTE.sub("", _MARKS.sub("・", line)).strip() for line in paragraph.split("\n"))
        line = joint.join(filter(None, lines))
        ended = not said or joint or said[-1] in "。！？」』）)：:、" or line.startswith("・")
        said += ("" if not said else joint if ended else "　") + line
    return said
