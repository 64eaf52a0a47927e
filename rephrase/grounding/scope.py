"""The period in force at a place of a text: what a number there is said of."""

import re
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from rephrase.grounding.calendar import Period, before
from rephrase.grounding.fiscal import FiscalYears
from rephrase.grounding.periods import periods

_ABOVE = 6000  # characters above a place that are looked at
_ROWS = 400
_NEAR = 5  # lines above a table that may say its period
_NAME = 60  # characters of a cell that names its row; a longer one tells a story
_STOP = re.compile(r"[。！？\n]")
_COMPARED = re.compile(
    r"(?:末|の?[^、。\s]{0,14})(?:に比べ|に比し|と比[べ較]|との比較|に対[しす]|より(?!以)|対比)"
)
_AMOUNT = re.compile(r"[^\d０-９]{0,6}[△▲\-－(（]?[ ]?[\d０-９][\d０-９,，]*(?:[.．][\d０-９]+)?[)）%％]?")
_SEPARATOR = re.compile(r"\|(?: ?:?-+:? ?\|)+")
_CELL = re.compile(r"(?<!\\)\|")
_OPENING = re.compile(r"期首|残高")
_REPORTING = ("fiscal_year", "half", "quarter", "range")


class Row(NamedTuple):
    """A line of a Markdown table: its place in the text, and its cells with theirs."""

    start: int
    cells: tuple[tuple[int, str], ...]


def scope(text: str, position: int, own: Period | None = None) -> Period | None:
    """Return the period in force at a character of prose or of a Markdown table, or None where nothing says one.

    Prose: the nearest period before the place in its sentence, without those that are only compared with (前期に比べ) and
    those in brackets that are closed again; else the first behind it in the sentence; else the nearest above that is
    one to report on. Table: the period of its cell, its column's head and its row's head, the narrower of both; else a
    row across the table, or a line above the table, with a period. ``own`` is as in ``periods``; the places of the
    period are those of ``text``. Looks no further up than 6,000 characters.
    """
    begin = text.rfind("\n", 0, position) + 1
    if text.startswith("|", begin):
        return _of_table(text, begin, position, own)
    return _of_prose(text, position, own)


# -- prose


def _of_prose(text: str, position: int, own: Period | None) -> Period | None:
    first = max((found.end() for found in _STOP.finditer(text, max(position - 600, 0), position)), default=0)
    if first == 0:
        first = max(position - 600, 0)
    found = _STOP.search(text, position)
    last = found.start() if found else min(len(text), position + 300)
    above = max(0, first - 1500)
    read = [one.at(one.start + above, one.end + above) for one in periods(text[above:last], own)]
    here = [one for one in read if one.start >= first and not is_compared(text, one)]
    in_force = [one for one in here if one.start <= position and not _closed(text, one, position)]
    if in_force:
        return in_force[-1]
    behind = [one for one in here if one.start > position]
    if behind:
        return behind[0]
    return _above(text, [one for one in read if one.end <= first])


def _above(text: str, read: list[Period]) -> Period | None:
    for one in reversed(read):
        reported = one.kind in _REPORTING or one.said.startswith(("current", "previous"))
        if reported and not is_compared(text, one):
            return one
    return None


def is_compared(text: str, one: Period) -> bool:
    """Whether a period of a text is only compared with: 前期に比べ, 前期末より."""
    return _COMPARED.match(text, one.end) is not None


def _closed(text: str, one: Period, position: int) -> bool:
    """Whether a period stands in brackets that are closed before a place, unless they explain another period."""
    depth = 0
    for at in range(one.end, position):
        if text[at] in "（(":
            depth += 1
        elif text[at] in "）)":
            depth -= 1
            if depth < 0:
                opened = max(text.rfind("（", 0, one.start), text.rfind("(", 0, one.start))
                return not text[max(opened - 2, 0) : opened].endswith(("年度", "期間", "期", "末", "年"))
    return False


# -- tables


def _of_table(text: str, begin: int, position: int, own: Period | None) -> Period | None:
    row = _row(text, begin)
    column = max((at for at, (start, _) in enumerate(row.cells) if start <= position), default=0)
    above, caption = _lines_above(text, begin)
    inside = _in_cell(row, column, own)
    if inside and inside.start <= position:
        return inside
    heading = _of_column(above, column, own)
    head = heading or _across(above, own) or _caption(text, caption, own)
    side = _of_row(row, column, own, head)
    if head is None or side is None or heading is None:
        return side or head  # the day of a title is not that of a row which has its own
    if side.kind == "day" or head.holds(side) or not head.known:
        return side
    return head


def _row(text: str, begin: int) -> Row:
    end = text.find("\n", begin)
    end = len(text) if end < 0 else end
    bars = [found.start() for found in _CELL.finditer(text, begin, end)]
    if bars and text[bars[-1] + 1 : end].strip():
        bars.append(end)
    return Row(begin, tuple((one + 1, text[one + 1 : two]) for one, two in pairwise(bars)))


def _lines_above(text: str, begin: int) -> tuple[list[Row], int]:
    """Return the rows of the table above a line, the nearest first, and where the table begins."""
    rows: list[Row] = []
    at = begin
    while at > 0 and len(rows) < _ROWS:
        previous = text.rfind("\n", 0, at - 1) + 1
        if not text.startswith("|", previous):
            break
        at = previous
        rows.append(_row(text, at))
    return rows, at


def _heads(above: list[Row]) -> list[Row]:
    """Return the rows of the head, the lowest first: all before the first row that shows amounts, without the rule."""
    heads: list[Row] = []
    for row in reversed(above):
        if _is_rule(row):
            continue
        if any(_AMOUNT.fullmatch(cell.strip()) for _, cell in row.cells[1:]):
            break
        heads.append(row)
    return heads[::-1]


def _is_rule(row: Row) -> bool:
    return all(not cell.strip(" -:") for _, cell in row.cells) and any("-" in cell for _, cell in row.cells)


def _of_column(above: list[Row], column: int, own: Period | None) -> Period | None:
    for row in _heads(above):
        period = _in_cell(row, column, own)
        if period is None or _spans(row):
            continue
        if period.kind == "month" and "決算" in row.cells[0][1]:
            return (
                FiscalYears(own).ending_in(period.last.year, period.last.month).at(period.start, period.end)
            )
        return period
    return None


def _of_row(row: Row, column: int, own: Period | None, head: Period | None) -> Period | None:
    for at in range(column - 1, -1, -1):
        cell = row.cells[at][1]
        period = _in_cell(row, at, own) if len(cell) <= _NAME else None
        if period is None:
            continue
        if period.said.startswith("current") and head is not None and head.known:
            # 当期首残高 of a table about the year before is not that of this year
            if not period.said.endswith(("_begin", "_end")):
                return None
            day = before(head.first) if period.said.endswith("_begin") else head.last
            return replace(period, first=day, last=day, kind="day")
        if period.kind == "day" and period.first.day == 1 and _OPENING.search(cell):
            return replace(period, first=before(period.first), last=before(period.first))
        return period
    return None


def _across(above: list[Row], own: Period | None) -> Period | None:
    """Return the period of the nearest row whose cells all say the same."""
    for row in above:
        if not _spans(row):
            continue
        at = next(at for at, (_, cell) in enumerate(row.cells) if cell.strip())
        period = _in_cell(row, at, own)
        if period and not (period.said.startswith("current") and "年度" not in row.cells[at][1]):
            return period  # 当期変動額 is a line of any year's table
    return None


def _spans(row: Row) -> bool:
    said = {cell.strip() for _, cell in row.cells} - {""}
    return len(row.cells) > 1 and len(said) == 1


def _caption(text: str, begin: int, own: Period | None) -> Period | None:
    """Return the period that the lines above a table say, or those above a table right above it."""
    at, lines, left = begin, 0, _ABOVE
    while at > 0 and lines < _NEAR and left > 0:
        previous = text.rfind("\n", 0, at - 1) + 1
        line = text[previous : at - 1]
        left -= at - previous
        at = previous
        if not line.strip() or line.startswith("|"):
            continue
        lines += 1
        read = [one for one in periods(line, own) if not is_compared(line, one)]
        found = [one for one in read if one.kind in (*_REPORTING, "day")]
        if found:
            one = found[-1]
            return one.at(one.start + previous, one.end + previous)
        if line.startswith("#"):
            return None
    return None


def _in_cell(row: Row, column: int, own: Period | None) -> Period | None:
    """Return the period that a cell names, the one in its brackets where it names two."""
    if column >= len(row.cells):
        return None
    start, cell = row.cells[column]
    read = [one for one in periods(cell, own) if not is_compared(cell, one)]
    if not read:
        return None
    one = read[-1]
    return one.at(one.start + start, one.end + start)
