"""Counts of many things in little memory, and what is told of how questions are spread."""

from collections import Counter
from collections.abc import Sequence
from math import erfc, exp, pi, sqrt
from typing import Any

import numpy as np

from rephrase.base import Question

_ROWS, _WIDTH = 4, 1 << 19


class Sketch:
    """Counts by 64-bit keys, never too low (count-min sketch, Cormode and Muthukrishnan 2005).

    Memory: 8 MiB. With probability 0.98 a count is too high by at most 5e-6 of all that was counted.
    """

    def __init__(self) -> None:
        self._table = np.zeros((_ROWS, _WIDTH), np.uint32)
        self._rows = np.arange(_ROWS)

    def count(self, key: int) -> int:
        """Return how often a key was added."""
        return int(self._table[self._rows, self._places(key)].min())

    def add(self, key: int) -> None:
        """Count a key once more; only its lowest counts rise, so that others are hardly touched."""
        places = self._places(key)
        counts = self._table[self._rows, places]
        self._table[self._rows, places] = np.where(counts == counts.min(), counts + 1, counts)

    def _places(self, key: int) -> list[int]:
        first, second = key & 0xFFFFFFFF, (key >> 32) | 1
        return [(first + row * second) % _WIDTH for row in range(_ROWS)]


class Balance:
    """How the questions that stayed are spread over styles, over places of the right choice, over lengths."""

    def __init__(self) -> None:
        self.styles: Counter[str] = Counter()
        self.places: Counter[int] = Counter()
        self.choices = 0
        self.longest = 0

    def add(self, question: Question) -> None:
        """Take in a question that stays."""
        self.styles[question.style] += 1
        if question.style == "multiple_choice":
            self.choose(question.choices, question.answer_index)

    def choose(self, choices: Sequence[str], right: int) -> None:
        """Take in the choices of a question; ``right`` is the place of the right one, from 0."""
        self.places[right] += 1
        self.choices = max(self.choices, len(choices))
        wrong = [len(one) for at, one in enumerate(choices) if at != right]
        self.longest += len(choices[right]) > max(wrong, default=0)

    def report(self) -> dict[str, Any]:
        """Return counts by style and place, the p-value of even places, the share of right choices that are longest.

        ``alarms`` names what is off: ``places`` when p is at most 0.01, ``longest`` when the share is over 0.30.
        """
        total = self.places.total()
        observed = [self.places[at] for at in range(self.choices)]
        p = even(observed)
        share = self.longest / total if total else 0.0
        alarms = [name for name, off in (("places", p <= 0.01), ("longest", share > 0.30)) if off]
        return {
            "styles": dict(sorted(self.styles.items())),
            "places": observed,
            "places_p": round(p, 6),
            "right_is_longest": round(share, 4),
            "alarms": alarms,
        }


def even(counts: list[int]) -> float:
    """Return the p-value of Pearson's chi-square test that all places are equally likely; 1 when there is no choice."""
    total = sum(counts)
    if len(counts) < 2 or not total:
        return 1.0
    mean = total / len(counts)
    return _tail(sum((one - mean) ** 2 for one in counts) / mean, len(counts) - 1)


def _tail(x: float, freedom: int) -> float:
    """Return P(chi-square with ``freedom`` degrees > x), by its recurrence in steps of two degrees."""
    half = x / 2
    p = erfc(sqrt(half)) if freedom % 2 else exp(-half)
    term = 2 * sqrt(half / pi) * exp(-half) if freedom % 2 else half * exp(-half)
    for degrees in range(3 if freedom % 2 else 4, freedom + 1, 2):
        p += term
        term *= half / (degrees / 2)
    return min(1.0, p)
