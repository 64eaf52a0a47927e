"""Which statement of a source a claim repeats: sentences and rows compared by their words, without days and numbers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from rephrase.candidate import Candidate
from rephrase.grounding.calendar import Period
from rephrase.grounding.names import Name
from rephrase.sentences import sentences

_LETTERS = re.compile(r"[^ぁ-んァ-ヶー一-鿿々〆A-Za-zＡ-Ｚａ-ｚ]+")
_AMOUNT = re.compile(r"[△▲\-－(（※\d０-９,，.． ]*[\d０-９][)）%％]?")
_FEWEST = 8  # pairs of letters that make a statement: 売上高 alone stands in every report
_ALIKE = 0.65  # share of the shorter one's pairs of letters that both have
_CLOSE = 0.1  # a statement that fits so much worse than the best is another one


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence or a row: characters [start, end) of its text, its pairs of letters, and the periods it names."""

    start: int
    end: int
    pairs: frozenset[str]
    periods: tuple[Period, ...]
    tells: bool  # no heading, and of tables only a row that tells what happened when
    once: bool = True  # whether it says all it says once: a question with its answer may not


def statements(
    text: str, stated: Sequence[Period], begin: int = 0, without: Sequence[Name] = ()
) -> tuple[Statement, ...]:
    """Return the sentences and table rows of text[begin:]; ``stated`` are the periods of the text in order.

    Their pairs of letters are compared without periods, and without the names ``without``.
    """
    found = []
    at = 0
    for first, last in sentences(text[begin:]):
        start, end = first + begin, last + begin
        inside = []
        while at < len(stated) and stated[at].start < end:
            if stated[at].start >= start:
                inside.append(stated[at])
            at += 1
        masked: list[Period | Name] = [*inside, *(name for name in without if start <= name.start < end)]
        found.append(
            Statement(start, end, pairs(text, start, end, masked), tuple(inside), _tells(text[start:end]))
        )
    return tuple(found)


def _tells(text: str) -> bool:
    """Whether a sentence or row says something itself: no heading, and no row of amounts."""
    if not text.startswith("|"):
        return not text.startswith("#")
    cells = text.strip(" |\n").split(" | ")
    return len(cells) in (2, 3) and not any(_AMOUNT.fullmatch(cell.strip()) for cell in cells)


def pairs(text: str, start: int, end: int, without: Sequence[Period | Name] = ()) -> frozenset[str]:
    """Return the pairs of neighboring letters in text[start:end] without some periods and names, digits and signs."""
    pieces, at = [], start
    for one in sorted(without, key=attrgetter("start")):
        pieces.append(text[at : max(one.start, at)])
        at = max(at, one.end)
    pieces.append(text[at:end])
    letters = _LETTERS.sub("", "".join(pieces))
    return frozenset(letters[n : n + 2] for n in range(len(letters) - 1))


def claimed(
    candidate: Candidate, named: Sequence[Period], without: Sequence[Name] = ()
) -> Iterator[Statement]:
    """Yield the statements of a claim: its sentences, and a question with its answer as one. ``named`` are its periods."""
    claim = candidate.claim
    found = statements(claim, named, 0, without)
    if candidate.question:
        everything = frozenset().union(*(one.pairs for one in found))
        yield Statement(0, len(claim), everything, tuple(named), tells=True, once=False)
    yield from found


def repeated(claim: Statement, ground: Sequence[Statement]) -> Iterator[Statement]:
    """Yield the statements that a claim may repeat: the most alike one and those hardly less alike; none if none is."""
    scores = [(_alike(claim.pairs, one.pairs), one) for one in ground]
    best = max((score for score, _ in scores), default=0.0)
    if best >= _ALIKE:
        yield from (one for score, one in scores if score >= max(best - _CLOSE, _ALIKE))


def _alike(claim: frozenset[str], ground: frozenset[str]) -> float:
    if len(ground) < _FEWEST:  # 大阪支社を開設: only word for word
        return float(len(ground) >= _FEWEST // 2 and ground <= claim)
    if len(claim) < _FEWEST:
        return 0.0
    return len(claim & ground) / min(len(claim), len(ground))
