"""The tables of Markdown text: each cell with the words, the units and the characters that belong to it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from rephrase.grounding.numerals import narrow
from rephrase.grounding.units import Unit, announced, scaled

_BAR = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"\|(?:\s*:?-{3,}:?\s*\|)+\s*")
_FIGURE = re.compile(
    r"[△▲\-+¥$€()\[\]\s]*\.?\d[\d,.\s]*(?:[千百十万億兆]{0,2}[%人名社株円倍個件回歳]|ポイント|パーセント)?[()\[\]\s\d,.%△]*|[-–—―ー※*]+"
)
_MONEY = re.compile(r"(?:千|百万|億)?円$")
_LEFT_OUT = re.compile(
    r"[(（]注[)）]\s*\d[\d,、\s]*|^(?:\d{4}|(?:平成|令和)\d{1,2})年\s*(?=第\d+回)|[(\[（【][^()（）\[\]【】]*[)\]）】]|※\s*[\d,、]*|\*+\d*|\s"
)
_WHOLE = re.compile(r"[(\[【](?:うち|内、?|外、?)?([^()\[\]【】]+)[)\]】]")
_ENTRY = re.compile(r"^(?:[①-⑳]|[ⅰ-ⅿⅠ-Ⅻ]{1,2}[.、]?|\(?\d{1,2}[).、](?!\d))\s*")
_LEGAL = re.compile(r"[(（]株[)）]")
_LONGEST = 60  # characters of a cell that holds figures alone
_OVER = 3  # lines over a table that can hold its unit line


@dataclass(slots=True)
class Cell:
    """The characters [start, end) of a cell in its text; ``rows`` and ``columns`` are the names of its row and its column.

    ``unit`` is what a bare number in it counts,
    ``sure`` whether its row or its column says so, and not only a line over the table.
    """

    start: int
    end: int
    text: str
    row: int
    column: int
    is_figure: bool
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    unit: Unit | None = None
    sure: bool = False


@dataclass(slots=True)
class Table:
    """The cells of one table and its characters [start, end)."""

    start: int
    end: int
    cells: list[Cell] = field(default_factory=list)


def tables(text: str) -> list[Table]:
    """Return the tables of a text in order. ``text`` is narrow (``numerals.narrow``)."""
    found: list[Table] = []
    over: list[str] = []
    rows: list[tuple[int, str]] = []
    at = 0
    for line in [*text.split("\n"), ""]:
        if line.startswith("|"):
            rows.append((at, line))
        else:
            if rows:
                found.append(_table(rows, over))
                rows, over = [], []
            if line.strip():
                over = [*over, line][-_OVER:]
        at += len(line) + 1
    return found


def name(cell: str) -> tuple[str, ...]:
    """Return the names in a head: without notes, units and spaces; 経常利益又は経常損失(△) has two."""
    plain = _ENTRY.sub("", narrow(cell).strip())
    if enclosed := _WHOLE.fullmatch(plain):
        plain = enclosed[1]
    plain = _LEFT_OUT.sub("", plain).strip("-―:、。・ ")
    if scaled(plain):
        return ()
    return tuple(
        part for part in re.split("又は|または", plain) if len(part) > 1 and any(map(str.isalpha, part))
    )


def _table(rows: list[tuple[int, str]], over: list[str]) -> Table:
    table = Table(rows[0][0], rows[-1][0] + len(rows[-1][1]))
    lines = announced("\n".join(over))
    heads: dict[int, list[Cell]] = {}
    shown: dict[int, Unit] = {}
    figures_above = False
    for y, (at, line) in enumerate(rows):
        if _RULE.fullmatch(line):
            continue
        cells = list(_cells(at, line, y))
        figures = any(cell.is_figure for cell in cells)
        if figures:
            _head(cells, heads, lines, shown)
        else:
            shown.clear()
            for cell in cells:
                if cell.text:
                    heads[cell.column] = [cell] if figures_above else [*heads.get(cell.column, ()), cell]
            _label(cells, heads)
        figures_above = figures
        table.cells += cells
    return table


def _cells(at: int, line: str, y: int) -> Iterator[Cell]:
    bars = [one.start() for one in _BAR.finditer(line)]
    if bars and line[bars[-1] + 1 :].strip():  # a passage may end inside of a long cell
        bars.append(len(line))
    for x, (left, right) in enumerate(pairwise(bars)):
        raw = line[left + 1 : right]
        shown = raw.strip()
        start = at + left + 1 + len(raw) - len(raw.lstrip())
        yield Cell(
            start,
            start + len(shown),
            shown,
            y,
            x,
            0 < len(shown) <= _LONGEST and bool(_FIGURE.fullmatch(shown)),
        )


def _label(cells: list[Cell], heads: dict[int, list[Cell]]) -> None:
    """Name the cells of a row of words by its first cell and by the heads above them."""
    first = next((cell for cell in cells if cell.text), None)
    for cell in cells:
        above = [one for one in heads.get(cell.column, ()) if one.row < cell.row]
        left = [first] if first and first is not cell else []
        cell.rows, cell.columns = _names(left), _names(above)


def _names(heads: list[Cell]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for one in heads for part in name(one.text)))


def _head(
    cells: list[Cell], heads: dict[int, list[Cell]], lines: tuple[Unit, ...], shown: dict[int, Unit]
) -> None:
    """Name the figures of a row by the words left of them and above them, and find what they count.

    ``shown`` are the units of money that figures above show themselves, by column: 10,864百万円 over 4,183.
    """
    left: list[Cell] = []
    units = {cell.column: scaled(cell.text) for cell in cells if cell.text and not cell.is_figure}
    for cell in cells:
        above = heads.get(cell.column, [])
        if not cell.is_figure:
            if cell.text and not units[cell.column] and all(cell.text != one.text for one in left):
                cell.rows, cell.columns = _names(left), _names(above)
                left.append(cell)
            continue
        cell.rows, cell.columns = _names(left), _names(above)
        beside = units.get(cell.column + 1) or units.get(cell.column - 1) or ()
        own = beside[0] if beside else None
        own = (
            own
            or _unit([one.text for one in reversed(left) if not _is_company(one.text)])
            or _unit([one.text for one in reversed(above)])
        )
        rated = any(re.search("(?:率|比|割合|構成比)$", part) for part in (*cell.rows, *cell.columns))
        if own:
            cell.unit, cell.sure = own, True
        elif rated and (not lines or len(lines) > 1 or lines[0].name != "percent"):
            cell.unit = next(
                (unit for unit in lines if unit.name == "percent"), Unit("percent") if lines else None
            )
        elif lines:
            cell.unit = lines[0]
        elif not rated:
            cell.unit = shown.get(cell.column)
        if (money := _MONEY.search(cell.text)) and (unit := scaled(money[0])):
            shown[cell.column] = unit[0]


def _is_company(text: str) -> bool:
    """Whether the (株) of a row's head is a company's legal form and no unit: 岡谷鋼機(株), but not 発行済株式総数(株)."""
    stem = _LEGAL.sub("", text)
    return stem != text and not re.search("株|数|残|権", stem)


def _unit(texts: list[str]) -> Unit | None:
    """Return the unit of the nearest head that names exactly one."""
    for text in texts:
        found = announced(text)
        if len(found) == 1:
            return found[0]
    return None
