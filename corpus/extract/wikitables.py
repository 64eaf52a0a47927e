"""Tables of wikitext -> Markdown tables, by the same rules as those of web pages: merged cells resolved."""

import re
from collections.abc import Callable

from lxml import etree

from corpus.extract.tables import Element, markdown_table

_SPAN = re.compile(r"\b(colspan|rowspan)\s*=\s*[\"']?\s*(\d{1,5})", re.IGNORECASE)
_NO_TEXT = re.compile(r"navbox|ambox|metadata|noprint|messagebox|mbox|toccolours|\btoc\b", re.IGNORECASE)
_MAX_CELLS = 200_000  # a larger table is an attack


def markdown(inside: str, plain: Callable[[str], str]) -> str:
    """Return ``{|inside|}`` as Markdown, "" for an empty table or one that navigates; ``plain`` reads one cell.

    Links and templates inside are resolved already, so that a bar is one of the table. What stands before the
    first cell is no text; a line without a mark goes on with the cell above.
    """
    first, _, rest = inside.partition("\n")
    if _NO_TEXT.search(first[:500]):
        return ""
    table = etree.Element("table")
    caption = ""
    row: Element | None = None
    cells: list[tuple[Element, list[str]]] = []
    for line in rest.split("\n"):
        text = line.strip()
        if text.startswith("|+"):
            caption = plain(_content(text[2:]))
        elif text.startswith("|-"):
            row = None
        elif text[:1] in ("|", "!"):
            row = etree.SubElement(table, "tr") if row is None else row
            marks = "!!" if text[0] == "!" else "||"
            for part in text[1:].replace("!!", "||").split("||") if marks == "!!" else text[1:].split("||"):
                cell = etree.SubElement(row, "th" if text[0] == "!" else "td", _spans(part))
                cells.append((cell, [_content(part)]))
        elif cells and row is not None:
            cells[-1][1].append(text)
        if len(cells) > _MAX_CELLS:
            return ""
    said = {cell: plain("\n".join(lines)) for cell, lines in cells}
    written = markdown_table(table, lambda cell: said.get(cell, ""))
    return "\n\n".join(part for part in (caption, written) if part)


def _content(part: str) -> str:
    """Return the text of a cell behind its attributes."""
    before, bar, after = part.partition("|")
    return after if bar and ("=" in before or not before.strip()) else part


def _spans(part: str) -> dict[str, str]:
    before, bar, _ = part.partition("|")
    return {name.lower(): number for name, number in _SPAN.findall(before)} if bar else {}
