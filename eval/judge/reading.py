"""The score in a judge's reply."""

import re
from typing import NamedTuple

# Section "judging" of pfmt-bench-fin-ja: the first of the former, else the first of the latter.
_DOUBLE = re.compile(r"\[\[(\d+\.?\d*)\]\]")
_SINGLE = re.compile(r"\[(\d+\.?\d*)\]")


class Scale(NamedTuple):
    """The lowest and the highest score that a judge may give."""

    low: float = 0.0
    high: float = 10.0


#: Of pfmt-bench-fin-ja and MT-bench: 1 to 10 are asked for, and 0 where there is no answer.
TEN = Scale()


def rating(text: str) -> float | None:
    """Return the number in the first ``[[n]]``, else in the first ``[n]``, whatever its range; None without any."""
    found = _DOUBLE.search(text) or _SINGLE.search(text)
    return float(found[1]) if found else None


def within(score: float | None, scale: Scale) -> float | None:
    """Return ``score`` where it lies within ``scale``, else None."""
    return score if score is not None and scale.low <= score <= scale.high else None
