"""Lines that stand side by side without rules -> tables: statements, lists of figures, pairs of a name and a value."""

import itertools
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from corpus.extract.layout import Line, Table, joined_row, rows_of

ITEM = re.compile(
    r"^(?:[・●○◆◇■□▪–•➢‣※＊]|[①-⑳]|[（(][0-9０-９一二三四五六七八九十ァ-ンa-z注]{1,3}[）)]|[0-9０-９]{1,2}[．.、)）]"
    r"|[ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ]{1,3}[．.、]|第[0-9０-９一二三四五六七八九十]{1,3}[章節条部]?[【\s　]|[（(]?注\s*[0-9０-９]*[）)．.]|[イロハニホヘト][．.、）)])"
)
_LEADERS = re.compile(r"(?:[…‥⋯]{2,}|[・．.·]{5,})[\s…‥⋯・．.·]*[0-9０-９ivx\-]*(?:巻末)?\s*$")
_MOST_NAMES = 4  # rows in a row with a name and no value, as over a group of others

Row = list[Line]


@dataclass(slots=True)
class _Grid:
    """Rows under way: for each its cells by column."""

    rows: list[dict[int, list[Line]]]
    width: int


def loose(lines: Sequence[Line]) -> list[tuple[float, Line | Table]]:
    """Return lines with the height where they stand; rows of several cells that stand under each other are tables.

    The lines of a contents page are left out: the headings themselves come later.
    """
    placed: list[tuple[float, Line | Table]] = [(line.y0, line) for line in lines if line.blank]
    rows = [joined_row(row) for row in rows_of([line for line in lines if not line.blank])]
    rows = [row for row in rows if not _LEADERS.search(row[-1].text)]
    at = 0
    while at < len(rows):
        end = _run(rows, at)
        if end > at + 1 and (table := _table(rows[at:end])):
            placed.append((rows[at][0].y0, table))
        else:
            end = at + 1
            placed.append((rows[at][0].y0, _flat(rows[at])))
        at = end
    return placed


def _flat(row: Row) -> Line:
    if len(row) == 1:
        return row[0]
    return replace(row[0], text="　".join(cell.text for cell in row), x1=row[-1].x1, hang=row[1].x0)


def _run(rows: Sequence[Row], start: int) -> int:
    """Return where the table that begins with row ``start`` ends (exclusive); names without a value may stand inside."""
    if len(rows[start]) < 2:
        return start
    end = start + 1
    second = rows[start][1].x0
    while end < len(rows):
        after = next((n for n in range(end, min(end + _MOST_NAMES + 1, len(rows))) if len(rows[n]) > 1), None)
        if after is None:
            break
        second = min(second, rows[after][1].x0)
        if not all(_inside(rows, n, second) for n in range(end, after)):
            break
        if _middle(rows[after][0]) - _middle(rows[after - 1][0]) > 4 * rows[after][0].size:
            break
        end = after + 1
    return end


def _inside(rows: Sequence[Row], at: int, second: float) -> bool:
    """Whether a row of one cell belongs to the table around it: a name in the first column, near its neighbors."""
    line, above, below = rows[at][0], rows[at - 1][0], rows[at + 1][0]
    steps = (_middle(line) - _middle(above), _middle(below) - _middle(line))
    return (
        line.x1 <= second
        and max(steps) < 2.3 * line.size
        and abs(line.size - above.size) < 0.08 * line.size
        and not line.text.rstrip().endswith("。")
    )


def _table(run: Sequence[Row]) -> Table | None:
    """Return a run of rows as a table; None if its cells do not stand under each other."""
    places = _places(run)
    if len(places) < 2:
        return None
    rows: list[dict[int, list[Line]]] = []
    for row in run:
        cells: dict[int, list[Line]] = {}
        for cell in row:
            cells.setdefault(_column(places, cell), []).append(cell)
        rows.append(cells)
    if len(places) == 2 and all(0 not in row or _is_mark(row[0]) for row in rows):
        return None  # a list: its marks stand apart from its text
    texts = []
    for group in _merged(rows):
        cells = {n: [line for row in group for line in row.get(n, ())] for n in range(len(places))}
        texts.append(tuple(_text(cells[n]) for n in range(len(places))))
    return Table(tuple(texts))


def _is_mark(cell: Sequence[Line]) -> bool:
    text = "".join(line.text for line in cell).strip()
    return bool(ITEM.match(text)) and len(text) < 6


def _places(run: Sequence[Row]) -> list[tuple[float, float]]:
    """Return from where to where each column reaches, as the rows with most cells show it."""
    most = max(map(len, run))
    places: list[tuple[float, float]] = []
    for cell in sorted(
        (cell for row in run if len(row) > 0.6 * most for cell in row), key=lambda one: one.x0
    ):
        if places and cell.x0 < places[-1][1] - 1:
            places[-1] = (places[-1][0], max(places[-1][1], cell.x1))
        else:
            places.append((cell.x0, cell.x1))
    return places


def _column(places: Sequence[tuple[float, float]], cell: Line) -> int:
    """Return the column that a cell shares most with, or else is nearest to."""
    return max(range(len(places)), key=lambda n: min(places[n][1], cell.x1) - max(places[n][0], cell.x0))


def _text(lines: Sequence[Line]) -> str:
    return " ".join(line.text.strip() for line in lines)


def _merged(rows: Sequence[dict[int, list[Line]]]) -> Iterator[list[dict[int, list[Line]]]]:
    """Yield the rows in groups that are one row each: its cells have several lines.

    The file tells by the order in which it draws: a cell's lines follow each other. Where that is not known,
    the head of the columns is one row when its lines stand closer than the others.
    """
    joined = [False] * len(rows)  # with the row above
    known = all(line.order >= 0 for row in rows for cell in row.values() for line in cell)
    steps = [_height(low) - _height(high) for high, low in itertools.pairwise(rows)]
    usual = statistics.median(steps) if steps else 0.0
    for at in range(1, len(rows)):
        high, low = rows[at - 1], rows[at]
        if high.keys() != low.keys() or len(low) < 2:
            continue
        if known:
            joined[at] = all(high[n][-1].order + 1 == low[n][0].order for n in low)
        else:
            joined[at] = 0 not in low and steps[at - 1] < 0.8 * usual
    if known:
        for first, last in _broken(rows):
            joined[first + 1 : last + 1] = [True] * (last - first)
    if all(joined[1:]) and len(rows) > 2:
        joined = [False] * len(rows)  # drawn column by column: says nothing about rows
    group: list[dict[int, list[Line]]] = []
    for row, more in zip(rows, joined, strict=True):
        if group and not more:
            yield group
            group = []
        group.append(row)
    yield group


def _broken(rows: Sequence[dict[int, list[Line]]]) -> Iterator[tuple[int, int]]:
    """Yield first and last row of names that were broken: around the values beside them, or where they were full."""
    names = [(at, row[0][0]) for at, row in enumerate(rows) if 0 in row]
    reach = max((line.x1 for _, line in names), default=0.0)
    for (high, one), (low, other) in itertools.pairwise(names):
        if one.order + 1 != other.order:
            continue
        around = low - high > 1
        full = reach - one.x1 < 1.3 * one.size and (len(rows[high]) == 1) != (len(rows[low]) == 1)
        if around or full:
            yield high, low


def _height(row: dict[int, list[Line]]) -> float:
    return min(_middle(line) for cell in row.values() for line in cell)


def _middle(line: Line) -> float:
    return (line.y0 + line.y1) / 2
