"""Two sequences side by side: what stands in both in the same order."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

Pair = tuple[int, int]
_FEW = 500  # words that are compared each with each in no time


def aligned(first: Sequence[str], second: Sequence[str]) -> dict[int, int]:
    """Return the positions in ``first`` of what stands in ``second`` too, in the same order, with those there.

    Equal ends are matched first, then what occurs once in both (patience diff; words, then
    groups of words), then what lies between.
    """
    found: dict[int, int] = {}
    todo = [(0, len(first), 0, len(second))]
    while todo:
        a, a_end, b, b_end = todo.pop()
        while a < a_end and b < b_end and first[a] == second[b]:
            found[a] = b
            a, b = a + 1, b + 1
        while a < a_end and b < b_end and first[a_end - 1] == second[b_end - 1]:
            a_end, b_end = a_end - 1, b_end - 1
            found[a_end] = b_end
        if a == a_end or b == b_end:
            continue
        anchors: list[Pair] = []
        for width in (1, 2, 4) if a_end - a > _FEW else (1,):
            anchors = anchors or _anchors(_runs(first[a:a_end], width), _runs(second[b:b_end], width))
        if not anchors:
            matcher = SequenceMatcher(None, first[a:a_end], second[b:b_end], autojunk=False)
            for left, right, size in matcher.get_matching_blocks():
                found |= {a + left + n: b + right + n for n in range(size)}
            continue
        at = (a, b)
        for left, right in anchors:
            found[a + left] = b + right
            todo.append((at[0], a + left, at[1], b + right))
            at = (a + left + 1, b + right + 1)
        todo.append((at[0], a_end, at[1], b_end))
    return found


def _runs(words: Sequence[str], width: int) -> Sequence[str]:
    """Return each word with those after it: where no word occurs once, a few together do."""
    if width == 1:
        return words
    return ["\0".join(words[at : at + width]) for at in range(len(words))]


def _anchors(first: Sequence[str], second: Sequence[str]) -> list[Pair]:
    """Return the longest rising chain of what occurs once in both."""
    pairs = list(_unique(first, second))
    tails: list[int] = []  # the second position that ends the best chain of each length
    ends: list[int] = []  # and the pair it belongs to
    before: list[int] = []
    for at, (_, right) in enumerate(pairs):
        length = bisect_left(tails, right)
        before.append(ends[length - 1] if length else -1)
        tails[length : length + 1] = [right]
        ends[length : length + 1] = [at]
    chain = []
    at = ends[-1] if ends else -1
    while at >= 0:
        chain.append(pairs[at])
        at = before[at]
    return chain[::-1]


def _unique(first: Sequence[str], second: Sequence[str]) -> Iterator[Pair]:
    counts, others = Counter(first), Counter(second)
    where = {text: at for at, text in enumerate(second) if others[text] == 1}
    for at, text in enumerate(first):
        if counts[text] == 1 and text in where:
            yield at, where[text]
