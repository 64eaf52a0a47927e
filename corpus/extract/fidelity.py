"""How true the text of a filing is to what its pages display: numbers kept whole, numbers that are nobody's.

``python -m corpus.extract.fidelity FILE...`` measures EDINET packages (type 1), instances and CSV packages (type 5).
"""

import json
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click

from corpus.document import Capture, Document, Drop, Fact
from corpus.extract import flattened, xbrl
from corpus.extract.alignment import aligned
from corpus.extract.archive import ArchiveError, members
from corpus.extract.displayed import BREAK, EDGE, Pages, Tag, read_page, read_pages
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

_APART = rf"\s{BREAK}{EDGE}|"
_TOKEN = re.compile(
    rf"(?:(?P<loss>[△▲])[{_APART}]*|(?P<minus>[-−－]){EDGE}?)?"
    r"(?P<run>[0-9０-９]+(?:[,，.．][0-9０-９]+)*)"
    rf"|[－―—–−]|(?<![0-9０-９A-Za-z])[-‐](?![0-9０-９A-Za-z])"
)
_GLUE = re.compile(r"[0-9０-９]|[,，.．][0-9０-９]")
_RULE = re.compile(r"^(?:\| --- )+\|$|^\|(?: --- \|)+$", re.MULTILINE)
_PAGE_NUMBER = re.compile(rf"(?<={BREAK})\s*[－–―─-][ \xa0]?[0-9０-９]{{1,4}}[ \xa0]?[－–―─-]\s*(?={BREAK})")
_OPENING = "(（"
FOLDERS = {"filing": "PublicDoc", "audit_report": "AuditDoc"}


class Fidelity(NamedTuple):
    """``share`` of the ``displayed`` tagged numbers that stand whole in the text."""

    share: float
    displayed: int


class Token(NamedTuple):
    """A number with its sign, or a dash that stands for one, at characters [start, end) of a text."""

    text: str
    run: str  # without the sign; "" for a dash
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A text beside the pages it comes from, in numbers and runs of digits.

    ``displayed`` tagged numbers are on the pages, ``kept`` of them stand whole at their place in the text,
    ``placed`` are facts of the document that point there. ``false`` runs of digits are on no page, ``extra`` ones
    are, but not so often or not there, ``lost`` ones are on the pages but not, or not there, in the text.
    """

    displayed: int
    kept: int
    placed: int
    false: tuple[str, ...]
    extra: tuple[str, ...]
    lost: tuple[str, ...]


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


def examine(
    pages: Pages, text: str, facts: Sequence[Fact] = (), *, tags: Sequence[Tag] | None = None
) -> Comparison:
    """Compare a text with the pages it was made from.

    Both become sequences of numbers (runs of digits with their groups, the minus sign before, and dashes that
    fill a cell), which are aligned: a tagged number is kept when all that its tag displays is in the text in the
    same order of reading, as whole numbers, with the same sign and with nothing but the same between.
    ``tags`` limits the tagged numbers that count.
    """
    source = _PAGE_NUMBER.sub(lambda match: " " * len(match[0]), pages.text)  # no text: it goes by design
    shown, held = tokens(source), tokens(_RULE.sub(lambda match: " " * len(match[0]), text))
    pairs = aligned([one.text for one in shown], [one.text for one in held])
    by_name: defaultdict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in facts:
        by_name[fact.concept, fact.context].append(fact)
    ends = [one.end for one in shown]
    displayed = kept = placed = 0
    bare_text = ""
    for tag in pages.tags if tags is None else tags:
        mine, words = _of_tag(tag, source, shown, ends)
        if not mine:
            if words:
                bare_text = bare_text or "".join(text.split())
                displayed, kept = displayed + 1, kept + (words in bare_text)
                placed += words in ("".join(one.value.split()) for one in by_name[tag.concept, tag.context])
            continue
        displayed += 1
        there = [pairs.get(at, -1) for at in mine]
        if -1 in there or not _reads_alike(
            tag, [shown[at] for at in mine], [held[at] for at in there], source, text
        ):
            continue
        kept += 1
        at = held[there[0]].end - 1
        placed += any(one.start <= at < one.end for one in by_name[tag.concept, tag.context])
    runs = {one.run for one in tokens(pages.text)}
    there_too = set(pairs.values())
    more = [one for at, one in enumerate(held) if one.run and at not in there_too]
    return Comparison(
        displayed,
        kept,
        placed,
        tuple(one.run for one in held if one.run and one.run not in runs),
        tuple(one.run for one in more if one.run in runs),
        tuple(one.run for at, one in enumerate(shown) if one.run and at not in pairs),
    )


def tokens(text: str) -> list[Token]:
    """Return the numbers of a text, and the dashes that may stand for one, in order."""
    return [
        Token(
            (match["loss"] or match["minus"] or "") + (match["run"] or "－"),
            match["run"] or "",
            match.start(),
            match.end(),
        )
        for match in _TOKEN.finditer(text)
    ]


def _of_tag(tag: Tag, source: str, shown: Sequence[Token], ends: Sequence[int]) -> tuple[list[int], str]:
    """Return which numbers of the pages a tag displays, and all that it displays."""
    mine, words = [], ""
    for start, end in _merged(tag.pieces):
        words += "".join(source[start:end].split())
        inside = range(bisect_right(ends, start), bisect_right(ends, end))
        mine += [at for at in inside if shown[at].end - (len(shown[at].run) or 1) >= start]
    return mine, words


def _merged(pieces: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in pieces:
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end)
        elif start < end:
            merged.append((start, end))
    return merged


def _reads_alike(tag: Tag, shown: Sequence[Token], held: Sequence[Token], source: str, text: str) -> bool:
    """Whether the numbers of one tag stand together in the text as they do on the page."""
    for one, next_one, here, after in zip(shown, shown[1:], held, held[1:], strict=False):
        between = source[one.end : next_one.start].replace(EDGE, "")
        if "".join(between.split()) != "".join(text[here.end : after.start].split()):
            return False
    before = source[max(shown[0].start - 3, 0) : shown[0].start].replace(EDGE, "").rstrip()[-1:]
    opened = tag.negative and before and before in _OPENING
    return not opened or text[max(held[0].start - 3, 0) : held[0].start].rstrip()[-1:] == before


def is_whole(text: str, fact: Fact) -> bool:
    """Whether the characters of a fact show its value, and no longer number than that."""
    before, after = text[max(fact.start - 2, 0) : fact.start], text[fact.end : fact.end + 2]
    glued = fact.value[:1].isdigit() and _GLUE.match(before[::-1])
    glued = glued or (fact.value[-1:].isdigit() and _GLUE.match(after))
    return text[fact.start : fact.end] == fact.value and not glued


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
            read_page(f"<div>{block.text}</div>".encode(), pages)
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
    found = xbrl.extract(capture)
    documents = [one for one in found if isinstance(one, Document)]
    figures: Figures = {"file": path.name, "kind": "package" if body.startswith(b"PK") else "instance"}
    drops = [one.reason for one in found if isinstance(one, Drop)]
    figures |= {
        "characters": sum(one.n_chars for one in documents),
        "dropped": ", ".join(dict.fromkeys(drops)),
    }
    counts: Counter[str] = Counter()
    for kind in FOLDERS if body.startswith(b"PK") else ("filing",):
        text = "\n".join(one.text for one in documents if one.meta["kind"] == kind)
        facts = [fact for one in documents if one.meta["kind"] == kind for fact in one.facts]
        counts.update(_counted(pages_of(body, kind), text, facts, body.startswith(b"PK")))
    return figures | counts


def _counted(pages: Pages, text: str, facts: Sequence[Fact], inline: bool) -> dict[str, int]:
    """Return the counts of one document, and of the CSV that EDINET would make of the same pages."""
    ours = examine(pages, text, facts)
    counts = {
        "displayed": ours.displayed,
        "kept": ours.kept,
        "placed": ours.placed,
        "false": len(ours.false),
        "extra": len(ours.extra),
        "lost": len(ours.lost) if inline else 0,  # nested text blocks say twice what our text says once
        "fused": len(fused_numbers(text)),
    }
    blocks = list(pages.flattened(flattened.CUT))
    if blocks:
        theirs = examine(pages, "\n".join(blocks), tags=[tag for tag in pages.tags if tag.in_block])
        counts |= {"displayed_csv": theirs.displayed, "kept_csv": theirs.kept, "false_csv": len(theirs.false)}
    return counts


def summary(found: Sequence[Figures]) -> Figures:
    """Return the figures over several files: the shares, and the sums of false numbers."""
    packages = [one for one in found if one.get("kind") in ("package", "instance")]
    tables = [one for one in found if one.get("kind") == "csv"] or packages

    def total(files: Sequence[Figures], key: str) -> int:
        return sum(int(one.get(key, 0)) for one in files)

    def share(files: Sequence[Figures], part: str, whole: str) -> float:
        return total(files, part) / total(files, whole) if total(files, whole) else 1.0

    return {
        "files": len(found),
        "packages": len(packages),
        "displayed": total(packages, "displayed"),
        "fidelity": share(packages, "kept", "displayed"),
        "placed": share(packages, "placed", "displayed"),
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
