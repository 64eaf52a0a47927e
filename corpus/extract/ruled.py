"""Ruled lines of a page -> the cells they enclose -> tables, for PDF files, which know no tables."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from corpus.extract.cells import Cell, rows_of_cells
from corpus.extract.layout import Line, Rule, Table

_NEAR = 3.0  # points within which two rules are one
MOST_RULES = 5_000  # rules, and cells, of one page; a map or a chart has more and is no table


@dataclass(frozen=True, slots=True)
class Grid:
    """An area parted by rules: the places of its columns and rows, and the rules inside."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]
    rules: tuple[Rule, ...]

    def holds(self, line: Line) -> bool:
        """Whether the middle of a line lies inside."""
        x, y = (line.x0 + line.x1) / 2, (line.y0 + line.y1) / 2
        return self.columns[0] <= x <= self.columns[-1] and self.rows[0] <= y <= self.rows[-1]


def grids(rules: Sequence[Rule]) -> list[Grid]:
    """Return the areas that touching rules part into at least two columns, from the top down."""
    if not 4 <= len(rules) <= MOST_RULES:
        return []
    found = []
    for group in _touching(rules):
        columns = _places(x for rule in group if _upright(rule) for x in (rule.x0,))
        rows = _places(y for rule in group if not _upright(rule) for y in (rule.y0,))
        if len(columns) > 2 and len(rows) > 1 and len(columns) * len(rows) <= MOST_RULES:
            found.append(Grid(tuple(columns), tuple(rows), tuple(group)))
    return sorted(found, key=lambda grid: (grid.rows[0], grid.columns[0]))


def table_of(grid: Grid, words: Iterable[Line]) -> Table:
    """Return the table of a grid: cells that no rule parts are one, its text stands at the first of them."""
    width, height = len(grid.columns) - 1, len(grid.rows) - 1
    owner = _regions(grid, width, height)
    held: dict[int, list[Line]] = {}
    for word in words:
        if not grid.holds(word):
            continue
        x, y = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
        column = max(n for n in range(width) if grid.columns[n] <= x or n == 0)
        row = max(n for n in range(height) if grid.rows[n] <= y or n == 0)
        held.setdefault(owner[row * width + column], []).append(word)
    stream = sorted((word.order, place // width) for place, inside in held.items() for word in inside)
    back = sum(low < high for (_, high), (_, low) in itertools.pairwise(stream))
    orderly = bool(stream) and stream[0][0] >= 0 and back * 20 <= height
    rows: list[tuple[str, ...]] = []
    for first in range(0, width * height, width):
        places = range(first, first + width)
        cells = [_cell(grid, held.get(place, ())) if owner[place] == place else None for place in places]
        rows += [tuple(cell.text if cell else "" for cell in line) for line in rows_of_cells(cells, orderly)]
    return Table(tuple(rows))


def _cell(grid: Grid, words: Sequence[Line]) -> Cell:
    reach = max((word.x1 for word in words), default=0.0)
    return Cell(tuple(words), next((x for x in grid.columns if x > reach - _NEAR), reach))


def _upright(rule: Rule) -> bool:
    return abs(rule.x1 - rule.x0) < abs(rule.y1 - rule.y0)


def _places(values: Iterable[float]) -> list[float]:
    places: list[float] = []
    for value in sorted(values):
        if not places or value - places[-1] > _NEAR:
            places.append(value)
    return places


def _touching(rules: Sequence[Rule]) -> list[list[Rule]]:
    """Return the rules in groups that hang together, by sweeping from the top down."""
    parent = list(range(len(rules)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    order = sorted(range(len(rules)), key=lambda n: rules[n].y0)
    live: list[int] = []
    for n in order:
        rule = rules[n]
        live = [m for m in live if rules[m].y1 + _NEAR >= rule.y0]
        for m in live:
            other = rules[m]
            if other.x0 - _NEAR <= rule.x1 and rule.x0 <= other.x1 + _NEAR:
                parent[root(n)] = root(m)
        live.append(n)
    groups: dict[int, list[Rule]] = {}
    for n in order:
        groups.setdefault(root(n), []).append(rules[n])
    return list(groups.values())


def _regions(grid: Grid, width: int, height: int) -> list[int]:
    """Return for each elementary cell the first cell of the region that no rule parts from it."""
    owner = list(range(width * height))

    def root(n: int) -> int:
        while owner[n] != n:
            n = owner[n]
        return n

    walls = [_near(grid, x, upright=True) for x in grid.columns]
    floors = [_near(grid, y, upright=False) for y in grid.rows]
    for row in range(height):
        middle = (grid.rows[row] + grid.rows[row + 1]) / 2
        for column in range(width):
            center = (grid.columns[column] + grid.columns[column + 1]) / 2
            here = row * width + column
            if column + 1 < width and not _covers(walls[column + 1], middle):
                _join(owner, root(here), root(here + 1))
            if row + 1 < height and not _covers(floors[row + 1], center):
                _join(owner, root(here), root(here + width))
    return [root(n) for n in range(width * height)]


def _join(owner: list[int], one: int, other: int) -> None:
    owner[max(one, other)] = min(one, other)


def _near(grid: Grid, place: float, *, upright: bool) -> list[tuple[float, float]]:
    """Return from where to where rules run at one place of the grid."""
    if upright:
        return [(r.y0, r.y1) for r in grid.rules if _upright(r) and abs(r.x0 - place) <= _NEAR]
    return [(r.x0, r.x1) for r in grid.rules if not _upright(r) and abs(r.y0 - place) <= _NEAR]


def _covers(stretches: Sequence[tuple[float, float]], at: float) -> bool:
    return any(start - _NEAR <= at <= end + _NEAR for start, end in stretches)
