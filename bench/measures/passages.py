"""The passage that an item is asked about: lines around its evidence, with what a writer is told besides."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from corpus.document import Document, Span
from rephrase.candidate import Chunk

_HEADING = re.compile(r"(#+) (.*)")
_NUMBERED = re.compile(r"^(?:第?[\s\d０-９]+|[（(][^）)]*[）)]|[①-⑳])[\s　.．、]*|[【】]")
_SENTENCE = re.compile(r"(?:[^。\n]|。(?=[」』）)]))+(?:。|\n)?|。|\n")  # 「はい。」と述べた。 is one
BUDGET, LONGEST = (
    500,
    1_500,
)  # characters of a passage; beyond the second, evidence is too far apart to ask about


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence, or a line of a table, with its place in the text."""

    start: int
    end: int
    text: str

    @property
    def is_row(self) -> bool:
        return self.text.startswith("|")


class Passages:
    """A document cut into sentences and rows, from which passages are put together."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.pieces = list(_pieces(document.text))
        self._starts = [piece.start for piece in self.pieces]

    def at(self, place: int) -> int:
        """Return the number of the piece that holds a character."""
        return bisect_right(self._starts, place) - 1

    def piece(self, place: int) -> Piece:
        """Return the piece that holds a character."""
        return self.pieces[self.at(place)]

    def around(self, start: int, end: int) -> Chunk | None:
        """Return a chunk of whole pieces that holds [start, end), None if that is too long for one."""
        first, last = self.at(start), self.at(max(end - 1, start))
        if self.pieces[last].end - self.pieces[first].start > LONGEST:
            return None
        heading = _HEADING.match
        grown = True
        while grown:
            grown = False
            for step, edge in ((-1, first - 1), (1, last + 1)):
                if not 0 <= edge < len(self.pieces):
                    continue
                one = self.pieces[edge]
                size = self.pieces[last].end - self.pieces[first].start + len(one.text)
                if size <= BUDGET and not heading(one.text):
                    first, last = (edge, last) if step < 0 else (first, edge)
                    grown = True
        span = Span(self.document.id, self.pieces[first].start, self.pieces[last].end)
        context = [self._title, *self._headings(first), *self._head(first)]
        return Chunk(self.document, span, "\n".join(context))

    def heading(self, place: int) -> str:
        """Return the words of the nearest heading above a character, without number and brackets, "" for none."""
        found = self._headings(self.at(place))
        return _NUMBERED.sub("", found[-1]).strip() if found else ""

    @cached_property
    def _title(self) -> str:
        day = self.document.published_at or self.document.event_at
        return (
            f"{self.document.title}（{day.year}年{day.month}月{day.day}日）" if day else self.document.title
        )

    def _headings(self, first: int) -> list[str]:
        """Return the headings above a piece, outermost first."""
        found: list[str] = []
        depth = 7
        for number in range(first - 1, -1, -1):
            if (match := _HEADING.match(self.pieces[number].text)) and len(match[1]) < depth:
                depth = len(match[1])
                found.insert(0, match[2].strip())
        return found

    def _head(self, first: int) -> list[str]:
        """Return the rows above the figures of the table in which a passage begins, and the lines over that table."""
        if not self.pieces[first].is_row:
            return []
        top = first
        while top and self.pieces[top - 1].is_row:
            top -= 1
        head = [piece.text.rstrip() for piece in self.pieces[top : min(self._figures(top), first)]]
        over: list[str] = []
        for piece in reversed(self.pieces[max(top - 6, 0) : top]):
            if piece.is_row or _HEADING.match(piece.text) or len(piece.text) > 60 or "。" in piece.text:
                break
            if piece.text.strip():
                over.insert(0, piece.text.strip())
        return [*over[-3:], *head]

    def _figures(self, top: int) -> int:
        """Return the number of the first row of a table, behind its rule, that shows a fact."""
        shown = sorted(fact.start for fact in self.document.facts)
        number = top
        while number < len(self.pieces) and self.pieces[number].is_row:
            piece = self.pieces[number]
            if number > top + 1 and bisect_right(shown, piece.end - 1) > bisect_right(shown, piece.start - 1):
                return number
            number += 1
        return min(top + 2, number)


def _pieces(text: str) -> Iterator[Piece]:
    """Yield sentences and rows, which joined together are the text."""
    at = 0
    for line in text.splitlines(keepends=True):
        if line.startswith(("|", "#")):
            yield Piece(at, at + len(line), line)
            at += len(line)
            continue
        for match in _SENTENCE.finditer(line):
            yield Piece(at, at + len(match[0]), match[0])
            at += len(match[0])
