"""The score in a judge's reply: a number, or which of two answers is better."""

import math
import re
from collections.abc import Callable
from typing import NamedTuple

# Section "judging" of pfmt-bench-fin-ja: the first of the former, else the first of the latter.
_DOUBLE = re.compile(r"\[\[(\d+\.?\d*)\]\]")
_SINGLE = re.compile(r"\[(\d+\.?\d*)\]")
_LETTERS = (("[[A]]", 1.0), ("[[B]]", 0.0), ("[[C]]", 0.5))  # in this order, as MT-bench reads them


def rating(text: str) -> float | None:
    """Return the number in the first ``[[n]]``, else in the first ``[n]``, whatever its range; None without any.

    So many digits that no number holds them are none.
    """
    found = _DOUBLE.search(text) or _SINGLE.search(text)
    score = float(found[1]) if found else math.inf
    return score if math.isfinite(score) else None


def preference(text: str) -> float | None:
    """Return 1 where a reply holds ``[[A]]`` (the first answer shown is better), else 0 for ``[[B]]``, else 0.5 for ``[[C]]``."""
    return next((score for mark, score in _LETTERS if mark in text), None)


class Scale(NamedTuple):
    """The lowest and the highest score that a judge may give, and how it is read in a reply."""

    low: float = 0.0
    high: float = 10.0
    read: Callable[[str], float | None] = rating


#: Of pfmt-bench-fin-ja and MT-bench: 1 to 10 are asked for, and 0 where there is no answer.
TEN = Scale()
#: Of two answers shown one after another.
PAIR = Scale(0.0, 1.0, preference)


def within(score: float | None, scale: Scale) -> float | None:
    """Return ``score`` where it lies within ``scale``, else None."""
    return score if score is not None and scale.low <= score <= scale.high else None
