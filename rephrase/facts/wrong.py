"""Wrong choices: answers that are true elsewhere, of the size of the right one, and surely wrong here."""

import bisect
import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from corpus.document import Document
from rephrase.facts.claim import Claim, Option, folded, number
from rephrase.facts.companies import core
from rephrase.facts.terms import Alike

CHOICES = 4
_POOL = 1000  # answers kept of a group
_NEAR = 40  # neighbors in size among which is drawn
_ALIKE = 5
_LONG, _EVEN = 12, 2.8  # signs of a choice that may be at most so many times as long as another


def size(option: Option | Claim) -> float:
    """Return what orders choices: the value of a number, the length of a text."""
    return float(option.value) if option.value is not None else len(option.answer)


class Pools:
    """Keeps the answers of every group and license: at most 1,000 of each, drawn by their hashes.

    Memory grows with the number of different answers up to that bound, about 600 bytes each with the rights of
    its document.
    """

    def __init__(self) -> None:
        self._heaps: defaultdict[tuple[tuple[str, ...], str], list[tuple[int, str]]] = defaultdict(list)
        self._options: defaultdict[tuple[tuple[str, ...], str], dict[str, Option]] = defaultdict(dict)
        self._sorted: dict[tuple[tuple[str, ...], str], tuple[list[float], list[Option]]] = {}

    def add(self, claim: Claim, lean: Document, identity: str) -> None:
        """Offer the answer of a claim; ``lean`` is its document without text, ``identity`` that one's id."""
        group = claim.group, lean.license
        options, heap = self._options[group], self._heaps[group]
        if claim.answer in options:
            return
        drawn = -number(claim.answer)
        if len(heap) >= _POOL:
            if drawn <= heap[0][0]:
                return
            del options[heapq.heapreplace(heap, (drawn, claim.answer))[1]]
        else:
            heapq.heappush(heap, (drawn, claim.answer))
        options[claim.answer] = claim.option(lean)._replace(id=identity)

    def near(self, claim: Claim, license_: str, chance: random.Random) -> Iterator[Option]:
        """Yield options of the group of a claim, the nearest in size first; among equals chance decides."""
        group = claim.group, license_
        if group not in self._sorted:
            options = sorted(
                self._options.get(group, {}).values(), key=lambda one: (size(one), number(one.answer))
            )
            self._sorted[group] = [size(one) for one in options], options
        sizes, options = self._sorted[group]
        at = size(claim)
        right = chance.randint(bisect.bisect_left(sizes, at), bisect.bisect_right(sizes, at))
        left = right - 1
        while left >= 0 or right < len(options):
            if left < 0 or (right < len(options) and sizes[right] - at <= at - sizes[left]):
                yield options[right]
                right += 1
            else:
                yield options[left]
                left -= 1


def lean(document: Document) -> Document:
    """Return a document without its text and facts: what a question takes over from the one of a wrong choice."""
    return replace(document, text="", facts=(), meta={}, made_from=())


class Fitting:
    """Says whether another answer is surely wrong for a claim, and no odd one out.

    Of amounts any other number is wrong, since a claim names its period, scope and company: but not the next one,
    which could be the same rounded otherwise. Names of companies are wrong where every list tells another industry,
    terms where neither page nor head noun has to do with the right one.
    """

    def __init__(self, claim: Claim, document: Document, contested: Callable[[str], bool]) -> None:
        self._claim, self._text, self._contested = claim, document.text, contested
        self._said, self._core = folded(claim.answer), core(claim.subject)
        self._alike = Alike(claim) if claim.group[0] == "term" else None

    def __call__(self, option: Option) -> bool:
        """Judge one choice."""
        claim = self._claim
        if option.folded_answer == self._said:
            return False
        if self._alike:
            return option.answer not in self._text and not self._alike(option)
        if claim.kind == "code":
            return option.answer.isdigit() == claim.answer.isdigit()
        if claim.kind in ("from_industry", "from_market"):
            return not self._may_be_of_it(option)
        if claim.kind in ("industry", "code_industry"):
            return not overlap(option.answer, claim.answer)
        return option.value is None or claim.value is None or abs(option.value - claim.value) > 1

    def _may_be_of_it(self, option: Option) -> bool:
        """Say whether a company may be of the industry that is asked for, as any list tells."""
        if any(overlap(one, other) for one in option.apart for other in self._claim.apart):
            return True
        told = f"company|{core(option.subject)}|{self._claim.kind.removeprefix('from_')}"
        return core(option.subject) == self._core or self._contested(told)


def alike(claim: Claim, option: Option) -> bool:
    """Say whether an amount is within a factor of five of the one that is asked for."""
    if not option.value or not claim.value:
        return False
    return (
        claim.value / _ALIKE <= option.value <= claim.value * _ALIKE if claim.value > 0 else option.value < 0
    )


def overlap(one: str, other: str) -> bool:
    """Say whether two names of industries may be one, told by different lists: 情報・通信 and 情報・通信業."""
    one, other = (folded(name).removesuffix("業") for name in (one, other))
    return one in other or other in one


def picked(
    claim: Claim, own: Sequence[Option], others: Iterable[Option], chance: random.Random
) -> list[Option]:
    """Return three wrong choices in the order of chance, fewer where there are no more.

    How many of them are smaller than the answer is drawn, so that its size tells nothing. Of ``own`` one comes first
    on either side, and the rest last; between them stand those of ``others`` that come first.
    """
    seen = {folded(claim.answer)}
    first, last = (_sides(claim, options, seen, chance) for options in (own, others))
    smaller, larger = (one[:1] + other + one[1:] for one, other in zip(first, last, strict=True))
    fewer = chance.randrange(CHOICES)
    found: list[Option] = []
    for side, most in ((smaller, fewer), (larger, CHOICES - 1), (smaller, CHOICES - 1)):
        for option in side:
            if len(found) >= most:
                break
            if option not in found and _beside(claim, option, found):
                found.append(option)
    chance.shuffle(found)
    return found


def _beside(claim: Claim, option: Option, found: list[Option]) -> bool:
    """Say whether a choice may stand with the others: of one length by and large, and none part of another.

    One that holds another would be true where that is; the longest by far catches the eye.
    """
    if option.value is not None:
        return True
    texts = [claim.answer, *(one.answer for one in found)]
    lengths = sorted((*map(len, texts), len(option.answer)))
    if lengths[-1] >= _LONG and lengths[-1] > _EVEN * lengths[0]:
        return False
    said = folded(option.answer)
    return not any(said in other or other in said for other in map(folded, texts))


def _sides(
    claim: Claim, options: Iterable[Option], seen: set[str], chance: random.Random
) -> tuple[list[Option], list[Option]]:
    """Return the first options that differ, those not larger than the answer and those larger, each shuffled."""
    sides: tuple[list[Option], list[Option]] = [], []
    for option in options:
        said = option.folded_answer or folded(option.answer)
        if said not in seen:
            seen.add(said)
            sides[size(option) > size(claim)].append(option)
        if len(sides[0]) + len(sides[1]) == _NEAR:
            break
    for side in sides:
        chance.shuffle(side)
    return sides
