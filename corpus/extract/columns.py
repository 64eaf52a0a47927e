"""A page -> its columns of text in reading order, with tables in their places, readings over words left out."""

import itertools
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from corpus.extract.layout import Column, Line, Page, Table, gutter, upright
from corpus.extract.ruled import grids, table_of
from corpus.extract.unruled import loose

_TABLE = "\ufffc"  # what stands for a table among lines
_DEEP = 3  # times a page is parted
_READING = re.compile(r"[ぁ-ゖァ-ヺーゝゞ・ \u3000]+")


def columns_of(page: Page) -> Iterator[Column]:
    """Yield the columns of a page in reading order, tables in their places."""
    page = without_readings(upright(page))
    areas = grids(page.rules) if page.words else []
    tables = {
        Line(_TABLE, grid.columns[0], grid.rows[0], grid.columns[-1], grid.rows[-1], 1.0): table_of(
            grid, page.words
        )
        for grid in areas
    }
    lines = [line for line in page.lines if not any(grid.holds(line) for grid in areas)]
    left = min((line.x0 for line in lines if not line.blank), default=0.0)
    right = 0.0 if page.vertical else page.width - left  # margins are even, mostly
    least = 3 if page.vertical else 10  # vertical writing stands in tiers, not in tables
    yield from _parts([*lines, *tables], tables, (0.0, page.width, right), least)


def without_readings(page: Page) -> Page:
    """Return a page without ruby: kana in letters of at most 0.6 times the size of the words right below them."""
    if not page.lines:
        return page
    large = sorted((line for line in page.lines if not line.blank), key=lambda line: line.y0)
    gone = {line for line in large if _READING.fullmatch(line.text) and _over_words(line, large)}
    if not gone:
        return page
    boxes = {(round(line.y0), round(line.y1)) for line in gone}
    words = tuple(
        word
        for word in page.words
        if not (_READING.fullmatch(word.text) and (round(word.y0), round(word.y1)) in boxes)
    )
    return replace(page, lines=tuple(line for line in page.lines if line not in gone), words=words)


def _over_words(line: Line, others: Sequence[Line]) -> bool:
    for other in others:
        if (
            line.size <= 0.6 * other.size
            and other.x0 - line.size < line.x0
            and line.x1 < other.x1 + line.size
            and other.y0 - 0.6 * other.size < line.y1 < other.y0 + 0.5 * other.size
        ):
            return True
    return False


def _parts(
    items: Sequence[Line],
    tables: Mapping[Line, Table],
    area: tuple[float, float, float],
    least: int,
    inside: tuple[int, bool] = (0, False),
) -> Iterator[Column]:
    """Yield the columns in ``items``; ``area`` is their left and right limit, and where full lines may end.

    ``inside`` is how often the page was parted for these, and whether they stand beside the text.
    """
    left, right, margin = area
    deep, aside = inside
    lines = [line for line in items if line not in tables]
    at = gutter(lines, right - left, least, left) if deep < _DEEP else None
    if at is None:
        placed: list[tuple[float, Line | Table]] = [(one.y0, tables[one]) for one in items if one in tables]
        yield replace(_column([*placed, *loose(lines)], margin), aside=aside)
        return
    both = {line for line in items if line.x0 < at < line.x1}
    for part in _bands(items, both):
        if part[0] in both:
            placed = [(one.y0, tables[one]) for one in part if one in tables]
            yield _column([*placed, *loose([line for line in part if line not in tables])], margin)
            continue
        sides = [line for line in part if line.x1 <= at], [line for line in part if line.x0 >= at]
        for side, other, edges in (
            (sides[0], sides[1], (left, at, 0.0)),
            (sides[1], sides[0], (at, right, 0.0)),
        ):
            if side:
                yield from _parts(side, tables, edges, least, (deep + 1, aside or _beside(side, other)))


def _beside(side: Sequence[Line], text: Sequence[Line]) -> bool:
    """Whether one side holds remarks beside the text of the other one: narrower, in smaller letters."""
    if not text:
        return False
    wide, wider = (max(x.x1 for x in part) - min(x.x0 for x in part) for part in (side, text))
    small, large = (statistics.median(x.size for x in part) for part in (side, text))
    return wide < 0.6 * wider and small < 0.92 * large


def _bands(lines: Sequence[Line], both: set[Line]) -> Iterator[list[Line]]:
    """Yield stretches of a two-column page between the lines that run over both columns, and those lines."""
    edges = sorted(both, key=lambda line: line.y0)
    rest = [line for line in lines if line not in both]
    over: list[Line] = []
    for edge in edges:
        above = [line for line in rest if line.y0 < edge.y0]
        if above:
            if over:
                yield over
            over = []
            yield above
            rest = [line for line in rest if line.y0 >= edge.y0]
        over.append(edge)
    if over:
        yield over
    if rest:
        yield rest


def _column(placed: Sequence[tuple[float, Line | Table]], right: float = 0.0) -> Column:
    """Return a column with its edges; short lines do not show the right one, which is ``right`` then."""
    items = tuple(item for _, item in sorted(placed, key=lambda one: one[0]))
    texts = [item for item in items if isinstance(item, Line) and not item.blank]
    if not texts:
        return Column(items)
    long = [line for line in texts if line.x1 - line.x0 > 8 * line.size] or texts
    steps = [low.y0 - high.y0 for high, low in itertools.pairwise(long) if low.y0 - high.y0 > high.size / 2]
    pitch = statistics.median_low(steps) if steps else 1.8 * long[0].size
    edge = max(line.x1 for line in long)
    reach = statistics.median_high(
        line.x1 for line in long if edge - line.x1 < 3 * line.size
    )  # signs hang over it
    return Column(items, min(line.x0 for line in long), right if reach < 0.75 * right else reach, pitch)
