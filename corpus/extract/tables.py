"""HTML tables as Markdown tables: merged cells resolved, layout columns folded away, no two cells fused."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

Element = etree._Element

_MAX_COLUMNS = 1_000  # the HTML standard caps colspan at the same number
_MAX_POSITIONS = 2_000_000  # a larger grid comes from hostile spans: its cells then stand unmerged
_REPEATED_CHARS = 40  # longer text in a merged cell is a paragraph, said once
_CONTROL = {code: None for code in range(32) if chr(code) not in "\t\n\r"}
_SECTIONS = ("thead", "tbody", "tfoot")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell with the grid positions it covers: rows [top, bottom), columns [left, right)."""

    element: Element
    top: int
    bottom: int
    left: int
    right: int


def local(element: Element) -> str:
    """Return the local name of an element in lower case; "" for comments and processing instructions."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def hidden(element: Element) -> bool:
    """Whether the element says about itself that it is not displayed."""
    if element.get("hidden") is not None:
        return True
    style = element.get("style")
    return bool(style) and "display:none" in "".join(style.split()).lower()  # type: ignore[union-attr]


def plain(text: str) -> str:
    """Return text without control characters: those are marks (no XML text can hold them)."""
    return text.translate(_CONTROL)


def markdown_table(table: Element, text_of: Callable[[Element], str]) -> str:
    """Return an HTML table as Markdown; ``text_of`` gives the text of one cell.

    A table that folds to one column comes back as paragraphs, an empty one as "". The text may hold control
    characters as marks: they take no room, and a marked cell is never repeated.
    """
    return render(resolved({cell: text_of(cell.element) for cell in grid(table)}))


def render(rows: list[list[str]]) -> str:
    """Return rows of equal length as a Markdown table: leading rows with one text stand above it."""
    above = []
    while rows and (len(rows[0]) == 1 or _stands_above(rows[0])):
        above.append("".join(rows[0]))
        rows = rows[1:]
    if not rows:
        return "\n\n".join(above)
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n\n".join([*above, "\n".join(lines)])


def _stands_above(row: list[str]) -> bool:
    """Whether a first row holds a title or a note on units, and no name of a column."""
    texts = [plain(cell).strip() for cell in row]
    only = [text for text in texts if text]
    return len(only) == 1 and (bool(texts[0]) or only[0].lstrip("（(").startswith("単位"))


def resolved(given: Mapping[Cell, str]) -> list[list[str]]:
    """Return the texts of a table's cells as rows of equal length, merged cells resolved.

    A short label that is merged over several rows or columns is repeated at each position it covers, so that
    every row and column can be read alone; numbers, long text and marked text stand once, at the first.
    Rows and columns without text are left out; neighboring columns of which never more than one is filled
    (indentation made of columns) become one.
    """
    texts = {cell: " ".join(text.split("\n")).strip() for cell, text in given.items()}
    filled = [cell for cell, text in texts.items() if plain(text).strip()]
    columns = _fold(_columns(filled), texts)
    said: set[Cell] = set()
    rows = []
    for row in sorted({row for column in columns for row in column}):
        here = [column.get(row) for column in columns]
        alone = len({cell for cell in here if cell}) == 1
        line = []
        for cell in here:
            again = cell in said and (alone or not _repeatable(texts[cell]))
            line.append(texts[cell] if cell and not again else "")
            said.update([cell] if cell else [])
        if any(line):
            rows.append(line)
    return rows


def grid(table: Element) -> list[Cell]:
    """Return the displayed cells in source order with the positions they cover.

    Follows the table model of the HTML standard (forming a table), except that a cell which would run into
    a cell merged down from above is cut short there, so no position has two owners.
    """
    cells: list[Cell] = []
    top = 0
    for group in _groups(table):
        bottom = top + len(group)
        above: list[Cell] = []  # cells merged down into the row at hand
        for row, line in enumerate(group, top):
            above = sorted((cell for cell in above if cell.bottom > row), key=lambda cell: cell.left)
            placed = list(_placed(line, row, bottom, above))
            above += [cell for cell in placed if cell.bottom > row + 1]
            cells += placed
        top = bottom
    return cells


def _placed(line: list[Element], row: int, bottom: int, above: list[Cell]) -> Iterator[Cell]:
    """Yield the cells of one row, each at the first column that no cell from above covers."""
    column, at = 0, 0
    for element in line:
        while at < len(above) and above[at].left <= column:
            column, at = max(column, above[at].right), at + 1
        right = column + _span(element, "colspan")
        if at < len(above):
            right = min(right, above[at].left)
        below = min(row + (_span(element, "rowspan") or bottom), bottom) if column < _MAX_COLUMNS else row + 1
        yield Cell(element, row, below, column, right)
        column = right


def _span(element: Element, name: str) -> int:
    found = re.match(r"\s*(\d{1,5})", element.get(name, "1"))
    number = int(found[1]) if found else 1
    return number if name == "rowspan" else min(max(number, 1), _MAX_COLUMNS)


def _groups(table: Element) -> Iterator[list[list[Element]]]:
    """Yield the displayed rows of each row group; rows outside a group form groups of their own."""
    loose: list[list[Element]] = []
    stray: list[Element] = []  # cells without a row
    for child in _inside(table, (*_SECTIONS, "tr", "td", "th")):
        if local(child) in ("td", "th"):
            if not stray:
                loose.append(stray)
            stray.append(child)
            continue
        stray = []
        if local(child) == "tr":
            loose.append(_cells(child))
            continue
        if loose:
            yield loose
            loose = []
        yield [_cells(row) if local(row) == "tr" else [row] for row in _inside(child, ("tr", "td", "th"))]
    if loose:
        yield loose


def _cells(row: Element) -> list[Element]:
    return list(_inside(row, ("td", "th")))


def _inside(element: Element, names: tuple[str, ...]) -> Iterator[Element]:
    """Yield the displayed elements of these names below, through wrappers but not through tables or cells."""
    for child in element:
        if hidden(child):
            continue
        name = local(child)
        if name in names:
            yield child
        elif name and name not in ("table", "td", "th", "caption"):
            yield from _inside(child, names)


def _columns(cells: list[Cell]) -> list[dict[int, Cell]]:
    """Return each distinct column as row -> cell; columns where no cell begins add nothing."""
    lefts = sorted({cell.left for cell in cells})
    columns: list[dict[int, Cell]] = [{} for _ in lefts]
    merged = len(lefts) * max((cell.bottom for cell in cells), default=0) <= _MAX_POSITIONS
    for cell in cells:
        first = bisect_left(lefts, cell.left)
        last = bisect_left(lefts, cell.right) if merged else first + 1
        for column in columns[first:last]:
            column.update(dict.fromkeys(range(cell.top, cell.bottom if merged else cell.top + 1), cell))
    return columns


def _fold(columns: list[dict[int, Cell]], texts: dict[Cell, str]) -> list[dict[int, Cell]]:
    """Join neighbors when each row fills at most one of them, unless both hold values of their own."""
    folded = columns[:1]
    for column in columns[1:]:
        last = folded[-1]
        shared = last.keys() & column.keys()
        if all(last[row] is column[row] for row in shared) and not (
            _has_value(last, column, texts) and _has_value(column, last, texts)
        ):
            folded[-1] = last | column
        else:
            folded.append(column)
    return folded


def _has_value(column: dict[int, Cell], other: dict[int, Cell], texts: dict[Cell, str]) -> bool:
    own = (cell for row, cell in column.items() if other.get(row) is not cell)
    return any(not _wordy(texts[cell]) for cell in own)


def _wordy(text: str) -> bool:
    return any(sign.isalpha() for sign in plain(text))


def _repeatable(text: str) -> bool:
    return len(text) <= _REPEATED_CHARS and _wordy(text) and plain(text) == text
