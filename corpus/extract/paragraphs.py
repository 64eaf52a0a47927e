"""Lines of Japanese and Latin text -> headings, paragraphs and tables in Markdown, as the page meant them."""

import itertools
import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from corpus.extract.layout import Column, Line, Page, Table, gutter, joined_row, rows_of, upright
from corpus.extract.ruled import grids, table_of

_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff01-\uff60\u3000-\u30ff、。〜‥…※①-⑳Ⅰ-Ⅻ"
_TERMINAL = re.compile(r"[。．.！？!?」』）)：:]\s*$")
_SENTENCE = re.compile(r"[。．！？!?][」』）)]?\s*$")
_SPEAKER = re.compile(r"^[（(【\[〔](?:問|答)[）)】\]〕]")
_ITEM = re.compile(
    r"^(?:[・●○◆◇■□▪–•➢‣※＊]|[①-⑳]|[（(][0-9０-９一二三四五六七八九十ァ-ンa-z注]{1,3}[）)]|[0-9０-９]{1,2}[．.、)）]"
    r"|[ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ]{1,3}[．.、]|第[0-9０-９一二三四五六七八九十]{1,3}[章節条部]?[【\s　]|[（(]?注\s*[0-9０-９]*[）)．.]|[イロハニホヘト][．.、）)])"
)
_LEADERS = re.compile(r"(?:[…‥]{2,}|[・．.]{5,})[\s…‥・．.]*[0-9０-９ivx\-]*(?:巻末)?\s*$")
_NUMBERED = (
    re.compile(
        r"^(?:第[0-9０-９一二三四五六七八九十]{1,3}[部章]|[ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ]{1,3}[．.、]|第[0-9０-９]{1,2}【)"
    ),
    re.compile(r"^[0-9０-９]{1,2}(?:[．.、]\s*(?![0-9０-９])|【|[　 ]+(?=[^\d\s]))"),
    re.compile(r"^(?:[（(][0-9０-９]{1,2}[）)]|[0-9０-９]{1,2}[-－][0-9０-９]{1,2}[．.]?\s)"),
)
_VERTICAL_FORMS = str.maketrans(
    "︵︶︷︸︹︺︻︼︽︾︿﹀﹁﹂﹃﹄︑︒︓︔︕︖︙︰︱", "（）｛｝〔〕【】《》〈〉「」『』、。：；！？…‥ー"
)
_FIGURES = re.compile(r"[0-9０-９,.，．△▲()（）\[\]％%－―—\-+*※ ]+")
_FIGURE = re.compile(
    r"^[0-9０-９,.，．△▲+\-－＋%％]+(?:兆円|億円|百万円|千円|円|人|社|年|月|日|％|%|倍|か月)?$"
)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or heading under way: its text, its first and last line."""

    text: str
    first: Line
    last: Line
    lines: int = 1
    level: int = 0


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
    return "\n\n".join(_written(_with_headings(blocks, outline, body), title))


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
    both = [line for line in lines if line.x0 < at < line.x1]
    for part in _bands(lines, both):
        if part and part[0] in both:
            yield _column(_loose(part))
        else:
            for side in ([x for x in part if x.x1 <= at], [x for x in part if x.x0 >= at]):
                if side:
                    yield _column(_loose(side))
    for grid, table in tables:
        yield _column([(grid.rows[0], table)])


def _bands(lines: Sequence[Line], both: Sequence[Line]) -> Iterator[list[Line]]:
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


def join(parts: Sequence[str]) -> str:
    """Return broken lines as one text: a space between Latin words, none where Japanese was broken."""
    text = ""
    for part in parts:
        text = _glued(text, part)
    return text


def cell_text(rows: Sequence[Line], right: float) -> str:
    """Return the text of a table's cell that ends at ``right``: only lines that fill it were broken."""
    text, widest = "", max(row.x1 for row in rows)
    last: Line | None = None
    for row in rows:
        full = last is not None and widest - last.x1 < 1.3 * last.size and right - widest < 2.6 * last.size
        apart = last is not None and (not full or _apart(last.text, row.text))
        text = f"{text} {row.text.strip()}" if apart else _glued(text, row.text)
        last = row
    return text


def _apart(left: str, right: str) -> bool:
    """Whether two lines stand for themselves: joining would make one number, or one day, of two."""
    if _FIGURES.fullmatch(left.strip()) or _FIGURES.fullmatch(right.strip()):
        return True
    return bool(
        (re.search(r"[）)]\s*$", left) and re.match(r"\s*[（(]", right))
        or (
            re.search(r"[年月日]\s*$", left)
            and re.match(r"\s*(?:明治|大正|昭和|平成|令和|[0-9０-９]{4}年)", right)
        )
    )


def _glued(text: str, part: str) -> str:
    old, new = text.rstrip(" \xa0"), part.strip(" \u3000\xa0")
    if not old or not new:
        return old + new
    if re.search(r"[a-z]-$", old) and new[0].islower():
        return old[:-1] + new
    if re.search(f"[{_WIDE}]$", old) or re.match(f"[{_WIDE}]", new):
        return old + new
    return f"{old} {new}"


def repaired(text: str) -> str:
    """Return text with the signs that only PDF files hold put right: vertical forms and radicals as letters."""
    text = text.translate(_VERTICAL_FORMS)
    if any("\u2e80" <= sign <= "\u2fdf" for sign in text):
        text = "".join(unicodedata.normalize("NFKC", s) if "\u2e80" <= s <= "\u2fdf" else s for s in text)
    return text


def _continues(block: Block, line: Line, column: Column, indented: bool) -> bool:
    """Whether a line goes on with the paragraph before it."""
    last, size = block.last, max(line.size, 1.0)
    if last.x1 < 0 or line.inset or _SPEAKER.match(line.text):
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


def _with_headings(
    blocks: Sequence[Block | Table], outline: Mapping[str, int], body: float
) -> Iterator[Block | Table]:
    """Yield the blocks with levels: by the file's outline, else by size, else by numbering."""
    larger = sorted(
        {
            round(b.first.size)
            for b in blocks
            if isinstance(b, Block) and _short(b) and b.first.size > 1.12 * body
        },
        reverse=True,
    )
    bold = statistics.mean([b.first.bold for b in blocks if isinstance(b, Block)] or [0.0]) < 0.3
    for at, block in enumerate(blocks):
        if isinstance(block, Table) or not _short(block):
            yield block
            continue
        level = outline.get("".join(block.text.split()), 0)
        if not level and block.first.size > 1.12 * body:
            level = 1 + larger.index(round(block.first.size))
        elif not level and not outline and ((block.first.bold and bold) or _leads(blocks, at)):
            level = next((n for n, form in enumerate(_NUMBERED, start=1) if form.match(block.text)), 3)
        yield replace(block, level=min(level, 5))


def _short(block: Block) -> bool:
    return (
        block.lines <= 2
        and 1 < len(block.text) <= 60
        and not re.search(r"[。、，,]$", block.text)
        and not _SPEAKER.match(block.text)
        and not _FIGURE.match(block.text.strip())
    )


def _leads(blocks: Sequence[Block | Table], at: int) -> bool:
    """Whether a numbered short line stands over running text and not among others like it."""
    block = blocks[at]
    if not isinstance(block, Block) or block.lines > 1 or len(block.text) > 40:
        return False
    form = next((form for form in _NUMBERED if form.match(block.text)), None)
    after = blocks[at + 1] if at + 1 < len(blocks) else None
    if form is None or after is None:
        return False
    return isinstance(after, Table) or not form.match(after.text)


def _written(blocks: Iterator[Block | Table], title: str) -> Iterator[str]:
    yield f"# {title}"
    named = _squeezed(title)
    for number, block in enumerate(blocks):
        if isinstance(block, Table):
            rows = [list(row) for row in block.rows]
            yield from (part for part in table_markdown(rows).split("\n\n") if part)
        elif not block.text or (number < 4 and _squeezed(block.text) in named):
            continue
        elif block.level:
            yield f"{'#' * (block.level + 1)} {block.text}"
        elif found := _SPEAKER.match(block.text):
            yield found[0]
            if rest := block.text[found.end() :].strip(" \u3000"):
                yield rest
        else:
            yield block.text


def _squeezed(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def table_markdown(rows: list[list[str]]) -> str:
    """Return rows as a Markdown table without empty rows and columns."""
    used = [n for n in range(len(rows[0])) if any(row[n].strip() for row in rows)]
    kept = [[row[n].strip().replace("|", "\\|") for n in used] for row in rows if any(map(str.strip, row))]
    if not kept:
        return ""
    if len(used) == 1:
        return "\n\n".join(row[0] for row in kept)
    lines = ["| " + " | ".join(row) + " |" for row in kept]
    return "\n".join([lines[0], "|" + " --- |" * len(used), *lines[1:]])
