"""What stands in the cells of one ruled row -> the rows that were meant: many tables do not rule them all."""

import itertools
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from corpus.extract.layout import Line, rows_of
from corpus.extract.lines import FIGURES, cell_text, stand_apart

_MIDDLE_OF_WORD = re.compile(r"[、。，．）)」』ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ]")


@dataclass(frozen=True, slots=True)
class Cell:
    """The words in one cell and its right edge in points."""

    words: tuple[Line, ...]
    right: float

    @property
    def text(self) -> str:
        """The text of the cell: parts side by side that do not share their lines come one after the other."""
        if not self.words:
            return ""
        parts = _side_by_side(self.words)
        rights = [*(min(word.x0 for word in part) for part in parts[1:]), self.right]
        return " ".join(cell_text(lines_of(part), right) for part, right in zip(parts, rights, strict=True))


def lines_of(words: Sequence[Line]) -> list[Line]:
    """Return words as lines, with a space where more than a fifth of a sign lies between two."""
    return [_spaced(row) for row in rows_of(words)]


def rows_of_cells(cells: Sequence[Cell | None], orderly: bool) -> list[list[Cell | None]]:
    """Return one ruled row as the rows that were meant; None stands for a place that another cell covers.

    A file that is written ``orderly`` goes through a row cell by cell: where it comes back to the left, a new
    row begins. In any other one the first cell says where rows begin: where no line goes on that stands beside
    figures. Without such signs the row stays one.
    """
    first = next((at for at, cell in enumerate(cells) if cell), None)
    if first is None or not (anchor := cells[first]) or not anchor.words:
        return [list(cells)]
    lines = lines_of(anchor.words)
    begins = [line for line, new in zip(lines, _begins(lines, anchor.right), strict=True) if new]
    if len(lines) < 2:
        return [list(cells)]
    if orderly:
        groups = _by_stream(cells)
        if len(groups) > 1 and _downward(groups):
            parts = [part for group in groups for part in _by_label(group, first, begins)]
            return [_with(cells, part) for part in parts]
        return [list(cells)]
    others = [
        line
        for cell in cells[first + 1 :]
        if cell
        for line in lines_of(cell.words)
        if FIGURES.fullmatch(line.text)
    ]
    if len(begins) < 2 or sum(_beside(line, others) for line in begins) < 2:
        return [list(cells)]
    edges = [_middle(line) - 0.4 * line.size for line in begins[1:]]
    found: list[list[tuple[int, Line]]] = [[] for _ in begins]
    for column, cell in enumerate(cells):
        for word in cell.words if cell else ():
            found[sum(edge <= _middle(word) for edge in edges)].append((column, word))
    return [_with(cells, part) for part in found]


def _with(cells: Sequence[Cell | None], words: Sequence[tuple[int, Line]]) -> list[Cell | None]:
    held: dict[int, list[Line]] = {}
    for column, word in words:
        held.setdefault(column, []).append(word)
    return [cell and replace(cell, words=tuple(held.get(at, ()))) for at, cell in enumerate(cells)]


def _by_stream(cells: Sequence[Cell | None]) -> list[list[tuple[int, Line]]]:
    """Return the words with their columns in the groups that going back to the left makes."""
    words = [(at, word) for at, cell in enumerate(cells) if cell for word in cell.words]
    groups: list[list[tuple[int, Line]]] = []
    last = len(cells)
    for column, word in sorted(words, key=lambda one: one[1].order):
        if column < last:
            groups.append([])
        groups[-1].append((column, word))
        last = column
    return groups


def _downward(groups: Sequence[Sequence[tuple[int, Line]]]) -> bool:
    """Whether each group begins below where the one before it begins, and no cell of it runs into the next."""
    for high, low in itertools.pairwise(groups):
        for column, word in low:
            above = [other for at, other in high if at == column]
            if any(_middle(other) > _middle(word) - 0.3 * word.size for other in above):
                return False
        if min(_middle(word) for _, word in low) <= min(_middle(word) for _, word in high):
            return False
    return True


def _by_label(
    group: Sequence[tuple[int, Line]], first: int, begins: Sequence[Line]
) -> list[list[tuple[int, Line]]]:
    """Return a group parted before each line of the first cell that begins a row; all else belongs to the last."""
    label = [word for column, word in group if column == first]
    edges = sorted(
        _middle(line) - 0.4 * line.size
        for line in begins
        if label
        and min(map(_middle, label)) + 0.4 * line.size < _middle(line) <= max(map(_middle, label)) + 0.1
    )
    parts: list[list[tuple[int, Line]]] = [[] for _ in range(len(edges) + 1)]
    for column, word in group:
        at = sum(edge <= _middle(word) for edge in edges) if column == first else len(edges)
        parts[at].append((column, word))
    return parts


def _spaced(row: Sequence[Line]) -> Line:
    text = row[0].text
    for last, word in itertools.pairwise(row):
        text += (" " if word.x0 - last.x1 > 0.2 * word.size else "") + word.text
    return replace(row[0], text=text, x1=row[-1].x1)


def _side_by_side(words: Sequence[Line]) -> list[list[Line]]:
    """Return a cell's words in parts from left to right: a label broken over two lines, its unit between them.

    Parts whose lines stand beside each other are read line by line, unless the file draws one after the other.
    """
    parts: list[list[Line]] = []
    reach = float("-inf")
    for word in sorted(words, key=lambda one: one.x0):
        right = [other for other in words if other.x0 >= word.x0]
        if parts and not (word.x0 - reach > 0.8 * word.size and _apart(parts[-1], right)):
            parts[-1].append(word)
        else:
            parts.append([word])
        reach = max(reach, word.x1)
    return parts


def _apart(left: Sequence[Line], right: Sequence[Line]) -> bool:
    alone = not all(_beside(word, right) for word in left), not all(_beside(word, left) for word in right)
    drawn = left[0].order >= 0 and max(word.order for word in left) < min(word.order for word in right)
    return all(alone) or (drawn and any(alone))


def _beside(word: Line, others: Sequence[Line]) -> bool:
    return any(abs(_middle(word) - _middle(other)) < 0.35 * word.size for other in others)


def _middle(line: Line) -> float:
    return (line.y0 + line.y1) / 2


def _begins(lines: Sequence[Line], right: float) -> list[bool]:
    """Say of each line of a cell whether it is no continuation of the line above."""
    steps = [_middle(low) - _middle(high) for high, low in itertools.pairwise(lines)]
    usual = statistics.median(steps) if steps else 0.0
    widest = max(line.x1 for line in lines)
    found = [True]
    for (high, low), step in zip(itertools.pairwise(lines), steps, strict=True):
        full = widest - high.x1 < 1.3 * high.size and right - widest < 2.6 * high.size
        goes_on = full and not stand_apart(high.text, low.text)
        found.append(not goes_on and step > 0.75 * usual and not _MIDDLE_OF_WORD.match(low.text))
    return found
