"""Where text stands on a page: the records every PDF backend fills, reading order, and what repeats on each page."""

import itertools
import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch of text on one baseline; coordinates in points from the upper left corner of the page."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool = False
    inset: bool = False  # an ideographic space stands before it, as before a paragraph
    turn: int = 0  # 1: runs down the page (vertical writing, or turned clockwise), -1: runs up
    hang: float = -1.0  # where a second part of it begins, under which it may go on
    order: int = -1  # the place among those the file draws on the page; -1: not known

    @property
    def blank(self) -> bool:
        """Whether it shows nothing (no-break spaces mark empty paragraphs)."""
        return not self.text.strip()


@dataclass(frozen=True, slots=True)
class Rule:
    """A ruled line, horizontal or vertical, as its ends."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote: its label in the document, and its lines without the mark."""

    label: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What a backend reads from one page; ``words`` are needed only where there are ``rules``."""

    width: float
    height: float
    lines: tuple[Line, ...]
    words: tuple[Line, ...] = ()
    rules: tuple[Rule, ...] = ()
    scanned: bool = False
    vertical: bool = False  # set by ``upright``
    notes: tuple[Note, ...] = ()  # set by ``with_notes``


@dataclass(frozen=True, slots=True)
class Table:
    """A table in place of the lines it holds."""

    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of text from top to bottom with its edges: the unit in which lines are joined."""

    items: tuple[Line | Table, ...]
    left: float = 0.0
    right: float = 0.0
    pitch: float = 0.0  # from line to line
    aside: bool = False  # remarks beside the text: they do not part what stands before and after them


_NUMBER = re.compile(
    r"^[\s\-‐–—―－−〜~・.(（\[]*(?:p(?:age)?\.?\s*)?(?:\d{1,4}|[ivxlc]{1,6}|[ⅰ-ⅻⅠ-Ⅻ])(?:\s*(?:/|of)\s*\d{1,4})?(?:\s*(?:頁|ページ))?"
    r"[\s\-‐–—―－−〜~・.)）\]]*$",
    re.IGNORECASE,
)
_UNIT = re.compile(r"^[（(]?\s*単位")
_APART = 1.3  # times the size of a line: so much space parts running lines from the text
_BAND = 0.12  # share of the page's height where running headers and footers stand


def without_margins(pages: Sequence[Page]) -> list[Page]:
    """Return the pages without running headers, footers and page numbers.

    A running line stands outermost, in the upper or lower band, and comes back at the same height on a page near
    by (the next, or the next but one when odd and even pages differ) when its digits are ignored; on three pages
    at least (two in a short file). A line that is set like the text under it, as the first line of a page is,
    must be on many pages.
    """
    edges = [_edges(page) for page in pages]
    seen: dict[str, list[tuple[int, Line, bool]]] = defaultdict(list)
    for number, rows in enumerate(edges):
        for row, apart in rows:
            for line in row:
                seen[_key(line)].append((number, line, apart))
    least = 2 if len(pages) < 8 else 3
    running = {
        key
        for key, places in seen.items()
        if len({number for number, *_ in places}) >= least
        and (sum(apart for *_, apart in places) * 2 > len(places) or len(places) * 4 > len(pages))
    }
    kept = []
    for number, (page, rows) in enumerate(zip(pages, edges, strict=True)):
        gone: set[Line] = set()
        for row, apart in rows:
            if all(
                (_NUMBER.match(line.text.strip()) and len(row) < 3 and (apart or len(row) == 1))
                or (_key(line) in running and _running(line) and _near(seen[_key(line)], number, line))
                for line in row
            ):
                gone.update(row)
        kept.append(replace(page, lines=tuple(line for line in page.lines if line not in gone)))
    return kept


def _running(line: Line) -> bool:
    text = line.text.strip()
    return len(text) < 120 and not _UNIT.match(text) and not text.endswith("。")


def _near(places: Sequence[tuple[int, Line, bool]], number: int, line: Line) -> bool:
    return any(0 < abs(page - number) <= 2 and abs(other.y0 - line.y0) < 3 for page, other, _ in places)


def _key(line: Line) -> str:
    return re.sub(r"[0-9０-９一二三四五六七八九十]+", "#", "".join(line.text.split()))


def _edges(page: Page) -> list[tuple[list[Line], bool]]:
    """Return the rows in the bands, the two outermost at each end, and whether space parts them from the text."""
    rows = list(rows_of([line for line in page.lines if not line.blank and not line.turn]))
    gaps = [low[0].y0 - high[0].y1 for high, low in itertools.pairwise(rows)]
    top = [
        (row, any(gap > _APART * row[0].size for gap in gaps[at:2]))
        for at, row in enumerate(rows[:2])
        if row[0].y1 < page.height * _BAND
    ]
    bottom = [
        (row, any(gap > _APART * row[0].size for gap in gaps[-2 + at :]))
        for at, row in enumerate(rows[-2:])
        if row[0].y0 > page.height * (1 - _BAND)
    ]
    return [*top, *(one for one in bottom if one not in top)]


def rows_of(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Yield the lines that stand side by side, from the top down, each row from left to right."""
    row: list[Line] = []
    for line in sorted(lines, key=lambda one: ((one.y0 + one.y1) / 2, one.x0)):
        middle = (line.y0 + line.y1) / 2
        if row and not (row[-1].y0 <= middle <= row[-1].y1 and row[0].y0 <= middle <= row[0].y1):
            yield sorted(row, key=lambda one: one.x0)
            row = []
        row.append(line)
    if row:
        yield sorted(row, key=lambda one: one.x0)


def joined_row(row: Sequence[Line]) -> list[Line]:
    """Return the lines of one row with neighbors that touch made one (vertical text comes one sign a line)."""
    merged = [row[0]]
    for line in row[1:]:
        last = merged[-1]
        if line.x0 - last.x1 < 0.5 * max(line.size, last.size):
            merged[-1] = replace(
                last, text=last.text + line.text, x1=max(last.x1, line.x1), y0=min(last.y0, line.y0)
            )
        else:
            merged.append(line)
    return merged


def upright(page: Page) -> Page:
    """Return a page of vertical or turned text so that its lines run from left to right and from the top down."""
    turned = [line for line in page.lines if line.turn]
    flat = tuple(line for line in page.lines if not line.turn)
    if not turned or sum(len(line.text) for line in turned) < sum(len(line.text) for line in flat):
        return replace(page, lines=flat)  # turned labels on the side of a chart say nothing without it
    lines = [
        replace(line, x0=line.y0, x1=line.y1, y0=page.width - line.x1, y1=page.width - line.x0)
        if line.turn > 0
        else replace(line, x0=page.height - line.y1, x1=page.height - line.y0, y0=line.x0, y1=line.x1)
        for line in turned
    ]
    rows = [joined for row in rows_of(lines) for joined in joined_row(row)]
    return replace(page, width=page.height, height=page.width, lines=(*rows, *flat), rules=(), vertical=True)


def gutter(lines: Sequence[Line], width: float, least: int = 10, left: float = 0.0) -> float | None:
    """Return where two columns of running text part, or None; they share ``width`` points from ``left`` on.

    No line crosses the gutter but headings; most rows have text on both sides, and lines fill their column
    (the cells of a table do not). ``least`` is the number of characters from which a line counts.
    """
    running = [line for line in lines if len(line.text.strip()) >= least]
    if len(running) < 12:
        return None
    best: tuple[int, float, float] | None = None
    for share in range(20, 81, 2):
        at = left + width * share / 100
        before = [line for line in running if line.x1 <= at]
        after = [line for line in running if line.x0 >= at]
        crossing = len(running) - len(before) - len(after)
        if crossing > len(running) * 0.15 or min(len(before), len(after)) < 5:
            continue
        free = min(line.x0 for line in after) - max(line.x1 for line in before)
        if (best is None or (crossing, -free) < best[:2]) and _are_columns(before, after, width, least):
            best = crossing, -free, at
    return best[2] if best else None


def _are_columns(before: Sequence[Line], after: Sequence[Line], width: float, least: int) -> bool:
    """Whether what stands on both sides is running text, and not the names and texts of a table."""
    if least >= 10 and not (_fills(before) and _fills(after)):
        return False
    narrow, wide = sorted((before, after), key=lambda side: max(x.x1 for x in side) - min(x.x0 for x in side))
    if max(line.x1 for line in narrow) - min(line.x0 for line in narrow) < 0.33 * width and least >= 10:
        middles = [(line.y0 + line.y1) / 2 for line in wide]
        level = sum(any(abs(y - (line.y0 + line.y1) / 2) < 1 for y in middles) for line in narrow)
        if level * 2 > len(narrow):
            return False
    return max(_beside(before, after), _beside(after, before)) >= 0.4


def _fills(lines: Sequence[Line]) -> bool:
    wide = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    return statistics.median(line.x1 - line.x0 for line in lines) > 0.75 * wide


def _beside(left: Sequence[Line], right: Sequence[Line]) -> float:
    """Return which share of the lines on the left stands within the height of those on the right."""
    top, bottom = min(line.y0 for line in right), max(line.y1 for line in right)
    return sum(top <= line.y0 <= bottom for line in left) / len(left)
