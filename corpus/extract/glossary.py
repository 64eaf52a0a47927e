"""Term pages of financial glossaries -> for each term a document with one fact: the term and what it means."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from corpus.document import Capture, Document, Drop, Fact
from corpus.extract.blocks import blocks, plain
from corpus.extract.dates import all_dates
from corpus.extract.glossary_list import Entry, entries
from corpus.extract.record import base_document
from corpus.extract.tree import Element, select, text_of

_CONTENT = ("//article", "//main", '//*[@role="main"]', '//*[@id="contents"]', '//*[@id="main"]', "//body")
_KANA = "[ぁ-ゖァ-ヺー・ 　]{2,60}"
_READING = re.compile(
    rf"^(?:(?:読み|よみ)(?:方|がな|かた)?|フリガナ|ふりがな)?\s*[:：]?\s*[（(【\[]?\s*({_KANA}?)\s*[）)】\]]?$"
)
_WITH_READING = re.compile(rf"^(.+?)\s*[（(【\[]\s*({_KANA}?)\s*[）)】\]]$")
_RELATED = re.compile(r"^【?\s*(?:関連(?:する)?|参照)(?:用?語|項目|リンク)?\s*】?\s*[:：]?$")
_STOCKS = re.compile(r"^【?\s*関連(?:する)?(?:銘柄|株式?|企業|会社)(?:一覧)?\s*】?\s*[:：]?$")
_CODE = re.compile(r"(?<![0-9A-Za-z])([0-9][0-9A-Z]{3})0?(?![0-9A-Za-z])")
_CHANGED = re.compile(r"^(?:最終)?(?:更新|掲載|公開)日?\s*[:：]?\s*(?:.{0,8}年|\d{4}[/.-]\d)")
_CHANGED_ALONE = re.compile(r"^(?:最終)?(?:更新|掲載|公開)日\s*[:：]?$")
_IN_NUMBERS = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})")
_ENGLISH = re.compile(r"^(?:英語?|English)?\s*[:：]?\s*([A-Za-z][\x20-\x7e’–—（）・]{1,120})$")
_CHROME = re.compile(
    r"^(?:[©Ⓒ]|Copyright|.{0,12}(?:一覧|先頭|トップ|検索)(?:へ|に)|前の用語|次の用語|用語を検索)",
    re.IGNORECASE,
)
_INDEX = re.compile(r"用語(?:集|辞典|解説|検索|一覧|$)|索引|^Glossary", re.IGNORECASE)
_SENTENCE = re.compile(r"[^。！？]*[。！？]+[」』）)]?")


@dataclass(slots=True)
class _Term:
    """What a page says of one term, as it is read."""

    reading: str = ""
    english: str = ""
    changed: str = ""
    description: list[str] = field(default_factory=list)
    related: list[str] = field(default_factory=list)
    stocks: list[tuple[str, str]] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)


def recognizes(capture: Capture) -> bool:
    """Whether a page is one of a glossary: the spider says so, or its address."""
    return capture.meta.get("kind") == "term" or "glossary" in capture.source + urlsplit(capture.url).path


def extract(capture: Capture, tree: Element) -> list[Document | Drop]:
    """Return the document of each term with its definition as a fact, or why there is none."""
    content = next((e for path in _CONTENT for e in select(tree, path) if text_of(e).strip()), tree)
    heading = next(content.iter("h1"), None)
    headword = plain(heading) if heading is not None else ""
    if (not headword or _INDEX.search(headword)) and (listed := entries(content)):
        return [_document(capture, *_listed(entry)) for entry in listed]
    headword, reading = _parted(headword)
    term = _read(blocks(content), headword, reading)
    if not term.description or _INDEX.search(headword):
        return [Drop("index_page", f"no description of '{headword}'")]
    return [_document(capture, headword, term)]


def _parted(headword: str) -> tuple[str, str]:
    """Return a headword and the reading behind it, "" for none."""
    found = _WITH_READING.match(headword) if len(headword) < 200 else None
    return (found.group(1), found.group(2)) if found else (headword, "")


def _listed(entry: Entry) -> tuple[str, _Term]:
    """Return the headword of an entry of a list and what the list says of it."""
    headword, reading = _parted(entry.words[0])
    term = _Term(reading=reading, description=list(entry.paragraphs))
    for word in entry.words[1:]:
        if not term.reading and (found := _READING.match(word)):
            term.reading = found.group(1).strip()
        elif not term.english and (found := _ENGLISH.match(_bracketless(word))):
            term.english = found.group(1)
    return headword, term


def _document(capture: Capture, headword: str, term: _Term) -> Document:
    named = "　".join(part for part in (f"読み：{term.reading}" * bool(term.reading), term.english) if part)
    before = "\n\n".join(part for part in (f"# {headword}", named) if part) + "\n\n"
    text = before + "\n\n".join([*term.description, *term.rest])
    value = _definition(term.description[0])
    start = len(before)
    stated = all_dates(_IN_NUMBERS.sub(r"\1年\2月\3日", term.changed))
    return base_document(
        capture,
        text=text,
        title=headword,
        kind="term",
        published_at=stated[0] if stated else None,
        meta={
            "reading": term.reading,
            "english": term.english,
            "related_terms": ",".join(term.related),
            "related_stocks": ",".join(f"{name}:{code}" for name, code in term.stocks),
        },
        facts=(
            Fact(
                kind="term",
                subject=headword,
                concept="definition",
                label="説明",
                value=value,
                start=start,
                end=start + len(value),
            ),
        ),
    )


def _read(parts: list[str], headword: str, reading: str) -> _Term:
    term = _Term(reading=reading)
    section = ""
    for part in _with_their_days(parts):
        bare = part.lstrip("# ").strip("* ")
        heading = part.startswith(("#", "**"))
        if bare == headword or (bare.startswith(f"{headword}（") and heading) or _CHROME.match(bare):
            continue
        if _CHANGED.match(bare):
            term.changed = bare
        elif _STOCKS.match(bare) or _RELATED.match(bare):
            section = "stocks" if _STOCKS.match(bare) else "related"
            term.rest.append(f"## {bare.rstrip(':：')}")
        elif section and heading:
            section = ""
            term.rest.append(part)
        elif section or term.rest:
            if part.startswith(("- ", "|")) or term.rest[-1].startswith("## "):
                _note(term, section, part)
            term.rest.append(part)
        elif not term.description and not term.reading and (found := _READING.match(bare)):
            term.reading = found.group(1).strip()
        elif not term.description and not term.english and (found := _ENGLISH.match(_bracketless(bare))):
            term.english = found.group(1)
        elif term.description or not part.startswith(("- ", "#")):
            term.description.append(part)
    return term


def _with_their_days(parts: list[str]) -> Iterator[str]:
    """Yield the blocks, "更新日" that stands alone together with the day behind it."""
    label = ""
    for part in parts:
        bare = part.lstrip("# ").strip("* ")
        if label and not _CHANGED.match(f"{label}{bare}"):
            yield label
            label = ""
        if _CHANGED_ALONE.match(bare):
            label = bare
        else:
            yield f"{label}{part}"
            label = ""
    if label:
        yield label


def _bracketless(text: str) -> str:
    return text[1:-1] if text[:1] in ("（", "(") and text[-1:] in ("）", ")") else text


def _note(term: _Term, section: str, part: str) -> None:
    """Take related terms and stocks out of a list, a table or a line of them."""
    rows = [line.strip() for line in part.split("\n") if line.strip(" |-")]
    if section == "related":
        words = [w for row in rows for w in re.split(r"[、,，／]", row.removeprefix("- ").strip("| "))]
        for word in filter(None, map(str.strip, words)):
            if _CHANGED.match(word):
                term.changed = word
            elif not _CHANGED_ALONE.match(word):
                term.related.append(word)
    elif section == "stocks":
        for row in rows:
            if found := _CODE.search(row):
                left = re.split(r"[|、,，:：（(]", row[: found.start()].strip("-| 　:：（("))
                right = re.split(r"[|、,，:：）)]", row[found.end() :].strip("| 　:：）)"))
                name = next((text.strip() for text in (*left, *right) if text.strip()), "")
                term.stocks.append((name, found.group(1)))


def _definition(paragraph: str) -> str:
    """Return the sentences that say what a term means: the first, with the next where it is very short."""
    value = ""
    for sentence in _SENTENCE.findall(paragraph[:2000]):
        value += sentence
        if len(value) >= 25:
            break
    return value or paragraph
