"""Cuts a Japanese document into chunks that a generator can read whole, never dropping a character."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from corpus.document import Document, Drop, Span
from datacards.errors import UserError
from rephrase.base import Style
from rephrase.candidate import Chunk
from rephrase.outline import Outline, Piece, outline
from rephrase.prompts.marks import mark
from rephrase.sentences import cut

#: Raise when documents may be cut otherwise than before.
VERSION = 1
Count = Callable[[Sequence[str]], list[int]]
_TITLE, _PATH, _ROW = 80, 100, 300  # characters of a line of context
# What says something: a sentence with its full stop (nouns end some: 子会社化を実施。), a line that ends with a verb or
# the copula, a number after a particle that marks of what it is.
_PREDICATE = re.compile(
    r"[^\n。|]{6}[。！？]|(?:ます|です|[しれっ]た|する|いる|ある|れる|ない)[ 　]*$|[はがを][^\n|]*[0-9０-９]",
    re.MULTILINE,
)
_SAYS = re.compile(r"^\|[^|\n]*[^\W\d_][^|\n]*\|.*\d", re.MULTILINE)
_BARE = re.compile(r"[\s|#*-]+")  # white space and the signs of Markdown are no content


def chunks(document: Document, count: Count, target: int = 520, limit: int = 700) -> Iterator[Chunk]:
    """Yield the chunks of a document: about ``target`` tokens, never more than ``limit``, context and passage together.

    ``count`` gives the tokens of each of several texts, without special tokens; it is called once with all sentences
    and lines of context, and again only where something longer than a chunk must be cut. Tokens of a chunk are the sum
    over its pieces. The spans joined are the text but for white space between them. A heading, the unit and the head of
    a table stay with what follows; where a table goes on in the next chunk, that has them in its context.
    """
    if not 32 <= target <= limit:
        raise UserError("chunk", f"target = {target}, limit = {limit}", "32 <= target <= limit")
    made = outline(document.text)
    if made.pieces:
        yield from _Packing(document, made, count, target, limit).chunks()


class _Packing:
    """The pieces of one document with their tokens, and the lines of context with theirs."""

    def __init__(self, document: Document, made: Outline, count: Count, target: int, limit: int) -> None:
        self.document, self.target, self.limit = document, target, limit
        self.tables = made.tables
        day = document.event_at or document.published_at
        self.title = _line(document.title, _TITLE)
        self.day = f"{day.year}年{day.month}月{day.day}日" if day else ""
        self.paths = [self._path(path) for path in made.paths]
        lines = {self.title, self.day, *self.paths}
        lines |= {_line(one, _ROW) for table in made.tables for one in (*table.rows, table.unit)}
        ordered = sorted(lines)
        texts = [document.text[one.start : one.end] for one in made.pieces]
        counted = count([mark(one) for one in (*texts, *(f"{line}\n" for line in ordered))])
        self.tokens = dict(zip(ordered, counted[len(texts) :], strict=True))
        self.pieces, sizes = self._fitting(made.pieces, counted[: len(texts)], count)
        self.total = list(accumulate(sizes, initial=0))
        self.sections = [at for at, one in enumerate(self.pieces) if one.section]

    def _path(self, path: tuple[str, ...]) -> str:
        """Return the headings above in one line, without the title, which has a line of its own."""
        names = [name for name in path if name.strip() != self.title]
        while len(names) > 1 and len(" > ".join(names)) > _PATH:
            del names[0]
        return _line(" > ".join(names), _PATH)

    def _fitting(self, pieces: list[Piece], sizes: list[int], count: Count) -> tuple[list[Piece], list[int]]:
        """Return the pieces with each that is too long in parts, and their tokens."""
        room = self.limit - self.limit // 3
        text = self.document.text
        while any(size > room and one.end - one.start > 1 for one, size in zip(pieces, sizes, strict=True)):
            parts = [
                [one] if size <= room else self._parts(one, size, room)
                for one, size in zip(pieces, sizes, strict=True)
            ]
            asked = (mark(text[one.start : one.end]) for part in parts if len(part) > 1 for one in part)
            counted = iter(count(list(asked)))
            sizes = [
                size if len(part) == 1 else next(counted)
                for part, size in zip(parts, sizes, strict=True)
                for _ in part
            ]
            pieces = [one for part in parts for one in part]
        return pieces, sizes

    def _parts(self, one: Piece, size: int, room: int) -> list[Piece]:
        length = one.end - one.start
        most = max(1, min(length - 1, int(length * room / size * 0.9)))
        return [one._replace(start=a, end=b) for a, b in cut(self.document.text, one.start, one.end, most)]

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks in order."""
        start, last = 0, len(self.pieces)
        while start < last:
            context, used = self._context(self.pieces[start])
            stop = self._stop(start, self.target - used, self.limit - used)
            first, end = self.pieces[start].start, self.pieces[stop - 1].end
            said = self.document.text[first:end]
            first, end = first + len(said) - len(said.lstrip()), end - len(said) + len(said.rstrip())
            if said.strip():
                yield Chunk(self.document, Span(self.document.id, first, end), context)
            start = stop

    def _stop(self, start: int, target: int, limit: int) -> int:
        """Return the piece before which the chunk that begins with ``start`` ends."""
        base, last = self.total[start], len(self.pieces)
        if self.total[last] - base <= limit:
            return last
        most = max(start + 1, bisect_right(self.total, base + limit) - 1)
        near = min(most, max(start + 1, bisect_right(self.total, base + target) - 1))
        half = bisect_left(self.total, base + target // 2)
        # A section that ends between half and all of the target ends the chunk, else one that ends up to the limit.
        begin, end = bisect_right(self.sections, max(start, half - 1)), bisect_right(self.sections, most)
        ends = self.sections[begin:end]
        before = bisect_right(ends, near)
        stop = ends[before - 1] if before else ends[0] if ends else near
        while stop - 1 > start and self.pieces[stop - 1].leads:
            stop -= 1
        return near if stop - 1 == start and self.pieces[start].leads else stop

    def _context(self, piece: Piece) -> tuple[str, int]:
        """Return the lines that tell what stands above a piece, and their tokens: at most a third of the limit."""
        path, unit, rows = self.paths[piece.path], "", []
        if piece.table >= 0:
            head = self.tables[piece.table]
            unit, rows = (
                _line(head.unit, _ROW),
                [] if piece.leads else [_line(row, _ROW) for row in head.rows],
            )
        chosen, used = set(), 0
        for line in (self.title, unit, *rows, path, self.day):  # the most telling first
            if line and line not in chosen and used + self.tokens[line] <= self.limit // 3:
                chosen.add(line)
                used += self.tokens[line]
        lines = dict.fromkeys((self.title, self.day, path, unit, *rows))
        return "\n".join(line for line in lines if line in chosen), used


def _line(text: str, most: int) -> str:
    """Return a text as one line of at most ``most`` characters, cut at a safe place."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    first, last = next(cut(line, 0, len(line), most - 1))
    return f"{line[first:last].rstrip()}…"


def too_short(chunk: Chunk, style: Style) -> Drop | None:
    """Return why a chunk is too little for a style, or None.

    Choices want 120 characters or two facts, all else 60 characters that say something: a predicate, a fact, or a row
    of a table with a name and a number.
    """
    said = len(_BARE.sub("", chunk.passage))
    if style == "multiple_choice":
        return None if said >= 120 or _facts(chunk) >= 2 else Drop("too_short", f"{said} characters")
    if said < 60:
        return Drop("too_short", f"{said} characters")
    says = _PREDICATE.search(chunk.passage) or _SAYS.search(chunk.passage) or _facts(chunk)
    return None if says else Drop("no_predicate", f"{said} characters")


def _facts(chunk: Chunk) -> int:
    """Return how many facts the span displays."""
    return sum(chunk.span.start <= one.start and one.end <= chunk.span.end for one in chunk.document.facts)
