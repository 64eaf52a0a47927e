"""Format sections: one section of many documents of a kind, gathered; or one document per section."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, NamedTuple

from pydantic import Field

from corpus.document import Document, Span
from corpus.formats.derived import derived
from datacards.rights import combined, joined

_HEADING = re.compile(r"^(#{1,6})[ \t]+(\S.*)$", re.MULTILINE)
SEPARATOR = " > "
_LONGEST_HEADING = 40  # characters of one that stands alone in a plain line
_WHOLE = ("term", "company_list")
_DIGITS = "[0-9一二三四五六七八九十]{1,3}"
# The number in front of a heading: 第１章, １．, （2）, Ⅱ．, ③; a year or a sum of money is none. After NFKC.
_NUMBER = re.compile(
    rf"^(?:第{_DIGITS}(?:[章節部編条][\s.、:]*|[\s.、:]+|(?=【))|{_DIGITS}(?:[.、)]\s*|\s+|(?=【))"
    rf"|\({_DIGITS}\)\s*|[IVX]{{1,4}}(?:[.、]\s*|\s+(?=[^\x00-\x7f])))"
)
_CIRCLED = re.compile(r"^[①-⑳]\s*")
_BRACKETS = re.compile(
    r"^(?:【([^【】]+)】|\[([^\[\]]+)\]|〔([^〔〕]+)〕|\(([^()]+)\)|<([^<>]+)>|〈([^〈〉]+)〉)$"
)

Characters = Annotated[int, Field(ge=1)]


class _Heading(NamedTuple):
    start: int
    end: int
    path: tuple[str, ...]


def documents(
    batch: Iterable[Document], *, consolidate: bool = True, maximum_characters: Characters = 20_000
) -> Iterator[Document]:
    """Yield the sections of a shard, those of one name over documents of one kind gathered in one document.

    A filing is cut at the outermost text blocks of ``meta["blocks"]`` (a JSON list of ``[name, start, end]``),
    which the XBRL taxonomy defines, and its sections are named by them. Everything else is cut at its Markdown
    headings, and sections are named by them without number and brackets; terms and lists have formats of their
    own. Sections are gathered, section-wise as in arXiv:2409.19854, only within one source, license and
    language: in order of date and company, in documents of at most ``maximum_characters`` (code points) with
    every part under a heading that names whose it is. A longer section, one without a heading, and one that is
    alone keep their own text; what two parts say alike under a like heading is there once. The text of a part is that of its parent between the characters of its span.
    """
    cut = (section for document in batch for section in _cut(document))
    if not consolidate:
        yield from cut
        return
    groups: dict[tuple[str, ...], list[Document]] = {}
    for number, section in enumerate(cut):
        groups.setdefault(_group(section, number), []).append(section)
    for members in groups.values():
        for run in _packed(_different(sorted(members, key=_order)), maximum_characters):
            yield run[0] if len(run) == 1 else _consolidated(run)


def gathered(documents: Mapping[str, Document], parts: Sequence[tuple[str, int, int]]) -> Document | None:
    """Return the section that the given parts make, in their order; None when the documents have no such parts.

    ``documents`` are base documents by id; a part is (id, start, end) as in the spans of a gathered section. One part
    alone is the section of its document.
    """
    found = []
    for identity, start, end in parts:
        cut = _cut(documents[identity]) if identity in documents else ()
        same = (one for one in cut if _part(one)[1] == Span(identity, start, end))
        if one := next(same, None):
            found.append(one)
    return (found[0] if len(found) == 1 else _consolidated(found)) if found else None


def _cut(document: Document) -> Iterator[Document]:
    """Yield one document per section; its text is that of the parent between the characters of its span."""
    if document.meta.get("kind") in _WHOLE:
        return
    headings = list(_headings(document.text))
    cuts = _blocks(document, headings) if "blocks" in document.meta else _between(document.text, headings)
    identity = document.id
    seen: set[tuple[str, str]] = set()
    for path, block, begin, stop in cuts:
        start, end = _stripped(document.text, begin, stop)
        text, section = document.text[start:end], SEPARATOR.join(path)
        if (text, section) not in seen and _says(_HEADING.sub("", text).strip()):
            seen.add((text, section))
            yield derived(
                document, "sections", text, [Span(identity, start, end)], section=section, block=block
            )


def _says(text: str) -> bool:
    """Whether there is more than a heading, which filings often print as a plain line: （追加情報） or 38．コミットメント."""
    if "\n" in text or text.endswith("。") or len(text) > _LONGEST_HEADING:
        return True
    return bare(text) == " ".join(unicodedata.normalize("NFKC", text).split()) and bool(text)


def _headings(text: str) -> Iterator[_Heading]:
    path: list[tuple[int, str]] = []
    for match in _HEADING.finditer(text):
        level, title = len(match[1]), match[2].rstrip().rstrip("#").rstrip()
        path = [*(above for above in path if above[0] < level), (level, title)]
        yield _Heading(match.start(), match.end(), tuple(title for _, title in path))


def _between(text: str, headings: list[_Heading]) -> Iterator[tuple[tuple[str, ...], str, int, int]]:
    """Yield (path, "", start, end) from every heading to the next, and for what stands before the first."""
    bounds = [*(heading.start for heading in headings), len(text)]
    yield (), "", 0, bounds[0]
    for heading, end in zip(headings, bounds[1:], strict=True):
        yield heading.path, "", heading.start, end


def _blocks(document: Document, headings: list[_Heading]) -> Iterator[tuple[tuple[str, ...], str, int, int]]:
    """Yield (path, name, start, end) of every outermost block; the path is that of the nearest heading."""
    covered = 0
    blocks = [(start, -end, name) for name, start, end in json.loads(document.meta["blocks"])]
    for start, negative, name in sorted(blocks):
        if -negative <= covered:
            continue
        covered = -negative
        inside = _HEADING.search(document.text, start, covered)
        opens = start if not inside or document.text[start : inside.start()].strip() else inside.start()
        above = [heading.path for heading in headings if heading.start <= opens]
        yield (above[-1] if above else (name,)), name, start, covered


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span without the white space at its ends."""
    inner = text[start:end]
    start += len(inner) - len(inner.lstrip())
    return start, max(start, start + len(inner.strip()))


def bare(heading: str) -> str:
    """Return a heading without its number and brackets, in NFKC: ``３ 【事業の内容】`` is ``事業の内容``."""
    name = " ".join(unicodedata.normalize("NFKC", _CIRCLED.sub("", heading.strip())).split())
    while (shorter := _NUMBER.sub("", name, count=1).strip()) and shorter != name:
        name = shorter
    enclosed = _BRACKETS.match(name)
    return next(filter(None, enclosed.groups())).strip() if enclosed else name


def _name(section: Document) -> str:
    name = bare(section.section.rpartition(SEPARATOR)[2])
    unheaded = name == section.meta.get("block")  # a block under no heading is called like its document
    return section.title.split()[-1] if unheaded and section.title.split() else name


def _group(section: Document, number: int) -> tuple[str, ...]:
    """Return what sections that are gathered have in common; a section without a name is alone."""
    meta = section.meta
    name = meta.get("block") or _name(section).casefold() or f"\0{number}"
    return (meta.get("kind", ""), section.source, section.license, section.language, name)


def _order(section: Document) -> tuple[date, str, str]:
    day = section.event_at or section.published_at or date.min
    return day, section.meta.get("filer") or section.title, section.url


def _different(sections: Iterable[Document]) -> Iterator[Document]:
    """Yield the sections that say something else, or of somebody else, than those before."""
    seen: set[str] = set()
    for section in sections:
        text, _ = _part(section)
        if text not in seen:
            seen.add(text)
            yield section


def _packed(sections: Iterable[Document], limit: int) -> Iterator[list[Document]]:
    """Yield runs of sections that fit into one document of ``limit`` characters, or one that is longer."""
    run: list[Document] = []
    size = title = 0
    for section in sections:
        needed, named = len(_part(section)[0]) + 2, len(f"# {_name(section)}")
        if run and max(title, named) + size + needed > limit:
            yield run
            run, size, title = [], 0, 0
        run.append(section)
        size, title = size + needed, max(title, named)
    if run:
        yield run


def _part(section: Document) -> tuple[str, Span]:
    """Return a section as a part: a heading that names whose it is, then its text without its own heading."""
    [span] = section.made_from
    own = _HEADING.match(section.text)
    start, end = _stripped(section.text, own.end() if own else 0, section.n_chars)
    return f"## {_whose(section)}\n\n{section.text[start:end]}", Span(
        span.id, span.start + start, span.start + end
    )


def _whose(section: Document) -> str:
    """Return company or title and the period or day that a section tells of."""
    meta = section.meta
    named = f"{meta['filer']} {meta.get('document_title', '')}" if meta.get("filer") else section.title
    day = section.event_at or section.published_at
    period = [meta[name] for name in ("period_start", "period_end") if meta.get("filer") and meta.get(name)]
    when = period or ([day.isoformat()] if day else [])
    if section.language != "ja":
        return " ".join(named.split()) + (f" ({' to '.join(when)})" if when else "")
    return " ".join(named.split()) + (f"（{'～'.join(map(_in_japanese, when))}）" if when else "")


def _in_japanese(text: str) -> str:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return text
    return f"{day.year}年{day.month}月{day.day}日"


def _consolidated(run: Sequence[Document]) -> Document:
    """Return the document of several sections; what it says of time is true of all, none is later than it says."""
    first = run[0]
    parts = [_part(section) for section in run]
    [(name, _)] = Counter(map(_name, run)).most_common(1)
    terms = combined((section.license for section in run), derived=True)
    shared = dict(first.meta.items())
    for section in run[1:]:
        shared = {key: value for key, value in shared.items() if section.meta.get(key) == value}
    return replace(
        first,
        text="\n\n".join([f"# {name}", *(text for text, _ in parts)]),
        title=name,
        section=name,
        license=terms.license,
        attribution=joined(section.attribution for section in run),
        redistribution=terms.redistribution and all(section.redistribution for section in run),
        event_at=_latest([section.event_at for section in run]),
        published_at=_latest([section.published_at for section in run]),
        available_at=_latest([section.available_at for section in run]),
        captured_at=max(section.captured_at for section in run),
        made_from=tuple(span for _, span in parts),
        meta=shared,
        cluster_size=1,
    )


def _latest(days: Sequence[date | None]) -> date | None:
    known = [day for day in days if day]
    return max(known) if len(known) == len(days) else None
