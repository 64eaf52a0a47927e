"""Where a document shows its facts: what a step must not touch."""

from bisect import bisect_left
from collections.abc import Iterable

from corpus.document import Fact


class Shown:
    """The characters that show facts; asking for a span takes the logarithm of their number."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted((fact.start, fact.end) for fact in facts):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(end, self._ends[-1])
            else:
                self._starts.append(start)
                self._ends.append(end)

    def touches(self, start: int, end: int) -> bool:
        """Return whether a fact is shown by one of the characters [start, end)."""
        before = bisect_left(self._starts, end) - 1
        return before >= 0 and self._ends[before] > start
