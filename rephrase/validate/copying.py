"""Copying: a question is no sentence of the source, a rephrasing is told in other words and loses no number."""

import re
from math import ceil

from corpus.document import Drop
from corpus.folding import folded
from rephrase.base import FORMATS
from rephrase.candidate import Candidate
from rephrase.chunk import sentences
from rephrase.grounding.quantities import values

NAME, VERSION = "copying", 1

#: Share of a text that may stand in the source in one piece.
SHARE = 0.9
_ENDING = re.compile(r"(?:です|ます|でした|ました|でしょう|ません)?か?$")


def check(candidate: Candidate) -> Drop | None:
    """Refuse a question that is a piece of the passage but for its ending, and a rephrasing that mostly repeats it.

    A rephrasing must also keep every number of its passage, by value.
    """
    passage = folded(candidate.chunk.passage)
    if FORMATS[candidate.style] != "markdown":
        asked = _ENDING.sub("", folded(candidate.question.strip().splitlines()[-1]))
        return Drop("copied_question") if _holds(passage, asked) else None
    own = folded(candidate.answer)
    if _holds(passage, own) or _repeated(candidate.answer, passage) >= SHARE * len(own):
        return Drop("copied_passage")
    if lost := values(candidate.chunk.passage) - values(candidate.answer):
        return Drop("number_lost", ", ".join(f"{number:f}" for number in sorted(lost)[:5]))
    return None


def _holds(passage: str, text: str) -> bool:
    """Return whether ``SHARE`` of a folded text stands in a passage in one piece."""
    size = ceil(SHARE * len(text))
    return any(text[at : at + size] in passage for at in range(len(text) - size + 1)) if text else False


def _repeated(text: str, passage: str) -> int:
    """Return how many folded characters of a text belong to sentences that stand in the passage as they are."""
    own = (folded(text[start:end]) for start, end in sentences(text))
    return sum(len(one) for one in own if one and one in passage)
