"""Cuts a Japanese document into passages of whole sentences, never dropping a character."""

import re
from collections.abc import Iterator

from corpus.document import Document, Span

# A sentence ends after 。！？ and the closing brackets behind it, or at a line break.
_SENTENCE = re.compile(r"[^。！？\n]*(?:[。！？]+[」』）)】]*|\n+|$)")
_OPEN, _CLOSE = "「『（(【", "」』）)】"


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield [start, end) of every sentence; joined together they are the text.

    An end mark inside brackets ends no sentence: 「はい。」と述べた。 is one.
    """
    start, depth = 0, 0
    for match in _SENTENCE.finditer(text):
        if match.end() == match.start():
            continue
        piece = match.group()
        said = piece.rstrip(_CLOSE)
        inside = depth + _depth(said)
        depth = inside + _depth(piece[len(said) :])
        # A bracket that is never closed must not swallow the document: a line break always ends a sentence.
        if inside <= 0 or piece.endswith("\n"):
            yield start, match.end()
            start, depth = match.end(), 0
    if start < len(text):
        yield start, len(text)


def _depth(piece: str) -> int:
    return sum(piece.count(c) for c in _OPEN) - sum(piece.count(c) for c in _CLOSE)


def passages(document: Document, characters: int) -> Iterator[Span]:
    """Yield spans of at most ``characters`` code points that end with a sentence and together cover the text.

    A single sentence that is longer is cut where the budget ends.
    """
    start = end = 0
    for _, last in sentences(document.text):
        if last - start > characters and end > start:
            yield Span(document.id, start, end)
            start = end
        while last - start > characters:
            yield Span(document.id, start, start + characters)
            start += characters
        end = last
    if end > start:
        yield Span(document.id, start, end)
