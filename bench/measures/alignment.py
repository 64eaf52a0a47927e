"""Two texts of one thing, sign against sign: how much of the truth came, in which order, with which words cut.

Signs are compared after NFKC and without white space and Markdown's marks, so that a plain text and a Markdown one
are judged alike. A sign of ours answers for one sign of the truth at most; moved stretches are found too, so that
what is missing (``char_f1``) and what is misplaced (``order_errors``) are two figures.
"""

import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_MARKUP = re.compile(
    r"^\|(?: --- \|)+$|^#{1,6} |(?<!\\)\||\\(?=\|)|\*\*|^(?:-|\*) |\[\^(?=[^\]]+\])|(?<=\[\^\d)\]:?|(?<=\[\^\d\d)\]:?|<br>",
    re.MULTILINE,
)
_WORD = re.compile(r"[A-Za-z]{2,}|\d(?:[\d,.]*\d)|[一-鿿々〆ヵヶ]{2,}|[ァ-ヺー]{2,}")
_NUMBER = re.compile(r"\d(?:[\d,.]*\d)")
_NEAR = 3_000  # signs from where it was expected: a short stretch farther off is another one that looks alike


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs of a text, and which of them stand after white space or markup."""

    text: str
    cut: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How a text answers the truth: counts, so that several can be added up."""

    truth: int = 0
    ours: int = 0
    same: int = 0
    pairs: int = 0
    turned: int = 0
    words: int = 0
    broken: int = 0
    numbers: int = 0
    false: int = 0

    def __add__(self, other: "Likeness") -> "Likeness":
        return Likeness(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def char_f1(self) -> float:
        """Signs that answer each other, to the mean number of signs."""
        return 2 * self.same / max(self.truth + self.ours, 1)

    @property
    def order_errors(self) -> float:
        """Share of pieces that stand before the piece which they follow in the truth."""
        return self.turned / max(self.pairs, 1)

    @property
    def broken_words(self) -> float:
        """Share of the truth's words that are cut by white space, markup or other text."""
        return self.broken / max(self.words, 1)

    @property
    def false_numbers(self) -> float:
        """Share of our numbers that the truth does not know."""
        return self.false / max(self.numbers, 1)

    def figures(self) -> dict[str, float]:
        """Return the four shares by name."""
        return {
            name: round(getattr(self, name), 5)
            for name in ("char_f1", "order_errors", "broken_words", "false_numbers")
        }


def signs(text: str) -> Signs:
    """Return the signs of a text; NFKC is applied sign by sign."""
    text = _MARKUP.sub(lambda found: "\n" if found[0].endswith("|") else "\u200b", text)
    kept: list[str] = []
    cut: list[bool] = []
    after = True
    for sign in text:
        if sign.isspace() or sign in "\u200b\ufeff\u00ad":
            after = after or sign != "\u200b"
            continue
        folded = "".join(unicodedata.normalize("NFKC", sign).split())
        kept.append(folded)
        cut += [after, *[False] * (len(folded) - 1)][: len(folded)]
        after = after and not folded
    return Signs("".join(kept), tuple(cut))


def likeness(groups: Sequence[Sequence[str]], ours: str, *, whole: bool) -> Likeness:
    """Compare ``ours`` with a truth of pieces (paragraphs, cells) in groups.

    Order is judged inside a group. With ``whole`` all of ours counts; without, only the stretches between the
    first and the last sign that a group answers, as when the truth covers parts of a text.
    """
    pieces = [(number, signs(piece)) for number, group in enumerate(groups) for piece in group]
    own = signs(ours)
    places = aligned("".join(piece.text for _, piece in pieces), own.text)
    stretches: dict[int, list[int]] = defaultdict(list)
    pairs = turned = words = broken = at = 0
    before: tuple[int, int] | None = None
    for number, piece in pieces:
        here = places[at : at + len(piece.text)]
        at += len(piece.text)
        found = [place for place in here if place >= 0]
        stretches[number] += found
        for match in _WORD.finditer(piece.text):
            span = here[match.start() : match.end()]
            if min(span) < 0 or any(piece.cut[match.start() + 1 : match.end()]):
                continue
            words += 1
            broken += any(b != a + 1 or own.cut[b] for a, b in itertools.pairwise(span))
        if len(found) * 5 < len(here) * 4 or not found:
            continue
        middle = sorted(found)[len(found) // 2]
        if before and before[0] == number:
            pairs += 1
            turned += middle < before[1]
        before = (number, middle)
    covered = [True] * len(own.text) if whole else _covered(stretches.values(), len(own.text))
    known = {found for _, piece in pieces for found in _numbers(piece)}
    numbers = [found for found, start in _numbers_at(own) if covered[start]]
    return Likeness(
        truth=len(places),
        ours=sum(covered),
        same=sum(place >= 0 for place in places),
        pairs=pairs,
        turned=turned,
        words=words,
        broken=broken,
        numbers=len(numbers),
        false=sum(found not in known for found in numbers),
    )


def _covered(stretches: Iterable[list[int]], length: int) -> list[bool]:
    """Return which signs lie in a stretch; signs far from the bulk of their group do not widen it."""
    covered = [False] * length
    for found in stretches:
        places = sorted(found)
        start = 0
        for end in range(1, len(places) + 1):
            if end == len(places) or places[end] - places[end - 1] > 200:
                if end - start >= 20 or end - start > len(places) / 2:
                    covered[places[start] : places[end - 1] + 1] = [True] * (
                        places[end - 1] + 1 - places[start]
                    )
                start = end
    return covered


def _numbers_at(text: Signs) -> Iterable[tuple[str, int]]:
    for found in _NUMBER.finditer(text.text):
        start = found.start()
        for at in range(found.start() + 1, found.end()):
            if text.cut[at]:
                if at - start > 1:
                    yield text.text[start:at].strip(",."), start
                start = at
        if found.end() - start > 1:
            yield text.text[start : found.end()].strip(",."), start


def _numbers(text: Signs) -> Iterable[str]:
    return (found for found, _ in _numbers_at(text))


@dataclass(frozen=True, slots=True)
class _Sides:
    """Two texts under way: the places found so far, and which signs of ours are free."""

    truth: str
    ours: str
    places: list[int]
    free: list[bool]


def aligned(truth: str, ours: str) -> list[int]:
    """Return for each sign of the truth the place of the sign of ours that answers it, or -1.

    Long common stretches come first, wherever they stand; shorter ones and what lies between them only near the
    place where their neighbors are.
    """
    sides = _Sides(truth, ours, [-1] * len(truth), [True] * len(ours))
    for size, far in ((32, len(ours)), (12, len(ours)), (6, _NEAR), (4, _NEAR // 3)):
        _by_stretches(sides, size, far)
        _between(sides)
    _by_stretches(sides, 2, 200)
    return sides.places


def _by_stretches(sides: _Sides, size: int, far: int) -> None:
    truth, ours, places, free = sides.truth, sides.ours, sides.places, sides.free
    index: dict[str, list[int]] = defaultdict(list)
    for at in range(len(ours) - size + 1):
        if free[at]:
            index[ours[at : at + size]].append(at)
    at, expected = 0, 0
    while at <= len(truth) - size:
        if places[at] >= 0:
            expected = places[at] + 1
            at += 1
            continue
        best, length = -1, 0
        for place in sorted(index.get(truth[at : at + size], ()), key=lambda one: abs(one - expected))[:50]:
            if abs(place - expected) > far:
                break
            run = _run(sides, at, place)
            if run > length + 2 * (best >= 0):
                best, length = place, run
        if length < size:
            at += 1
            continue
        for step in range(length):
            places[at + step] = best + step
            free[best + step] = False
        at, expected = at + length, best + length


def _run(sides: _Sides, at: int, place: int) -> int:
    truth, ours, places, free = sides.truth, sides.ours, sides.places, sides.free
    length = 0
    while (
        at + length < len(truth)
        and place + length < len(ours)
        and free[place + length]
        and places[at + length] < 0
        and truth[at + length] == ours[place + length]
    ):
        length += 1
    return length


def _between(sides: _Sides) -> None:
    """Align what stands between two neighbors that are found close to each other."""
    truth, ours, places, free = sides.truth, sides.ours, sides.places, sides.free
    at = 0
    while at < len(truth):
        if places[at] >= 0:
            at += 1
            continue
        end = at
        while end < len(truth) and places[end] < 0:
            end += 1
        left = places[at - 1] if at else -1
        right = places[end] if end < len(truth) else len(ours)
        if left < right and right - left <= 2 * (end - at) + 60 and end - at < 2_000:
            window = [place for place in range(left + 1, right) if free[place]]
            matcher = SequenceMatcher(None, truth[at:end], "".join(ours[p] for p in window), autojunk=False)
            for one, other, length in matcher.get_matching_blocks():
                for step in range(length):
                    places[at + one + step] = window[other + step]
                    free[window[other + step]] = False
        at = end
