"""One walk over the displayed XHTML of a filing: Markdown in reading order, each tagged stretch located."""

import re
from dataclasses import dataclass, field

from corpus.extract.marks import (
    BREAK,
    CLOSE,
    DIGITS,
    EDGE,
    GONE,
    LINE_END,
    MARK,
    NUMBERED,
    OPEN,
    VALUES,
    folded,
    joined,
    raised,
    spaced,
)
from corpus.extract.places import Place, places
from corpus.extract.styles import settle
from corpus.extract.tables import Element, grid, local, plain, render, resolved

_BLOCKS = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote body caption center dd div dl dt fieldset figure footer form header hr "
        "html main nav p pre section table tbody td tfoot th thead tr",
    )
)
_SKIPPED = frozenset(
    re.findall(r"\w+", "head hidden img link meta object references resources rp rt script style svg title")
)
_HEADINGS = {f"h{depth}": depth for depth in range(1, 7)}
_SMALL = ("sup", "sub", "footnote")  # what is printed smaller never continues the number beside it
_APART = (*_SMALL, "apart")

_PAGE_NUMBER = re.compile(r"[－\-–―─] ?[0-9０-９]{1,4} ?[－\-–―─]")
_BRACKETED = re.compile(r"([^【】\s]{0,6})[ \u3000]*【[^【】]{1,50}】")
_ENUMERATED = re.compile(r"[・•●◦○■□◆◇※①-⑳ⅰ-ⅿ(（]|[0-9０-９]{1,3}[.．)）、](?![0-9０-９])")
_DEPTHS = (
    (2, re.compile("第[一二三四五]部$")),
    (3, re.compile("第[0-9０-９一二三四五六七八九十]+$")),
    (4, re.compile("[0-9０-９]+[.．]?$")),
    (5, re.compile("[(（][0-9０-９]+[)）]$")),
    (6, re.compile("[①-⑳]$")),
)


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tagged element with the characters [start, end) of the text that display it; ``file`` numbers its file."""

    element: Element
    file: int
    start: int
    end: int
    place: Place | None = None


@dataclass(slots=True)
class Text:
    """The text of several files as it grows: blocks with marks in them, and what the marks stand for."""

    blocks: list[str] = field(default_factory=list)
    marked: list[tuple[Element, int]] = field(default_factory=list)
    places: dict[int, Place] = field(default_factory=dict)
    tables: int = 0
    files: int = 0
    depth: int = 0  # of the last heading that tells its own

    def add(self, root: Element) -> None:
        """Append what the body of one XHTML file displays; changes the tree (``styles.settle``)."""
        settle(root)
        writer = Writer(self)
        writer.walk(root)
        writer.flush()
        self.blocks += writer.blocks
        self.files += 1

    def finish(self) -> tuple[str, list[Tagged]]:
        """Return the Markdown and every tagged stretch of it, in the order of the text."""
        pieces: list[str] = []
        open_marks: list[tuple[int, int]] = []
        found: list[Tagged] = []
        source, at, end = joined(self.blocks), 0, 0
        for mark in MARK.finditer(source):
            pieces.append(source[at : mark.start()].translate(GONE))
            end, at = end + len(pieces[-1]), mark.end()
            if mark[1]:
                open_marks.append((int(mark[1].translate(VALUES)), end))
                continue
            number, start = open_marks.pop()
            element, file = self.marked[number]
            found.append(Tagged(element, file, start, end, self.places.get(number)))
        pieces.append(source[at:].translate(GONE))
        text = "".join(pieces)
        trimmed = (_trimmed(text, one) for one in found)
        return text, sorted((one for one in trimmed if one), key=lambda one: (one.start, -one.end))


def _trimmed(text: str, tagged: Tagged) -> Tagged | None:
    inner = text[tagged.start : tagged.end]
    start = tagged.start + len(inner) - len(inner.lstrip())
    end = start + len(inner.strip())
    return Tagged(tagged.element, tagged.file, start, end, tagged.place) if start < end else None


class Writer:
    """Walks elements and writes Markdown blocks."""

    def __init__(self, text: Text, *, in_cell: bool = False) -> None:
        self.text, self.in_cell = text, in_cell
        self.blocks: list[str] = []
        self.inline: list[str] = []

    def walk(self, element: Element) -> None:
        """Write the children of ``element`` and the text between them."""
        self.inline.append(element.text or "")
        for child in element:
            name = local(child)
            if name and name not in _SKIPPED:
                self._element(child, name)
            self.inline.append(child.tail or "")

    def _element(self, element: Element, name: str) -> None:
        if name == "br":
            self.inline.append(BREAK)
        elif name in _HEADINGS and not self.in_cell:
            self._heading(element, _HEADINGS[name])
        elif name == "table" and not self.in_cell:
            self._table(element)
        elif name in ("ul", "ol") and not self.in_cell:
            self._listing(element, numbered=name == "ol")
        elif name in _BLOCKS or name in _HEADINGS or name in ("ul", "ol", "li"):
            self.flush()
            self.walk(element)
            self.flush()
        elif name == "nonfraction" and not any(True for _ in element.iter("{*}td", "{*}li")):
            self._number(element)
        elif name == "nonfraction" or is_text_block(element):
            self.inline.append(self._open(element))
            self.walk(element)
            self.inline.append(CLOSE)
        elif name in _APART:
            edge = EDGE if name in _SMALL else f" {EDGE} "
            self.inline.append(edge)
            self._small(element, name)
            self.inline.append(edge)
        else:
            self.walk(element)

    def _small(self, element: Element, name: str) -> None:
        """Write what stands apart from the text around it; the number of a note, or an exponent, stays raised."""
        held, start = self.inline, len(self.inline)
        self.walk(element)
        if name == "sup" and self.inline is held:  # else a block in it has ended the paragraph
            held[start:] = [raised("".join(held[start:]))]

    def _number(self, element: Element) -> None:
        """Write a tagged number as one, however it is laid out; notes printed small inside stand beside it."""
        before: list[str] = []
        digits: list[str] = []
        after: list[str] = []
        self._digits(element, before, digits, after)
        self.inline += [*before, *digits, *after]

    def _digits(self, element: Element, before: list[str], digits: list[str], after: list[str]) -> None:
        tagged = local(element) == "nonfraction"
        digits.append(self._open(element) if tagged else "")
        digits.append(LINE_END.sub("", element.text or ""))
        for child in element:
            name = local(child)
            if name in _SMALL:
                outer, self.inline = self.inline, []
                self._small(child, name)
                note, self.inline = f"{EDGE}{''.join(self.inline)}{EDGE}", outer
                (after if plain("".join(digits)).strip() else before).append(note)
            elif name and name not in _SKIPPED:
                self._digits(child, before, digits, after)
            digits.append(LINE_END.sub("", child.tail or ""))
        digits.append(CLOSE if tagged else "")

    def _open(self, element: Element) -> str:
        self.text.marked.append((element, self.text.files))
        return OPEN + str(len(self.text.marked) - 1).translate(DIGITS) + NUMBERED

    def flush(self) -> None:
        """End the paragraph at hand."""
        lines = folded("".join(self.inline))
        self.inline = []
        text = "\n".join(lines)
        shown = plain(text)
        if _PAGE_NUMBER.fullmatch(shown) and not self._shows_number(text):
            text = "".join(mark[0] for mark in MARK.finditer(text))
        elif len(lines) == 1 and not self.in_cell and (depth := self._bracket_depth(shown)):
            text = f"{'#' * depth} {text}"
        if text:
            self.blocks.append(text)

    def _shows_number(self, text: str) -> bool:
        marks = (int(mark[1].translate(VALUES)) for mark in MARK.finditer(text) if mark[1])
        return any(local(self.text.marked[number][0]) == "nonfraction" for number in marks)

    def _bracket_depth(self, line: str) -> int:
        """Return the depth of a paragraph that is a heading by its 【】 alone, else 0."""
        found = _BRACKETED.fullmatch(line)
        if not found:
            return 0
        for depth, pattern in _DEPTHS:
            if pattern.match(found[1]):
                self.text.depth = depth - 1
                return depth - 1
        return 0 if found[1] else min(self.text.depth + 1, 6)

    def _heading(self, element: Element, depth: int) -> None:
        self.flush()
        text = self._line(element)
        self.text.depth = depth
        if plain(text).strip():
            text = f"{'#' * depth} {text}"
        if text:
            self.blocks.append(text)

    def _line(self, element: Element) -> str:
        """Return all that an element displays on one line."""
        inner = Writer(self.text, in_cell=True)
        inner.walk(element)
        inner.flush()
        return spaced(inner.blocks)

    def _listing(self, element: Element, *, numbered: bool) -> None:
        self.flush()
        first = re.match(r"\d{1,6}", element.get("start", "")) if numbered else None
        lines, number = [], int(first[0]) - 1 if first else 0
        for child in element:
            if not local(child):
                continue
            inner = Writer(self.text)
            inner.walk(child)
            inner.flush()
            text = "\n".join(inner.blocks)
            number += 1
            own = _ENUMERATED.match(plain(text))
            marker = "" if own and numbered else f"{number}. " if numbered else "" if own else "- "
            if text:
                lines.append(marker + text.replace("\n", "\n" + " " * len(marker)))
        if lines:
            self.blocks.append("\n".join(lines))

    def _table(self, table: Element) -> None:
        self.flush()
        for caption in table.iterchildren("{*}caption", "caption"):
            self.walk(caption)
            self.flush()
        cells = grid(table)
        tops = [cell.top for cell in cells]
        if len(set(tops)) == len(tops) or _frames(
            table, tops
        ):  # never two cells in a row, or tables in the cells
            for cell in cells:
                self.walk(cell.element)
                self.flush()
            return
        rows = resolved({cell: self._line(cell.element) for cell in cells})
        self.text.tables += 1
        self.text.places.update(places(rows, _numbers(rows), self.text.tables))
        for part in render(rows).split("\n\n"):
            depth = 0 if part.startswith("|") else self._bracket_depth(plain(part))
            self.blocks += [f"{'#' * depth} {part}" if depth else part] if part else []


def _frames(table: Element, tops: list[int]) -> bool:
    """Whether a table sets other tables side by side: one row of cells, and tables with rows of their own in it."""
    return len(set(tops)) == 1 and any(
        sum(1 for _ in zip(range(2), inner.iter("{*}tr", "tr"), strict=False)) > 1
        for inner in table.iter("{*}table", "table")
        if inner is not table
    )


def is_text_block(element: Element) -> bool:
    """Whether an inline element is a text block or the continuation of one."""
    if local(element) == "continuation":
        return True
    return local(element) == "nonnumeric" and element.get("name", "").endswith("TextBlock")


def _numbers(rows: list[list[str]]) -> dict[tuple[int, int], list[int]]:
    """Return the marks that open in each cell of a table, by row and column."""
    found = {
        (y, x): [int(mark[1].translate(VALUES)) for mark in MARK.finditer(cell) if mark[1]]
        for y, row in enumerate(rows)
        for x, cell in enumerate(row)
    }
    return {where: numbers for where, numbers in found.items() if numbers}
