"""Lines of Japanese and Latin text -> headings, paragraphs and tables in Markdown, as the page meant them."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace

from corpus.extract.columns import columns_of
from corpus.extract.headings import SPEAKER, Block, with_headings, written
from corpus.extract.layout import Column, Line, Note, Page, Table
from corpus.extract.lines import compounds_of, join
from corpus.extract.unruled import ITEM

_TERMINAL = re.compile(r"[。．.！？!?」』）)：:]\s*$")
_CODE = re.compile(r"^[\"{}\[\]][ -~]*[,:{}\[\]]\s*$")  # a line of JSON ends where it ends
_SENTENCE = re.compile(r"[。．！？!?][」』）)]?\s*$")


def markdown(pages: Sequence[Page], outline: Mapping[str, int], title: str) -> str:
    """Return the text of pages whose running lines are gone already.

    ``outline`` maps the titles of the file's own outline, without white space, to levels from 1 up.
    """
    by_page = [list(columns_of(page)) for page in pages]
    columns = [column for found in by_page for column in found]
    body = _body_size(columns)
    compounds = compounds_of(line.text for line in _lines(columns))
    pile = _Pile(_indents(columns), compounds)
    for page, found in zip(pages, by_page, strict=True):
        asides = [column for column in found if column.aside]
        for column in found:
            if not column.aside:
                pile.add(column)
        for column in asides:
            beside = _Pile(pile.indented, compounds)
            beside.add(column)
            pile.later += beside.blocks
        pile.later += [_note(note) for note in page.notes]
    pile.rest()
    return "\n\n".join(written(with_headings(pile.blocks, outline, body), title))


class _Pile:
    """Blocks under way; what stands beside or below the text waits until the paragraph there has ended."""

    def __init__(self, indented: bool, compounds: Set[str]) -> None:
        self.indented, self.compounds = indented, compounds
        self.blocks: list[Block | Table] = []
        self.later: list[Block | Table] = []

    def add(self, column: Column) -> None:
        """Add the lines and tables of a column."""
        top = True  # of the column, where a table or a paragraph may go on
        for item in column.items:
            last = self.blocks[-1] if self.blocks else None
            if isinstance(item, Table):
                if top and isinstance(last, Table) and len(last.rows[0]) == len(item.rows[0]):
                    self.blocks[-1] = Table((*last.rows, *item.rows[_same(last, item) :]))
                else:
                    self.rest()
                    self.blocks.append(item)
            elif item.blank:
                if isinstance(last, Block) and not top:  # an empty line parts what stands around it
                    self.blocks[-1] = replace(last, last=replace(last.last, x1=-1.0))
                continue
            elif isinstance(last, Block) and _continues(last, item, column, self.indented, top):
                text = join([last.text, item.text], self.compounds)
                self.blocks[-1] = replace(last, text=text, last=item, lines=last.lines + 1)
            else:
                self.rest()
                self.blocks.append(Block(item.text.strip(" \u3000\xa0"), item, item))
            top = False

    def rest(self) -> None:
        """Put down what waits."""
        self.blocks += self.later
        self.later = []


def _same(last: Table, more: Table) -> int:
    """Return how many rows of a table's head are repeated where it goes on."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(last.rows, more.rows, strict=False))
    return min(sum(1 for _ in same), len(more.rows) - 1)


def _note(note: Note) -> Block:
    return Block(
        f"[^{note.label}]: {join([line.text for line in note.lines])}", note.lines[0], note.lines[-1], 9
    )


def _continues(block: Block, line: Line, column: Column, indented: bool, top: bool) -> bool:
    """Whether a line goes on with the paragraph before it."""
    last, size = block.last, max(line.size, 1.0)
    if last.x1 < 0 or line.inset or SPEAKER.match(line.text) or _CODE.search(last.text):
        return False
    if abs(line.size - last.size) > 0.08 * last.size or (line.bold != last.bold and block.lines == 1):
        return False
    if top or line.y0 < last.y0 - 2:  # the next column or page
        return _continues_over(block, line, column, indented)
    step, short = (line.y0 - last.y0) / column.pitch, (column.right - last.x1 - _word(line)) / size
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


def _word(line: Line) -> float:
    """Return the width of the Latin word that begins a line, with a space: it may not have fit in the line above."""
    found = re.match(r"[!-~]{2,}", line.text)
    return (len(found[0]) + 1) * (line.x1 - line.x0) / len(line.text) if found else 0.0


def _continues_over(block: Block, line: Line, column: Column, indented: bool) -> bool:
    """Whether the first line of a column or page goes on with the last paragraph of the one before."""
    last, at_edge = block.last, abs(line.x0 - column.left) < 0.3 * line.size
    full = _full(block) or (indented and at_edge and abs(column.right - last.x1) < 1.6 * last.size)
    if ITEM.match(line.text) or (block.lines == 1 and _TERMINAL.search(block.text) and not full):
        return False
    hanging = abs(line.x0 - last.x0) < 0.3 * line.size and full
    if line.x0 - column.left > 0.6 * line.size and not hanging:
        return False
    if _SENTENCE.search(block.text):
        return indented and last.x1 > 0 and at_edge and full
    return full or not _TERMINAL.search(block.text)


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
