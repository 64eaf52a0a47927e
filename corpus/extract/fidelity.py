"""How true the text of a filing is to what its pages display: numbers kept whole, numbers that are nobody's.

``python -m corpus.extract.fidelity FILE...`` measures EDINET packages (type 1), instances and CSV packages (type 5).
"""

import json
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import click

from corpus.document import Capture, Document, Drop, Fact
from corpus.encoding import decode
from corpus.extract import flattened, xbrl
from corpus.extract.archive import ArchiveError, members
from corpus.extract.comparison import Comparison, examine
from corpus.extract.displayed import Pages, read_page
from corpus.extract.flattened import fused_numbers
from corpus.extract.markup import parse_xml

__all__ = [
    "examine",
    "false_numbers",
    "fused_numbers",
    "is_whole",
    "lost_numbers",
    "measure",
    "number_fidelity",
]

_GLUE = re.compile(r"[0-9０-９]|[,，.．][0-9０-９]")
FOLDERS = {"filing": "PublicDoc", "audit_report": "AuditDoc"}


class Fidelity(NamedTuple):
    """``share`` of the ``displayed`` tagged numbers that stand whole in the text."""

    share: float
    displayed: int


def number_fidelity(body: bytes, document: Document) -> Fidelity:
    """Return how many of the tagged numbers that a package displays its document keeps as whole numbers."""
    found = _compared(body, document)
    return Fidelity(found.kept / found.displayed if found.displayed else 1.0, found.displayed)


def false_numbers(body: bytes, document: Document) -> list[str]:
    """Return the runs of digits in the document that no displayed text of the package holds as one run."""
    return list(_compared(body, document).false)


def lost_numbers(body: bytes, document: Document) -> list[str]:
    """Return the runs of digits that the package displays and the document does not hold at their place."""
    return list(_compared(body, document).lost)


def _compared(body: bytes, document: Document) -> Comparison:
    return examine(pages_of(body, document.meta.get("kind", "")), document.text, document.facts)


def is_whole(text: str, fact: Fact) -> bool:
    """Whether the characters of a fact show its value, and no longer number than that."""
    before, after = text[max(fact.start - 2, 0) : fact.start], text[fact.end : fact.end + 2]
    glued = fact.value[:1].isdigit() and _GLUE.match(before[::-1])
    glued = glued or (fact.value[-1:].isdigit() and _GLUE.match(after))
    return text[fact.start : fact.end] == fact.value and not glued


def read_pages(files: Mapping[str, bytes], folder: str) -> Pages:
    """Return what the pages of a package's folder (``PublicDoc`` or ``AuditDoc``) display, in reading order."""
    pages = Pages()
    for name in in_order(files, folder):
        read_page(files[name], pages)
    return pages


def in_order(files: Mapping[str, bytes], folder: str) -> list[str]:
    """Return the names of a folder's pages: those its manifest lists, in its order, then the others by name.

    A package without either folder is one folder itself; its audit reports are known by their file names.
    """
    inside = [name for name in sorted(files) if f"/{folder}/" in f"/{name}"]
    if not inside and not any(
        re.search(r"(?:^|/)(?:Public|Audit|Attach|English)Doc/", name) for name in files
    ):
        audit = folder == "AuditDoc"
        inside = [n for n in sorted(files) if ("jpaud" in n) == audit or n.endswith(f"manifest_{folder}.xml")]
    manifest = next((n for n in inside if n.lower().endswith(f"manifest_{folder}.xml".lower())), "")
    listed = re.findall(
        r"<(?:\w+:)?ixbrl\b[^>]*>\s*([^<]*?)\s*<", decode(files[manifest]).text if manifest else ""
    )
    rank = {PurePosixPath(name).name: at for at, name in reversed(list(enumerate(listed)))}
    pages = [name for name in inside if name.lower().endswith((".htm", ".html", ".xhtml"))]
    names = [PurePosixPath(name) for name in pages]
    twice = {one.name for one in names if one.parent == PurePosixPath(manifest).parent}

    def place(name: str) -> int:
        path = PurePosixPath(name)
        elsewhere = path.name in twice and path.parent != PurePosixPath(manifest).parent
        return len(rank) if elsewhere else rank.get(path.name, len(rank))

    return sorted(pages, key=place)


def pages_of(body: bytes, kind: str = "filing") -> Pages:
    """Return what a package displays: its filing or its audit reports; for a bare instance, its text blocks."""
    if not body.startswith(b"PK"):
        return _of_instance(body)
    files = members(body, lambda name: name.lower().endswith((".htm", ".html", ".xhtml", ".xml", ".xbrl")))
    pages = read_pages(files, FOLDERS.get(kind, "PublicDoc"))
    if not pages.parts and kind == "filing":
        for name, source in files.items():
            if name.endswith(".xbrl") and "AuditDoc" not in name:
                return _of_instance(source)
    return pages


def _of_instance(body: bytes) -> Pages:
    pages = Pages()
    root = parse_xml(body)
    for block in root if root is not None else ():
        if str(block.tag).endswith("TextBlock") and block.text:
            read_page(f'<ix:nonNumeric name="TextBlock">{block.text}</ix:nonNumeric>'.encode(), pages)
    return pages


Figures = dict[str, str | int | float]


def measure(path: Path) -> Figures:
    """Return the figures of one file: see ``bench.number_fidelity``; raises ArchiveError for a broken zip."""
    body = path.read_bytes()
    if flattened.is_csv_package(body):
        blocks = flattened.text_blocks(body)
        kept = flattened.kept_rows(body)
        return {
            "file": path.name,
            "kind": "csv",
            "blocks": len(blocks),
            "blocks_false": sum(bool(fused_numbers(block)) for block in blocks),
            "displayed_csv": kept.stated,
            "kept_csv": kept.kept,
            "false_csv": sum(len(fused_numbers(block)) for block in blocks),
        }
    capture = Capture(
        url=f"file:{path.name}",
        source="edinet",
        fetched_at=datetime.fromtimestamp(0, UTC),
        status=200,
        headers=(),
        media_type="application/octet-stream",
        body=body,
        license="PDL-1.0",
    )
    start = time.perf_counter()
    found = xbrl.extract(capture)
    seconds = time.perf_counter() - start
    documents = [one for one in found if isinstance(one, Document)]
    figures: Figures = {"file": path.name, "kind": "package" if body.startswith(b"PK") else "instance"}
    drops = [one.reason for one in found if isinstance(one, Drop)]
    figures |= {
        "characters": sum(one.n_chars for one in documents),
        "dropped": ", ".join(dict.fromkeys(drops)),
        "seconds": round(seconds, 2),
    }
    if not body.startswith(b"PK"):
        return figures | _of_amounts(body, "\n".join(one.text for one in documents))
    counts: Counter[str] = Counter()
    for kind in FOLDERS:
        text = "\n".join(one.text for one in documents if one.meta["kind"] == kind)
        facts = [fact for one in documents if one.meta["kind"] == kind for fact in one.facts]
        counts.update(_counted(pages_of(body, kind), text, facts))
    return figures | counts


def _of_amounts(body: bytes, text: str) -> dict[str, int]:
    """Return the counts of a bare instance: its amounts are not displayed by tags, but its text blocks show them."""
    root, pages = parse_xml(body), _of_instance(body)
    stated = [one.text or "" for one in root if one.get("unitRef")] if root is not None else []
    ours = examine(pages, text)
    blocks = "\n".join(pages.flattened(flattened.CUT))
    kept = flattened.kept_values(stated, text, among=pages.text)
    theirs = flattened.kept_values(stated, blocks, among=pages.text)
    return {
        "displayed": kept.stated,
        "kept": kept.kept,
        "false": len(ours.false),
        "extra": len(ours.extra),
        "displayed_csv": theirs.stated,
        "kept_csv": theirs.kept,
        "false_csv": len(examine(pages, blocks).false),
    }


def _counted(pages: Pages, text: str, facts: Sequence[Fact]) -> dict[str, int]:
    """Return the counts of one document, and of the CSV that EDINET would make of the same pages."""
    ours = examine(pages, text, facts)
    counts = {
        "displayed": ours.displayed,
        "kept": ours.kept,
        "placed": ours.placed,
        "false": len(ours.false),
        "extra": len(ours.extra),
        "lost": len(ours.lost),
        "fused": len(fused_numbers(text)),
    }
    blocks = list(pages.flattened(flattened.CUT))
    if blocks:
        theirs = examine(pages, "\n".join(blocks), tags=[tag for tag in pages.tags if tag.in_block])
        counts |= {"displayed_csv": theirs.displayed, "kept_csv": theirs.kept, "false_csv": len(theirs.false)}
    return counts


def summary(found: Sequence[Figures]) -> dict[str, int | float | None]:
    """Return the figures over several files: the shares, None where nothing could be read, and sums of false numbers."""
    packages = [one for one in found if one.get("kind") in ("package", "instance")]
    tables = [one for one in found if one.get("kind") == "csv"] or packages

    def total(files: Sequence[Figures], key: str) -> int:
        return sum(int(one.get(key, 0)) for one in files)

    def share(files: Sequence[Figures], part: str, whole: str) -> float | None:
        if total(files, whole):
            return total(files, part) / total(files, whole)
        return 1.0 if any(not one.get("dropped") for one in files) else None

    return {
        "files": len(found),
        "packages": len(packages),
        "displayed": total(packages, "displayed"),
        "fidelity": share(packages, "kept", "displayed"),
        "placed": share([one for one in packages if "placed" in one], "placed", "displayed"),
        "false_numbers": total(packages, "false"),
        "extra_numbers": total(packages, "extra"),
        "lost_numbers": total(packages, "lost"),
        "displayed_csv": total(tables, "displayed_csv"),
        "fidelity_csv": share(tables, "kept_csv", "displayed_csv"),
        "false_numbers_csv": total(tables, "false_csv"),
    }


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
def main(files: tuple[Path, ...]) -> None:
    """Print the figures of each file, and as the last line one JSON object of all of them."""
    found: list[Figures] = []
    for path in files:
        try:
            found.append(measure(path))
        except ArchiveError as error:
            found.append({"file": path.name, "dropped": error.reason})
        click.echo("  ".join(f"{key}={value}" for key, value in found[-1].items()))
    click.echo(json.dumps({**summary(found), "per_file": found}, ensure_ascii=False))


if __name__ == "__main__":
    main()
