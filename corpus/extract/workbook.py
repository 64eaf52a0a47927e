"""Reading Excel workbooks (Office Open XML) from outside: the text of their cells, nothing computed, nothing run."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from corpus.extract.archive import ArchiveError, members
from corpus.extract.markup import parse_xml
from corpus.extract.tables import Element

_PARTS = re.compile(
    r"^xl/(?:workbook\.xml|_rels/workbook\.xml\.rels|sharedStrings\.xml|worksheets/[^/]+\.xml)$"
)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_COLUMN = re.compile(r"[A-Z]{1,3}")
_ESCAPED = re.compile(r"_x000D_\n?")  # how Excel writes a carriage return inside a cell

Row = dict[str, str]


def is_workbook(names: list[str]) -> bool:
    """Whether the names of an archive are those of a workbook."""
    return "xl/workbook.xml" in names and "[Content_Types].xml" in names


def sheets(body: bytes) -> Iterator[tuple[str, list[Row]]]:
    """Yield (name, rows) of every sheet in order; a row maps the letters of a column to the text of its cell.

    Follows ECMA-376, part 1, sections 18.2 to 18.4; readings above kanji are no text. Raises ArchiveError for an
    archive that cannot be read, or that is no workbook.
    """
    parts = members(body, lambda name: bool(_PARTS.match(name)))
    workbook = parse_xml(parts.get("xl/workbook.xml", b""))
    if workbook is None:
        raise ArchiveError("broken_zip", "no workbook inside")
    relations = parse_xml(parts.get("xl/_rels/workbook.xml.rels", b""))
    targets = {} if relations is None else {one.get("Id"): one.get("Target", "") for one in relations}
    texts = parse_xml(parts.get("xl/sharedStrings.xml", b""))
    shared = [] if texts is None else [_text(one) for one in texts.iterchildren("{*}si")]
    for sheet in workbook.iter("{*}sheet"):
        target = targets.get(sheet.get(_RELATION), "")
        root = parse_xml(parts.get(f"xl/worksheets/{PurePosixPath(target).name}", b""))
        if root is not None:
            yield sheet.get("name", ""), [_row(row, shared) for row in root.iter("{*}row")]


def _row(row: Element, shared: list[str]) -> Row:
    found = {}
    for cell in row.iterchildren("{*}c"):
        column = _COLUMN.match(cell.get("r", ""))
        if column and (text := _cell(cell, shared)):
            found[column[0]] = text
    return found


def _cell(cell: Element, shared: list[str]) -> str:
    inline = next(cell.iterchildren("{*}is"), None)
    if inline is not None:
        return _text(inline)
    value = next(cell.iterchildren("{*}v"), None)
    text = "" if value is None else (value.text or "")
    if cell.get("t") != "s":
        return text
    return shared[int(text)] if text.isdecimal() and int(text) < len(shared) else ""


def _text(element: Element) -> str:
    """Return the text of a string: its own and that of its runs, without phonetic runs."""
    runs = [
        *element.iterchildren("{*}t"),
        *(t for run in element.iterchildren("{*}r") for t in run.iterchildren("{*}t")),
    ]
    return _ESCAPED.sub("\n", "".join(run.text or "" for run in runs)).strip()
