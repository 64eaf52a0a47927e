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

NAME, VERSION = "copying", 2

#: Share of a text that may stand in the source in one piece.
SHARE = 0.9
_SPACE = re.compile(r"[\s,]")
_POLITE = re.compile(r"(?:です|でした|である|であった)?[。.]?$")
_NUMBER = re.compile(r"\d(?:[\d,.]*\d)?")
# A question that names what may be the answer: どちら, or 増えましたか、減りましたか.
_OFFERS = re.compile(r"どちら|どれ|いずれ|どの|か[、。？?].*か|それとも|または|もしくは")
_GAP = re.compile(r"空欄|[＿_]{2,}|[（(【\[][\s　?？]*[）)】\]]|〔[\s　]*〕")
_ASKS_VALUE = re.compile(
    r"(?:何\w{0,4}|いくら|いくつ|いつ|どれ|どこ|だれ|誰|どのくらい|どれくらい|どの程度)$"
)
_ENDING = re.compile(r"(?:です|ます|でした|ました|でしょう|ません)?か?$")


def check(candidate: Candidate) -> Drop | None:
    """Refuse a question that is a piece of the passage but for its ending, or gives its answer away; and a mere copy.

    A copy is a rephrasing of which nine tenths stand in the passage, in one piece or sentence by sentence. It must keep every number of its passage, by value.
    """
    passage = folded(candidate.chunk.passage)
    if FORMATS[candidate.style] != "markdown":
        return _given(candidate.question, candidate.answer, passage)
    own = folded(candidate.answer)
    if _holds(passage, own) or _repeated(candidate.answer, passage) >= SHARE * len(own):
        return Drop("copied_passage")
    return _lost(candidate.chunk.passage, candidate.answer)


def _given(question: str, answer: str, passage: str) -> Drop | None:
    """Refuse a question that gives its answer away or is a piece of the passage; one with a gap has to be."""
    if _GAP.search(question):
        return None
    asked, said = folded(question), folded(answer)
    if len(said) > 1 and said in asked and _stands(answer, question) and not _OFFERS.search(question):
        return Drop("answer_in_question", answer[:40])
    own = _ENDING.sub("", asked)
    # What asks for a value (は何％, はいくら) in the place of the source's is no copy, however long its topic.
    copied = own in passage if _ASKS_VALUE.search(own) else _holds(passage, own)
    return Drop("copied_question") if copied else None


def _stands(answer: str, question: str) -> bool:
    """Return whether an answer with a number stands in a question with its point and sign: 2.5％ does not in 2025年3月."""
    said, asked = (_SPACE.sub("", unicodedata.normalize("NFKC", text)) for text in (answer, question))
    if not any(map(str.isdecimal, said)):
        return True
    said = _POLITE.sub("", said)
    return re.search(rf"(?<![\d.,]){re.escape(said)}(?![\d.]*\d)", asked) is not None


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
