"""XBRL taxonomy packages (EDINET's, zipped) -> for each item of accounts a term document: labels and place."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain
from typing import NamedTuple

from corpus.document import Capture, Document, Drop, Fact
from corpus.extract.archive import ArchiveError, Limits, members
from corpus.extract.filing import day
from corpus.extract.markup import parse_xml
from corpus.extract.record import base_document
from corpus.extract.tables import Element

LIMITS = Limits(members=20_000)  # the taxonomy of the main statements alone has 2,054 files
_LABELS = ("_lab.xml", "_lab-en.xml")
_PLACES = re.compile(r"_pre(?:_[^/]*)?\.xml$|_cm_[0-9-]+_def_[^/]*\.xml$")  # cm: the trees of all accounts
_DEPRECATED = re.compile(r"/deprecated/|_dep_")
_XLINK = "{http://www.w3.org/1999/xlink}"
_XBRLI = "{http://www.xbrl.org/2003/instance}"
_ROLE = "http://www.xbrl.org/2003/role/"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_NUMERIC = re.compile(r"(?:monetary|shares|pure|decimal|integer|percent|perShare)\w*ItemType$", re.IGNORECASE)
_NAMESPACE_DAY = re.compile(r"/(\d{4}-\d{2}-\d{2})/")
_FRAME = re.compile(r"(?:LineItems|Table|Axis|Domain)$")  # parents that only hold a statement together
_OF_FILINGS = ("jpdei_cor_",)  # what a filing says of itself, such as how often it was submitted: no accounts
_DEEPEST = 20
BALANCE = {"debit": "借方", "credit": "貸方"}
PERIOD = {"instant": "時点", "duration": "期間"}


class Item(NamedTuple):
    """One item of accounts: its labels, the labels of what it stands under, and what XBRL says of its amounts."""

    element: str  # prefix:Name
    label: str
    verbose: str = ""
    english: str = ""
    documentation: str = ""
    place: tuple[str, ...] = ()
    balance: str = ""  # debit, credit or ""
    period: str = ""  # instant or duration


def extract(capture: Capture) -> list[Document | Drop]:
    """Return the term documents of a taxonomy package, in the order of its schemas, or why there are none.

    Follows XBRL 2.1, section 5.2: labels by role and language, the place by the parents of the presentation
    links (those of ordinary industry, ``cai``, before others), else by the trees of accounts in the definition links. Items are what has amounts; titles, tables and
    texts are none, nor is what the package deprecates.
    """
    try:
        files = members(capture.body, _wanted, LIMITS)
    except ArchiveError as error:
        return [error.drop]
    trees = {name: tree for name, body in files.items() if (tree := parse_xml(body)) is not None}
    drops = [Drop("broken_page", name) for name in files if name not in trees]
    labels = _labels(tree for name, tree in trees.items() if name.endswith(_LABELS))
    parents = _parents([tree for name, tree in sorted(trees.items(), key=_ordinary) if _PLACES.search(name)])
    schemas = [tree for name, tree in trees.items() if name.endswith(".xsd")]
    items = [item for schema in schemas for item in _items(schema, labels, parents)]
    days = [found for schema in schemas if (found := _day(schema))]
    return [*documents(capture, items, max(days, default=None)), *drops] or [
        Drop("nothing_found", "taxonomy")
    ]


def documents(capture: Capture, items: Iterable[Item], published_at: date | None) -> Iterator[Document]:
    """Yield one term document per item, each element once.

    An item is called by its label, or by its verbose label where others share the label ("その他").
    """
    once: dict[str, Item] = {}
    for item in items:
        once.setdefault(item.element, item)
    light = replace(
        capture, body=b""
    )  # what it came from is named once, by corpus.extract, and not hashed here
    shared = Counter(item.label for item in once.values())
    for item in once.values():
        yield _document(light, item, item.label if shared[item.label] == 1 else item.verbose, published_at)


def _document(capture: Capture, item: Item, keyword: str, published_at: date | None) -> Document:
    place = " > ".join(item.place)
    balance, period = BALANCE.get(item.balance, ""), PERIOD.get(item.period, "")
    said = {
        "標準ラベル": item.label,
        "冗長ラベル": item.verbose,
        "英語ラベル": item.english,
        "表示箇所": place,
        "貸借区分": balance,
        "期間・時点": period,
    }
    lines = [f"{name}：{value}" for name, value in said.items() if value]
    text = "\n\n".join([f"# {keyword}", *lines, *([item.documentation] if item.documentation else [])])
    meta = {
        "english": item.english,
        "verbose_label": item.verbose if item.verbose != keyword else "",
        "place": place,
        "balance": balance,
        "period_type": period,
        "element": item.element,
    }
    start = len(text) - len(item.documentation)
    definition = Fact("term", keyword, "definition", "説明", item.documentation, start, len(text))
    return base_document(
        capture,
        text=text,
        title=keyword,
        kind="term",
        url=f"{capture.url}#{item.element.replace(':', '_')}",
        published_at=published_at,
        meta=meta,
        facts=(definition,) if item.documentation else (),
    )


def _wanted(name: str) -> bool:
    kind = name.endswith((".xsd", *_LABELS)) or bool(_PLACES.search(name))
    return kind and not _DEPRECATED.search(name) and not name.startswith("samples/")


def _ordinary(named: tuple[str, Element]) -> tuple[bool, bool, str]:
    """Order presentation links: ordinary industry first, whole statements before their variants."""
    name = named[0]
    return "/cai/" not in name, "-" in name.rpartition("_pre")[2], name


def _day(schema: Element) -> date | None:
    found = _NAMESPACE_DAY.search(schema.get("targetNamespace", ""))
    return day(found[1]) if found else None


def _fragment(href: str) -> str:
    return href.rpartition("#")[2]


def _arcs(trees: Iterable[Element], link: str, arc: str) -> Iterator[tuple[str, str, Mapping[str, Element]]]:
    """Yield (element id at one end, xlink:label at the other, what has a label in this link) of every arc."""
    for tree in trees:
        for one in tree.iter(f"{{*}}{link}"):
            ends = {end.get(f"{_XLINK}label", ""): end for end in one if end.get(f"{_XLINK}label")}
            for found in one.iter(f"{{*}}{arc}"):
                start = ends.get(found.get(f"{_XLINK}from", ""))
                if start is not None and found.get("use") != "prohibited":
                    yield _fragment(start.get(f"{_XLINK}href", "")), found.get(f"{_XLINK}to", ""), ends


def _labels(trees: Iterable[Element]) -> dict[tuple[str, str, str], str]:
    """Return the label of every (element id, role, language); the first one counts."""
    found: dict[tuple[str, str, str], str] = {}
    for identity, to, ends in _arcs(trees, "labelLink", "labelArc"):
        label = ends.get(to)
        role = "" if label is None else label.get(f"{_XLINK}role", "")
        if label is not None and role.startswith(_ROLE):
            text = " ".join("".join(map(str, label.itertext())).split())
            found.setdefault((identity, role.removeprefix(_ROLE), label.get(_LANGUAGE, "")), text)
    return found


def _parents(trees: Sequence[Element]) -> dict[str, str]:
    """Return the parent of every element id that a link places, a presentation link first; the first one counts."""
    found: dict[str, str] = {}
    shown = _arcs(trees, "presentationLink", "presentationArc")
    for parent, to, ends in chain(shown, _arcs(trees, "definitionLink", "definitionArc")):
        child = ends.get(to)
        if child is not None:
            found.setdefault(_fragment(child.get(f"{_XLINK}href", "")), parent)
    return found


def _items(
    schema: Element, labels: Mapping[tuple[str, str, str], str], parents: Mapping[str, str]
) -> Iterator[Item]:
    for element in schema.iter("{http://www.w3.org/2001/XMLSchema}element"):
        identity, name = element.get("id", ""), element.get("name", "")

        def label(role: str, language: str = "ja", of: str = identity) -> str:
            return labels.get((of, role, language), "")

        if identity.startswith(_OF_FILINGS):
            continue
        if element.get("abstract") == "true" or not _NUMERIC.search(element.get("type", "")):
            continue
        if label("label"):
            yield Item(
                element=f"{identity.removesuffix(name).rstrip('_')}:{name}",
                label=label("label"),
                verbose=label("verboseLabel") or label("label"),
                english=label("label", "en"),
                documentation=label("documentation"),
                place=_place(identity, parents, lambda of: labels.get((of, "label", "ja"), "")),
                balance=element.get(f"{_XBRLI}balance", ""),
                period=element.get(f"{_XBRLI}periodType", ""),
            )


def _place(identity: str, parents: Mapping[str, str], label: Callable[[str], str]) -> tuple[str, ...]:
    """Return the labels of what an element stands under, the outermost first."""
    names: list[str] = []
    at = identity
    for _ in range(_DEEPEST):
        if (above := parents.get(at)) is None or above == identity:
            break
        at = above
        name = label(at)
        if name and not _FRAME.search(at) and (not names or names[-1] != name):
            names.append(name)
    return tuple(reversed(names))
