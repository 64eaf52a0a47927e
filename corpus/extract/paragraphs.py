"""Lines of Japanese and Latin text -> headings, paragraphs and tables in Markdown, as the page meant them."""

import itertools
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from corpus.extract.headings import SPEAKER, Block, with_headings, written
from corpus.extract.layout import Column, Line, Page, Table, gutter, joined_row, rows_of, upright
from corpus.extract.lines import cell_text, join
from corpus.extract.ruled import grids, table_of

_TERMINAL = re.compile(r"[。．.！？!?」』）)：:]\s*$")
_SENTENCE = re.compile(r"[。．！？!?][」』）)]?\s*$")
_ITEM = re.compile(
    r"^(?:[・●○◆◇■□▪–•➢‣※＊]|[①-⑳]|[（(][0-9０-９一二三四五六七八九十ァ-ンa-z注]{1,3}[）)]|[0-9０-９]{1,2}[．.、)）]"
    r"|[ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ]{1,3}[．.、]|第[0-9０-９一二三四五六七八九十]{1,3}[章節条部]?[【\s　]|[（(]?注\s*[0-9０-９]*[）)．.]|[イロハニホヘト][．.、）)])"
)
_LEADERS = re.compile(r"(?:[…‥⋯]{2,}|[・．.·]{5,})[\s…‥⋯・．.·]*[0-9０-９ivx\-]*(?:巻末)?\s*$")


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
    tables = [(grid, table_of(grid, page.words, cell_text)) for grid in areas] if page.words else []
    held = [grid for grid, table in tables]
    lines = [line for line in page.lines if not any(grid.holds(line) for grid in held)]
    at = gutter(
        lines, page.width, 3 if page.vertical else 10
    )  # vertical writing stands in tiers, not in tables
    if at is None:
        left = min((line.x0 for line in lines if not line.blank), default=0.0)
        right = 0.0 if page.vertical else page.width - left  # margins are even, mostly
        yield _column([*_loose(lines), *((grid.rows[0], table) for grid, table in tables)], right)
        return
    both = {line for line in lines if line.x0 < at < line.x1}
    for part in _bands(lines, both):
        if part[0] in both:
            yield _column(_loose(part))
        else:
            for side in ([x for x in part if x.x1 <= at], [x for x in part if x.x0 >= at]):
                if side:
                    yield _column(_loose(side))
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


def _loose(lines: Sequence[Line]) -> list[tuple[float, Line | Table]]:
    """Return lines row by row; consecutive rows of several cells that stand under each other are a table."""
    placed: list[tuple[float, Line | Table]] = []
    rows = [joined_row(row) for row in rows_of([line for line in lines if not line.blank])]
    run: list[list[Line]] = []
    for row in [*rows, []]:
        if len(row) > 1 and not any(_LEADERS.search(cell.text) for cell in row):
            run.append(row)
            continue
        placed += _aligned(run)
        run = []
        if row and _LEADERS.search(row[-1].text):
            continue  # a line of a contents page; the headings themselves come later
        if row and len(row) > 1:
            continue  # the same, with its page number apart
        placed += [(line.y0, line) for line in row]
    blanks = [line for line in lines if line.blank]
    return [*placed, *((line.y0, line) for line in blanks)]


def _aligned(run: Sequence[Sequence[Line]]) -> list[tuple[float, Line | Table]]:
    """Return a run of rows as one table when its cells stand under each other, else as lines of text."""
    if len(run) < 2:
        return [
            (row[0].y0, replace(row[0], text="　".join(c.text for c in row), x1=row[-1].x1)) for row in run
        ]
    starts = sorted(cell.x0 for row in run for cell in row)
    places: list[tuple[float, float]] = []
    for cell in sorted((cell for row in run for cell in row), key=lambda one: one.x0):
        if places and cell.x0 < places[-1][1] - 1:
            places[-1] = (places[-1][0], max(places[-1][1], cell.x1))
        else:
            places.append((cell.x0, cell.x1))
    if len(places) < 2 or not starts:
        return [
            (row[0].y0, replace(row[0], text="　".join(c.text for c in row), x1=row[-1].x1)) for row in run
        ]
    table = []
    for row in run:
        cells = [""] * len(places)
        for cell in row:
            at = max(n for n, (left, _) in enumerate(places) if left <= cell.x0 + 1)
            cells[at] = f"{cells[at]} {cell.text.strip()}".strip()
        table.append(tuple(cells))
    return [(run[0][0].y0, Table(tuple(table)))]


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
    item = bool(_ITEM.match(block.text))
    if _ITEM.match(line.text):  # a wrapped line may begin with "(1)" too, but not after a full stop
        goes_on = short < 1.6 and not ended and not item
    elif shift > 0.6:
        goes_on = block.lines == 1 and item and shift < 6
    else:
        goes_on = shift > -0.6 or block.lines == 1
    return goes_on


def _continues_over(block: Block, line: Line, column: Column, indented: bool) -> bool:
    """Whether the first line of a column or page goes on with the last paragraph of the one before."""
    if (
        _ITEM.match(line.text)
        or line.text.startswith("\u3000")
        or (block.lines == 1 and _TERMINAL.search(block.text))
    ):
        return False
    if line.x0 - column.left > 0.6 * line.size:
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
