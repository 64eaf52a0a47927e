"""EDINET packages (type 1) -> one Markdown document per filing with its tagged numbers as facts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from corpus.document import Capture, Document, Drop
from corpus.extract import amounts, instance
from corpus.extract.archive import ArchiveError, members
from corpus.extract.filing import dei, describe, document_of
from corpus.extract.ixbrl import Tagged, Text, is_text_block
from corpus.extract.markup import parse_page, parse_xml
from corpus.extract.tables import Element

_NOWHERE = "\0"  # no identifier of XML
_PAGES = (".htm", ".html", ".xhtml")
_FOLDERS = frozenset(["PublicDoc", "AuditDoc", "AttachDoc", "EnglishDoc"])
_WANTED = (*_PAGES, ".xbrl", "_lab.xml", "manifest_publicdoc.xml", "manifest_auditdoc.xml")


def extract(capture: Capture) -> list[Document | Drop]:
    """Return the filing in an EDINET package, and its audit reports, as documents; a Drop for what is broken.

    Reads inline XBRL and plain HTML packages, with or without the outer folders, and a bare ``.xbrl``
    instance. The text follows the manifest's order; each displayed character is in it once; nothing hidden is.

    Damage: a zip that cannot be unpacked whole gives no text, since fetching it again mends it. A filing of which
    single pages are missing (the manifest names them) or cannot be read keeps the text of the others: a filing is
    worth having without one of its notes, and fetching it again gives the same. Each such page is a Drop
    (``missing_page``, ``broken_page``), and the document's meta names it (``missing_pages``, ``broken_pages``,
    ``mended_pages`` for those not well-formed), so that a recipe may leave such filings out.
    """
    if not capture.body.startswith(b"PK"):
        return instance.extract(capture)
    try:
        files = members(capture.body, lambda name: name.lower().endswith(_WANTED))
    except ArchiveError as error:
        return [error.drop]
    found: list[Document | Drop] = []
    stated: dict[str, str] = {}  # the audit reports do not say whose they are: the filing does
    for package in packages(files):
        found += _read(capture, package, stated)
    return found or [Drop("no_public_document", f"{len(files)} files and none of them a page")]


@dataclass(frozen=True, slots=True)
class Package:
    """One folder of a filing: its pages in reading order, and those the manifest names but the zip lacks."""

    kind: str  # filing or audit_report
    pages: dict[str, bytes]
    missing: tuple[str, ...]
    labels: tuple[bytes, ...] = ()
    instances: tuple[bytes, ...] = ()


def packages(files: Mapping[str, bytes]) -> list[Package]:
    """Return the packages of a type 1 zip: the filing itself, then the audit reports."""
    return [
        package
        for folder, kind in (("PublicDoc", "filing"), ("AuditDoc", "audit_report"))
        if (package := _package(files, folder, kind))
    ]


def _package(files: Mapping[str, bytes], folder: str, kind: str) -> Package | None:
    foldered = any(_FOLDERS & set(PurePosixPath(name).parts[:-1]) for name in files)
    here = {name: files[name] for name in sorted(files) if _belongs(name, folder, foldered)}
    pages = [name for name in here if name.lower().endswith(_PAGES)]
    manifest = next((name for name in here if name.lower().endswith(f"manifest_{folder.lower()}.xml")), "")
    beside = PurePosixPath(manifest).parent
    by_name = {PurePosixPath(name).name: name for name in reversed(pages)}
    by_name |= {PurePosixPath(name).name: name for name in pages if PurePosixPath(name).parent == beside}
    listed = [PurePosixPath(name).name for name in _manifest(here.get(manifest, b""))]
    order = [by_name[name] for name in listed if name in by_name]
    order += [name for name in pages if name not in order]
    instances = tuple(body for name, body in here.items() if name.endswith(".xbrl"))
    if not order and not instances:
        return None
    return Package(
        kind,
        {name: here[name] for name in order},
        tuple(name for name in listed if name not in by_name),
        tuple(body for name, body in here.items() if name.endswith("_lab.xml")),
        instances,
    )


def _belongs(name: str, folder: str, foldered: bool) -> bool:
    """Whether a file lies below a folder of the filing; without folders, audit reports are known by their names."""
    if foldered:
        return folder in PurePosixPath(name).parts[:-1]
    base = PurePosixPath(name).name
    return ("jpaud" in base or base == "manifest_AuditDoc.xml") == (folder == "AuditDoc")


def _manifest(body: bytes) -> list[str]:
    """Return the names of the inline files in the order the manifest gives; none if it cannot be read."""
    root = parse_xml(body)
    names = [] if root is None else [(one.text or "").strip() for one in root.iter("{*}ixbrl")]
    return list(dict.fromkeys(name for name in names if name))


def _read(capture: Capture, package: Package, stated: dict[str, str]) -> list[Document | Drop]:
    if not package.pages:
        return instance.read(capture, package.instances[0]) if package.kind == "filing" else []
    text, terms = Text(), amounts.Terms()
    drops: list[Document | Drop] = [Drop("missing_page", name) for name in package.missing]
    mended: list[str] = []
    for path, body in package.pages.items():
        name = PurePosixPath(path).name
        root, was_mended = parse_page(body)
        if root is None:
            drops.append(Drop("broken_page", name))
            continue
        mended += [name] if was_mended else []
        terms.read(root)
        stated.update(dei(root) | stated)
        text.add(root)
    for body in package.labels:
        if (root := parse_xml(body)) is not None:
            terms.read_labels(root)
    markdown, tagged = text.finish()
    if not markdown.strip():
        return [*drops, Drop("empty_filing", package.kind)]
    broken = [one.detail for one in drops if isinstance(one, Drop) and one.reason == "broken_page"]
    notes = {
        "missing_pages": ", ".join(package.missing),
        "broken_pages": ", ".join(broken),
        "mended_pages": ", ".join(mended),
    }
    about = describe(capture, stated, next(iter(package.pages)))
    document = document_of(capture, package.kind, markdown, about | notes)
    found = amounts.facts(markdown, tagged, terms, document.meta.get("filer", ""))
    blocks = json.dumps(_blocks(markdown, tagged), ensure_ascii=False, separators=(",", ":"))
    meta = {**document.meta, "blocks": blocks} if blocks != "[]" else document.meta
    return [replace(document, facts=tuple(found), meta=meta), *drops]


def _blocks(text: str, tagged: list[Tagged]) -> list[tuple[str, int, int]]:
    """Return the text blocks as (local name, start, end); continuations join what they continue.

    A continuation that does not follow at once (something of another block stands between) is named on its own.
    """
    ids = {(one.file, one.element.get("id", "")): one.element for one in tagged}
    anywhere = {one.element.get("id", ""): one.element for one in reversed(tagged)}
    first = {}  # continuation -> the element it continues, in this file or another one
    for one in tagged:
        name = one.element.get("continuedAt") or _NOWHERE
        after = ids.get((one.file, name), anywhere.get(name))
        if after is not None:
            first[after] = one.element
    spans: list[tuple[Element, int, int]] = []
    for one in sorted((t for t in tagged if is_text_block(t.element)), key=lambda t: (t.start, -t.end)):
        element = one.element
        seen = {element}
        while element in first and first[element] not in seen:
            element = first[element]
            seen.add(element)
        last = next((i for i, span in enumerate(spans) if span[0] is element), None)
        if last is not None and not text[spans[last][2] : one.start].strip():
            spans[last] = (element, spans[last][1], one.end)
        else:
            spans.append((element, one.start, one.end))
    named = ((amounts.concept_of(element), start, end) for element, start, end in spans)
    return [block for block in named if block[0].endswith("TextBlock")]
