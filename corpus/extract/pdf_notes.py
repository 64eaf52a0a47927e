"""Footnotes of PDF pages: which raised digits point at a note below, and the notes themselves, taken out of the text."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from corpus.extract.blocks import raised
from corpus.extract.layout import Line, Note, Page, joined_row, rows_of

#: What a backend puts around a small digit that stands raised: it may be a mark, an exponent, or nothing.
OPEN, CLOSE = "\x02", "\x03"

_RAISED = re.compile(rf"[(（]?{OPEN}([^{CLOSE}]*){CLOSE}[)）]?")
_BEGINS = re.compile(
    rf"^(?:{OPEN}\D{{0,2}}(\d{{1,3}})[)）]?{CLOSE}|[(（]?[注*＊※]?\s?(\d{{1,3}})[)）]|[注*＊※]\s?(\d{{1,3}})(?!\d)|(\d{{1,3}})(?=[ \u3000]+\D))[:：.．]?[ \u3000]*"
)
_SMALL = 0.93  # times the size of the text: a note is set in smaller letters


def with_notes(pages: Sequence[Page]) -> list[Page]:
    """Return the pages with marks as ``[^n]`` where the page has their note, and the notes apart from the lines.

    A note stands below all text of its page that it shares columns with, in smaller letters, and begins with a
    mark that is raised in the text. Other raised digits are exponents behind Latin letters and numbers, and go
    behind other words: no digit stays glued to a word. A label that came before gets the page's number behind it.
    """
    used: set[str] = set()
    found = []
    for number, page in enumerate(pages, 1):
        marks = {
            found[1].strip(" )）注*＊※")
            for line in (*page.lines, *page.words)
            for found in _RAISED.finditer(line.text)
            if found.start() or line in page.words
        }
        notes = list(_notes(page, marks)) if marks else []
        labels = {mark: mark if mark not in used else f"{mark}-{number}" for mark, _, _ in notes}
        used.update(labels.values())
        below = {line for _, _, lines in notes for line in lines}
        found.append(
            replace(
                page,
                lines=tuple(_marked(line, labels) for line in page.lines if line not in below),
                words=tuple(_marked(word, labels) for word in page.words),
                notes=tuple(
                    Note(labels[mark], tuple(_marked(line, labels) for line in shown))
                    for mark, shown, _ in notes
                ),
            )
        )
    return found


def _notes(page: Page, marks: set[str]) -> Iterator[tuple[str, list[Line], list[Line]]]:
    """Yield mark, lines without it, and all lines taken, of each note of a page."""
    lines = [line for line in page.lines if not line.blank and not line.turn]
    body = _size(lines)
    small = [row for row in rows_of(lines) if max(line.size for line in row) < _SMALL * body]
    open_: tuple[str, list[Line], list[Line]] | None = None
    for row in small:
        whole = joined_row(row)[0] if len(row) > 1 else row[0]
        begins = _BEGINS.match(whole.text)
        mark = next(filter(None, begins.groups()), "") if begins else ""
        if begins and mark in marks and not _text_below(whole, lines, body):
            if open_:
                yield open_
            open_ = mark, [replace(whole, text=whole.text[begins.end() :])], list(row)
        elif open_ and whole.y0 - open_[1][-1].y0 < 2.2 * whole.size:
            open_[1].append(whole)
            open_[2].extend(row)
    if open_:
        yield open_


def _size(lines: Sequence[Line]) -> float:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _text_below(note: Line, lines: Sequence[Line], body: float) -> bool:
    return any(
        line.y0 > note.y0 and line.size >= _SMALL * body and line.x0 < note.x1 and note.x0 < line.x1
        for line in lines
    )


def _marked(line: Line, labels: dict[str, str]) -> Line:
    if OPEN not in line.text:
        return line
    text, end = "", 0
    for found in _RAISED.finditer(line.text):
        text += line.text[end : found.start()]
        value = found[1].strip()
        label = labels.get(value.strip(" )）注*＊※"), "")
        end = found.end()
        if text.strip() and label:
            text += f"[^{label}]"
        else:
            text += raised(text, value) if text.strip() else value
    return replace(line, text=text + line.text[end:])
