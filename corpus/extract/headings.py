"""Paragraphs and tables of a PDF file -> Markdown: which lines are headings, and of what level."""

import re
import statistics
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from corpus.extract.layout import Line, Table
from corpus.extract.tables import render

SPEAKER = re.compile(r"^[（(【\[〔](?:問|答)[）)】\]〕]")
_NUMBERED = (
    re.compile(
        r"^(?:第[0-9０-９一二三四五六七八九十]{1,3}[部章]|[ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ]{1,3}[．.、]|第[0-9０-９]{1,2}【)"
    ),
    re.compile(r"^[0-9０-９]{1,2}(?:[．.、]\s*(?![0-9０-９])|【|[　 ]+(?=[^\d\s]))"),
    re.compile(r"^(?:[（(][0-9０-９]{1,2}[）)]|[0-9０-９]{1,2}[-－][0-9０-９]{1,2}[．.]?\s)"),
)
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


def with_headings(
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
        and not SPEAKER.match(block.text)
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


def written(blocks: Iterator[Block | Table], title: str) -> Iterator[str]:
    """Yield the Markdown of blocks under their title; lines that only repeat the title are left out."""
    yield f"# {title}"
    named = _squeezed(title)
    for number, block in enumerate(blocks):
        if isinstance(block, Table):
            yield from _table(block)
        elif not block.text or (number < 4 and _squeezed(block.text) in named):
            continue
        elif block.level:
            yield f"{'#' * (block.level + 1)} {block.text}"
        elif found := SPEAKER.match(block.text):
            yield found[0]
            if rest := block.text[found.end() :].strip(" \u3000"):
                yield rest
        else:
            yield block.text


def _squeezed(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def _table(table: Table) -> Iterator[str]:
    """Yield a table without its empty rows and columns, and what stands above it."""
    used = [n for n in range(len(table.rows[0])) if any(row[n].strip() for row in table.rows)]
    kept = [[row[n].strip() for n in used] for row in table.rows if any(map(str.strip, row))]
    yield from (part for part in render(kept).split("\n\n") if part)
