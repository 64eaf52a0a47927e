"""A bare XBRL instance: its text blocks hold escaped HTML, and nested ones repeat what their parents hold."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

from lxml import etree

from corpus.document import Capture, Document, Drop, Fact
from corpus.extract.amounts import Terms
from corpus.extract.filing import dei, describe, document_of
from corpus.extract.ixbrl import Text
from corpus.extract.markup import parse_page, parse_xml
from corpus.extract.places import name_of
from corpus.extract.tables import Element

_INLINE = "http://www.xbrl.org/2008/inlineXBRL"
_CELL = re.compile(r"(?<=\| )[^|\n]+?(?= \|)")
_SHOWN = re.compile(r"(?:※[0-9０-９、,，]* *)?(△?[0-9][0-9,]*(?:\.[0-9]+)?)")
_FEWEST_DIGITS = 4  # a shorter number meets others by chance
_EXACT = Context(prec=100)


def extract(capture: Capture) -> list[Document | Drop]:
    """Return the filing that a bare instance holds; a Drop when the body is no instance."""
    return read(capture, capture.body)


def read(capture: Capture, body: bytes) -> list[Document | Drop]:
    """Return the filing of an instance: its text blocks in order, and as facts the amounts its tables show.

    An instance does not say where an amount is displayed. A fact is given only where that is certain: one
    amount alone is written this way, and every table cell that shows it stands in a row of the same name.
    """
    root = parse_xml(body)
    if root is None or not str(root.tag).endswith("}xbrl"):
        return [Drop("broken_instance", f"no XBRL instance: it begins with {body[:40]!r}")]
    text = Text()
    for name, source in _outermost(root):
        if (page := _page(name, source)) is not None:
            text.add(page)
    markdown, tagged = text.finish()
    if not markdown.strip():
        return [Drop("empty_filing", "no text block")]
    terms = Terms()
    terms.read(root)
    about = describe(capture, dei(root), _schema(root) or capture.url)
    document = document_of(capture, "filing", markdown, about)
    facts = tuple(_facts(markdown, root, terms, document.meta.get("filer", "")))
    blocks = [[one.element.get("name"), one.start, one.end] for one in tagged]
    meta = {**document.meta, "blocks": json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))}
    return [replace(document, meta=meta, facts=facts)]


def _schema(root: Element) -> str:
    reference = next(root.iter("{*}schemaRef"), None)
    return "" if reference is None else reference.get("{http://www.w3.org/1999/xlink}href", "")


def _outermost(root: Element) -> Iterator[tuple[str, str]]:
    """Yield the name and markup of each text block that no other one holds, in order."""
    sources = [
        (str(one.tag).rpartition("}")[2], one.text or "")
        for one in root
        if isinstance(one.tag, str) and one.tag.endswith("TextBlock") and (one.text or "").strip()
    ]
    bare = ["".join(re.sub(r"<[^>]*>|&[#\w]+;", "", source).split()) for _, source in sources]
    longest = sorted(range(len(bare)), key=lambda at: (-len(bare[at]), at))
    kept: list[int] = []
    for at in longest:
        if not any(bare[at] in bare[other] for other in kept):
            kept.append(at)
    yield from (sources[at] for at in sorted(kept))


def _page(name: str, source: str) -> Element | None:
    """Return a page that holds one text block, as an inline file would."""
    inside, _ = parse_page(f"<div>{source}</div>".encode())
    if inside is None:
        return None
    page = etree.Element("html")
    block = etree.SubElement(page, f"{{{_INLINE}}}nonNumeric", name=name)
    block.append(inside)
    return page


@dataclass(frozen=True, slots=True)
class _Amount:
    concept: str
    period: str
    context: str
    unit: str
    decimals: str
    number: str


def _facts(text: str, root: Element, terms: Terms, subject: str) -> Iterator[Fact]:
    by_shown: defaultdict[str, list[_Amount]] = defaultdict(list)
    for amount in _amounts(root, terms):
        if (shown := _shown(amount)) and sum(sign.isdigit() for sign in shown) >= _FEWEST_DIGITS:
            by_shown[shown].append(amount)
    cells: defaultdict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for shown, start, end, label in _cells(text):
        cells[shown].append((start, end, label))
    found = []
    for shown, amounts in by_shown.items():
        places = cells[shown]
        same = {(one.concept.removesuffix("SummaryOfBusinessResults"), one.period) for one in amounts}
        labels = {label for _, _, label in places}
        if len(same) == 1 and len(labels) == 1 and labels != {""}:
            start, end, label = places[0]
            one = min(amounts, key=lambda amount: (len(amount.context), amount.concept))
            found.append(
                Fact(
                    kind="amount",
                    subject=subject,
                    concept=one.concept,
                    label=label,
                    value=text[start:end],
                    start=start,
                    end=end,
                    number=one.number,
                    unit=one.unit,
                    period=one.period,
                    decimals=one.decimals,
                    context=one.context,
                )
            )
    yield from sorted(found, key=lambda fact: fact.start)


def _amounts(root: Element, terms: Terms) -> Iterator[_Amount]:
    for one in root:
        unit = terms.units.get(one.get("unitRef", ""), "")
        value = (one.text or "").strip()
        if not unit or not re.fullmatch(r"-?\d{1,40}(?:\.\d{1,20})?", value):
            continue
        context = one.get("contextRef", "")
        concept = str(one.tag).rpartition("}")[2]
        yield _Amount(concept, terms.periods.get(context, ""), context, unit, one.get("decimals", ""), value)


def _shown(amount: _Amount) -> str:
    """Return how a statement prints an amount: in thousands or millions by its decimals, a loss with △."""
    try:
        value, decimals = Decimal(amount.number), int(amount.decimals)
    except (InvalidOperation, ValueError):
        return ""
    scale = {-3: -3, -6: -6, -8: -8, -9: -9}.get(decimals, 0)
    if amount.unit == "pure" and decimals > 2:
        scale, decimals = 2, decimals - 2
    places = max(decimals, 0) if not scale or scale > 0 else 0
    value = value.scaleb(scale, context=_EXACT)
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=_EXACT)
    return ("△" if rounded < 0 else "") + f"{abs(rounded):,f}"


def _cells(text: str) -> Iterator[tuple[str, int, int, str]]:
    """Yield every amount that fills a table cell, with its characters and the name of its row."""
    at = 0
    for line in text.split("\n"):
        label = ""
        for cell in _CELL.finditer(line) if line.startswith("| ") else ():
            if found := _SHOWN.fullmatch(cell[0]):
                start = at + cell.start() + found.start(1)
                yield found[1], start, start + len(found[1]), label
            else:
                label = name_of(cell[0]) or label
        at += len(line) + 1
