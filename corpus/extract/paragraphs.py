"""Lines of Japanese and Latin text -> headings, paragraphs and tables in Markdown, as the page meant them."""

import itertools
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from corpus.extract.headings import SPEAKER, Block, with_headings, written
from corpus.extract.layout import Column, Line, Page, Table, gutter, upright
from corpus.extract.lines import join
from corpus.extract.ruled import grids, table_of
from corpus.extract.unruled import ITEM, loose

_TERMINAL = re.compile(r"[。．.！？!?」』）)：:]\s*$")
_SENTENCE = re.compile(r"[。．！？!?][」』）)]?\s*$")


def markdown(pages: Sequence[Page], outline: Mapping[str, int], title: str) -> str:
    """Return the text of pages whose running lines are gone already.

    ``outline`` maps the titles of the file's own outline, without white space, to levels from 1 up.
    """
    columns = [column for page in pages for column in columns_of(page)]
    body = _body_size(columns)
    indented = _indents(columns)
    blocks: list[Block | Table] = []
    for column in columns:
        top = True  # of the column, where a table may go on
        for item in column.items:
            last = blocks[-1] if blocks else None
            if isinstance(item, Table):
                if top and isinstance(last, Table) and len(last.rows[0]) == len(item.rows[0]):
                    blocks[-1] = Table((*last.rows, *item.rows[item.rows[0] == last.rows[0] :]))
                else:
                    blocks.append(item)
                top = False
            elif item.blank:
                if isinstance(last, Block):  # an empty line parts what stands around it
                    blocks[-1] = replace(last, last=replace(last.last, x1=-1.0))
                continue
            elif isinstance(last, Block) and _continues(last, item, column, indented):
                blocks[-1] = replace(last, text=join([last.text, item.text]), last=item, lines=last.lines + 1)
            else:
                blocks.append(Block(item.text.strip(" \u3000\xa0"), item, item))
            top = False
    return "\n\n".join(written(with_headings(blocks, outline, body), title))


def columns_of(page: Page) -> Iterator[Column]:
    """Yield the columns of a page in reading order, tables in their places."""
    page = upright(page)
    areas = grids(page.rules)
    tables = [(grid, table_of(grid, page.words)) for grid in areas] if page.words else []
    held = [grid for grid, table in tables]
    lines = [line for line in page.lines if not any(grid.holds(line) for grid in held)]
    at = gutter(
        lines, page.width, 3 if page.vertical else 10
    )  # vertical writing stands in tiers, not in tables
    if at is None:
        left = min((line.x0 for line in lines if not line.blank), default=0.0)
        right = 0.0 if page.vertical else page.width - left  # margins are even, mostly
        yield _column([*loose(lines), *((grid.rows[0], table) for grid, table in tables)], right)
        return
    both = {line for line in lines if line.x0 < at < line.x1}
    for part in _bands(lines, both):
        if part[0] in both:
            yield _column(loose(part))
        else:
            for side in ([x for x in part if x.x1 <= at], [x for x in part if x.x0 >= at]):
                if side:
                    yield _column(loose(side))
    for grid, table in tables:
        yield _column([(grid.rows[0], table)])


def _bands(lines: Sequence[Line], both: set[Line]) -> Iterator[list[Line]]:
    """Yield stretches of a two-column page between the lines that run over both columns, and those lines."""
    edges = sorted(both, key=lambda line: line.y0)
    rest = [line for line in lines if line not in both]
    for edge in edges:
        above = [line for line in rest if line.y0 < edge.y0]
        rest = [line for line in rest if line.y0 >= edge.y0]
        if above:
            yield above
        yield [edge]
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
    reach = max(line.x1 for line in long)
    return Column(items, min(line.x0 for line in long), right if reach < 0.75 * right else reach, pitch)


def _continues(block: Block, line: Line, column: Column, indented: bool) -> bool:
    """Whether a line goes on with the paragraph before it."""
    last, size = block.last, max(line.size, 1.0)
    if last.x1 < 0 or line.inset or SPEAKER.match(line.text):
        return False
    if abs(line.size - last.size) > 0.08 * last.size or (line.bold != last.bold and block.lines == 1):
        return False
    if line.y0 < last.y0 - 2:  # the next column or page
        return _continues_over(block, line, column, indented)
    step, short = (line.y0 - last.y0) / column.pitch, (column.right - last.x1) / size
    ended = bool(_TERMINAL.search(block.text))
    if step > 1.6 or short > 4.5 or (short > 1.6 and ended) or (step > 1.15 and _SENTENCE.search(block.text)):
        return False
    shift = (line.x0 - last.x0) / size
    again = indented and block.lines == 1 and abs(shift) < 0.3 and 0.6 < (line.x0 - column.left) / size < 2.5
    if shift < -3.5 or (
        again and _SENTENCE.search(block.text)
    ):  # set to the right: a date, a name; or indented
        return False
    item = bool(ITEM.match(block.text))
    wide = (
        last.x1 - last.x0 > (column.right - column.left) / 2
    )  # not set to the right, as dates and names are
    broken = short < 1.6 and not ended and wide
    if ITEM.match(line.text):  # a wrapped line may begin with "(1)" too, but not after a full stop
        goes_on = short < 1.6 and not ended and not item
    elif broken and last.x0 <= line.x0 + 3.5 * size:
        goes_on = shift < 6 or abs(line.x0 - last.hang) < 0.3 * size
    elif shift > 0.6:
        goes_on = block.lines == 1 and item and shift < 6
    else:
        goes_on = shift > -0.6 or block.lines == 1
    return goes_on


def _continues_over(block: Block, line: Line, column: Column, indented: bool) -> bool:
    """Whether the first line of a column or page goes on with the last paragraph of the one before."""
    if (
        ITEM.match(line.text)
        or line.text.startswith("\u3000")
        or (block.lines == 1 and _TERMINAL.search(block.text))
    ):
        return False
    hanging = abs(line.x0 - block.last.x0) < 0.3 * line.size and _full(block)
    if line.x0 - column.left > 0.6 * line.size and not hanging:
        return False
    if _SENTENCE.search(block.text):
        return indented and block.last.x1 > 0 and line.x0 - column.left < 0.3 * line.size and _full(block)
    return _full(block) or not _TERMINAL.search(block.text)


def _full(block: Block) -> bool:
    """Whether the last line of a block is as long as the others."""
    return block.lines > 1 and block.last.x1 >= block.first.x1 - 1.6 * block.last.size


def _body_size(columns: Sequence[Column]) -> float:
    sizes: Counter[float] = Counter()
    for line in _lines(columns):
        sizes[round(line.size * 2) / 2] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def _indents(columns: Sequence[Column]) -> bool:
    """Whether paragraphs begin indented in this file."""
    starts = [
        (line.x0 - column.left) / max(line.size, 1.0)
        for column in columns
        for line in column.items
        if isinstance(line, Line) and len(line.text.strip()) > 15
    ]
    return bool(starts) and sum(0.7 < start < 2.2 for start in starts) > 0.08 * len(starts)


def _lines(columns: Sequence[Column]) -> Iterator[Line]:
    for column in columns:
        yield from (item for item in column.items if isinstance(item, Line) and not item.blank)
