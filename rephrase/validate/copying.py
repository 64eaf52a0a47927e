"""Copying: a question is no sentence of the source, a rephrasing is told in other words and loses no number."""

import re
import unicodedata
from math import ceil

from corpus.document import Drop
from corpus.folding import folded
from rephrase.base import FORMATS
from rephrase.candidate import Candidate
from rephrase.grounding.periods import periods
from rephrase.grounding.quantities import Quantity, quantities
from rephrase.sentences import sentences

NAME, VERSION = "copying", 1

#: Share of a text that may stand in the source in one piece.
SHARE = 0.9
_NUMBER = re.compile(r"\d(?:[\d,.]*\d)?")
# A question that names what may be the answer: どちら, or 増えましたか、減りましたか.
_OFFERS = re.compile(r"どちら|どれ|いずれ|どの|か[、。？?].*か|それとも|または|もしくは")
_ENDING = re.compile(r"(?:です|ます|でした|ました|でしょう|ません)?か?$")


def check(candidate: Candidate) -> Drop | None:
    """Refuse a question that is a piece of the passage but for its ending, or gives its answer away; and a mere copy.

    A copy is a rephrasing of which nine tenths stand in the passage, in one piece or sentence by sentence. It must keep every number of its passage, by value.
    """
    passage = folded(candidate.chunk.passage)
    if FORMATS[candidate.style] != "markdown":
        asked = folded(candidate.question)
        if (
            len(answer := folded(candidate.answer)) > 1
            and answer in asked
            and not _OFFERS.search(candidate.question)
        ):
            return Drop("answer_in_question", candidate.answer[:40])
        return Drop("copied_question") if _holds(passage, _ENDING.sub("", asked)) else None
    own = folded(candidate.answer)
    if _holds(passage, own) or _repeated(candidate.answer, passage) >= SHARE * len(own):
        return Drop("copied_passage")
    return _lost(candidate.chunk.passage, candidate.answer)


def _lost(passage: str, text: str) -> Drop | None:
    """Refuse a rephrasing without an amount of its passage; those that stand in it as they are need no reading."""
    if _numerals(passage) <= _numerals(text):
        return None
    kept = {(one.value, one.unit) for one in _amounts(text)}
    lost = [one.text for one in _amounts(passage) if (one.value, one.unit) not in kept]
    return Drop("number_lost", ", ".join(lost[:5])) if lost else None


def _numerals(text: str) -> set[str]:
    return {one.replace(",", "") for one in _NUMBER.findall(unicodedata.normalize("NFKC", text))}


def _amounts(text: str) -> list[Quantity]:
    return quantities(text, [(one.start, one.end) for one in periods(text)])


def _holds(passage: str, text: str) -> bool:
    """Return whether ``SHARE`` of a folded text stands in a passage in one piece."""
    size = ceil(SHARE * len(text))
    return any(text[at : at + size] in passage for at in range(len(text) - size + 1)) if text else False


def _repeated(text: str, passage: str) -> int:
    """Return how many folded characters of a text belong to sentences that stand in the passage as they are."""
    own = (folded(text[start:end]) for start, end in sentences(text))
    return sum(len(one) for one in own if one and one in passage)
