"""How true the text of a filing is to what its pages display: numbers kept whole, numbers that are nobody's.

``python -m corpus.extract.fidelity FILE...`` measures EDINET packages (type 1), instances and CSV packages (type 5).
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click

from corpus.document import Capture, Document, Drop, Fact
from corpus.extract import xbrl
from corpus.extract.archive import ArchiveError, members
from corpus.extract.markup import parse_page, parse_xml
from corpus.extract.tables import Element, hidden, local

_RUN = re.compile(r"[0-9０-９]+(?:[,，.．][0-9０-９]+)*")
_GLUE = re.compile(r"[0-9０-９]|[,，.．][0-9０-９]")
#: A grouped number followed at once by one digit more: two numbers that became one.
_FUSED = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+\d")
_INLINE = frozenset(
    [
        "a",
        "b",
        "em",
        "font",
        "i",
        "s",
        "small",
        "span",
        "strong",
        "u",
        "nonnumeric",
        "continuation",
        "exclude",
    ]
)
_NEVER = frozenset(["head", "header", "hidden", "script", "style", "references", "resources"])
_BREAK = "\x00"


class Fidelity(NamedTuple):
    """``share`` of the ``displayed`` tagged numbers that stand whole where their fact says."""

    share: float
    displayed: int


class Shown(NamedTuple):
    """A tagged number as a page displays it."""

    concept: str
    context: str
    text: str


def number_fidelity(body: bytes, document: Document) -> Fidelity:
    """Return how many of the tagged numbers that a package displays its document keeps as whole numbers.

    A number counts when a fact of the same concept and context shows the same digits at its characters, and
    no digit follows or precedes them. Reads the pages again, apart from the extractor.
    """
    shown = Counter(fact for page in _pages(body) for fact in _tagged(page))
    kept = Counter(_as_shown(fact) for fact in document.facts if is_whole(document.text, fact))
    count = shown.total()
    return Fidelity((shown & kept).total() / count if count else 1.0, count)


def false_numbers(body: bytes, document: Document) -> list[str]:
    """Return the runs of digits in the document that no displayed text of the package holds as one run."""
    displayed = set(_displayed(body))
    return [run for run in _RUN.findall(_without_ordinals(document.text)) if run not in displayed]


def lost_numbers(body: bytes, document: Document) -> list[str]:
    """Return the runs of digits that the package displays more often than the document holds them."""
    kept = Counter(_RUN.findall(document.text))
    return list((Counter(_displayed(body)) - kept).elements())


def fused_numbers(text: str) -> list[str]:
    """Return the places where two grouped numbers stand as one; a sign of flattened table cells."""
    return _FUSED.findall(text)


def is_whole(text: str, fact: Fact) -> bool:
    """Whether the characters of a fact show its value, and no longer number than that."""
    before, after = text[max(fact.start - 2, 0) : fact.start], text[fact.end : fact.end + 2]
    glued = _GLUE.match(before[::-1]) or _GLUE.match(after)
    return text[fact.start : fact.end] == fact.value and not glued


def _as_shown(fact: Fact) -> Shown:
    bare = fact.value.strip("△▲－−-()（） \u3000") or fact.value
    return Shown(fact.concept, fact.context, "".join(bare.split()))


def _without_ordinals(text: str) -> str:
    """Return the text without the numbers of numbered lists, which a page displays but does not hold."""
    return re.sub(r"^ *\d+\. ", "", text, flags=re.MULTILINE)


def _pages(body: bytes) -> Iterator[Element]:
    """Yield the trees of the filing's pages; for a bare instance those of its text blocks."""
    if not body.startswith(b"PK"):
        root = parse_xml(body)
        for block in root if root is not None else ():
            if str(block.tag).endswith("TextBlock") and block.text:
                page, _ = parse_page(f"<div>{block.text}</div>".encode())
                yield from [page] if page is not None else []
        return
    for package in xbrl.packages(members(body)):
        for name, source in package.pages.items() if package.kind == "filing" else ():
            page, _ = parse_page(source)
            if page is not None and name:
                yield page


def _tagged(root: Element) -> Iterator[Shown]:
    for element in root.iter("{*}nonFraction"):
        chain = [element, *element.iterancestors()]
        text = "".join("".join(str(part) for part in element.itertext()).split())
        if text and not any(hidden(one) or local(one) in _NEVER for one in chain):
            concept = element.get("name", "").rpartition(":")[2]
            bare = text.strip("△▲－−-()（）") or text
            yield Shown(concept, element.get("contextRef", ""), bare)


def _displayed(body: bytes) -> Iterator[str]:
    for page in _pages(body):
        yield from _RUN.findall("".join(_text(page)))


def _text(element: Element) -> Iterator[str]:
    """Yield displayed text with a break wherever a page separates: blocks, cells, lines, tags of numbers."""
    name = local(element)
    if name and name not in _NEVER and not hidden(element):
        edge = "" if name in _INLINE else _BREAK
        yield edge + (element.text or "")
        for child in element:
            yield from _text(child)
            yield child.tail or ""
        yield edge


def csv_text_blocks(body: bytes) -> Iterator[str]:
    """Yield the text blocks of an EDINET CSV package (type 5: UTF-16LE, tab separated, all quoted)."""
    for name, source in members(body).items():
        if name.endswith(".csv"):
            rows = csv.reader(io.StringIO(source.decode("utf-16"), newline=""), delimiter="\t")
            yield from (row[-1] for row in rows if row and row[0].endswith("TextBlock"))


def measure(path: Path) -> dict[str, str | int | float]:
    """Return the figures of one file."""
    body = path.read_bytes()
    if body.startswith(b"PK") and any(name.startswith("XBRL_TO_CSV/") for name in members(body)):
        blocks = list(csv_text_blocks(body))
        hit = sum(bool(fused_numbers(block)) for block in blocks)
        fused = sum(len(fused_numbers(block)) for block in blocks)
        return {"file": path.name, "blocks": len(blocks), "blocks_fused": hit, "fused": fused}
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
    document = xbrl.extract(capture)[0]
    if isinstance(document, Drop):
        return {"file": path.name, "dropped": document.reason}
    fidelity = number_fidelity(body, document)
    whole = sum(is_whole(document.text, fact) for fact in document.facts)
    return {
        "file": path.name,
        "characters": document.n_chars,
        "facts": len(document.facts),
        "facts_whole": whole,
        "displayed": fidelity.displayed,
        "fidelity": fidelity.share,
        "runs": len(_RUN.findall(document.text)),
        "false": len(false_numbers(body, document)),
        "lost": len(lost_numbers(body, document)) if body.startswith(b"PK") else 0,
        "fused": len(fused_numbers(document.text)),
    }


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
def main(files: tuple[Path, ...]) -> None:
    """Print the figures of each file, and as the last line one JSON object of all of them."""
    found = []
    for path in files:
        try:
            found.append(measure(path))
        except ArchiveError as error:
            found.append({"file": path.name, "dropped": error.reason})
        click.echo("  ".join(f"{key}={value}" for key, value in found[-1].items()))
    click.echo(json.dumps({"files": found}, ensure_ascii=False))


if __name__ == "__main__":
    main()
