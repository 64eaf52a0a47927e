"""The passage that an item is asked about: the chunk of the rephrasing stage that holds its evidence."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpus.document import Document
from rephrase.candidate import Chunk
from rephrase.chunk import chunks

_HEADING = re.compile(r"(#+) (.*)")
_NUMBERED = re.compile(r"^(?:第?[\s\d０-９]+|[（(][^）)]*[）)]|[①-⑳])[\s　.．、]*|[【】]")
_SENTENCE = re.compile(r"(?:[^。\n]|。(?=[」』）)]))+(?:。|\n)?|。|\n")  # 「はい。」と述べた。 is one


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
    """A document in its chunks (one token a character), and in sentences and rows."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.pieces = list(_pieces(document.text))
        self._starts = [piece.start for piece in self.pieces]
        self.chunks = list(chunks(document, _lengths))
        self._begin = [chunk.span.start for chunk in self.chunks]

    def at(self, place: int) -> int:
        """Return the number of the piece that holds a character."""
        return bisect_right(self._starts, place) - 1

    def piece(self, place: int) -> Piece:
        """Return the piece that holds a character."""
        return self.pieces[self.at(place)]

    def around(self, start: int, end: int) -> Chunk | None:
        """Return the chunk that holds [start, end), None where they are cut apart."""
        number = bisect_right(self._begin, start) - 1
        chunk = self.chunks[number] if number >= 0 else None
        return chunk if chunk and end <= chunk.span.end else None

    def heading(self, place: int) -> str:
        """Return the words of the nearest heading above a character, without number and brackets, "" for none."""
        found = self._headings(self.at(place))
        return _NUMBERED.sub("", found[-1]).strip() if found else ""

    def column(self, place: int, number: int) -> str:
        """Return the lowest words over a column of the table in which a character stands."""
        row = self.at(place)
        top = row
        while top and self.pieces[top - 1].is_row:
            top -= 1
        shown = sorted(fact.start for fact in self.document.facts)
        head = ""
        for piece in self.pieces[top:row]:
            if bisect_right(shown, piece.end - 1) > bisect_right(shown, piece.start - 1):
                break
            cells = piece.text.split("|")
            if number < len(cells) and cells[number].strip(" -"):
                head = cells[number].strip()
        return head

    def _headings(self, first: int) -> list[str]:
        """Return the headings above a piece, outermost first."""
        found: list[str] = []
        depth = 7
        for number in range(first - 1, -1, -1):
            if (match := _HEADING.match(self.pieces[number].text)) and len(match[1]) < depth:
                depth = len(match[1])
                found.insert(0, match[2].strip())
        return found


def _lengths(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


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
