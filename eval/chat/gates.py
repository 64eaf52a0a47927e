"""What an answer must pass before a judge sees it, as published and as it should be."""

import re
from typing import Literal

from eval.chat.languages import Detector, letters
from eval.chat.questions import ChatQuestion

Gate = Literal["", "empty", "language"]

OPENING = 20  # characters: all of an answer that the published gate looks at
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://[^\s、。)）]+", re.DOTALL)
_DATA = re.compile(r"[{\[][^{}\[\]]*[}\]]")
_CHINESE = frozenset(
    "们們这這为对對个從从还沒过說说于业务產产资财經经價价风險险汇额營营债净润"
)  # as no Japanese text has them
_FEW = 12  # letters: less than this is too little to tell a language by


def official(question: ChatQuestion, turn: int, answer: str, detector: Detector) -> Gate:
    """Return the gate that ``answer`` fails as published, '' where it goes to the judge.

    Outside of translation the language is told from the first line of the first twenty characters; in translation from
    the whole answer, against the language that the turn is due in.
    """
    text = answer.strip()
    if not text:
        return "empty"
    if question.category == "translation":
        told, due = detector.detect(text.replace("\n", " ")), question.language(turn)
    else:
        told, due = detector.detect(text[:OPENING].split("\n")[0]), "ja"
    return "" if told == due else "language"


def corrected(question: ChatQuestion, turn: int, answer: str) -> Gate:
    """Return the gate that ``answer`` fails when all of it is looked at, '' where it goes to the judge.

    Code, data in brackets and addresses belong to no language and are left out, and so little as a number or a name
    passes whatever it is. Japanese may hold up to four Latin letters for each of its own; where it lacks kana, as lists of
    amounts do, it must not be Chinese. English must have more letters than any Japanese around it.
    """
    if not answer.strip():
        return "empty"
    words = _words(answer)
    found = letters(words)
    if sum(found) < _FEW:
        return ""
    due = question.language(turn)
    if due == "ja":
        spoken = found.latin <= 4 * found.japanese and found.hangul <= found.japanese
        chinese = found.kana < 0.02 * found.kanji and _chinese(words) >= 0.03 * found.kanji
        return "language" if chinese or not spoken else ""
    if due == "en":
        return "" if found.latin >= found.japanese + found.hangul else "language"
    return ""


def _chinese(text: str) -> int:
    return sum(sign in _CHINESE for sign in text)


def _words(answer: str) -> str:
    text = _CODE.sub(" ", answer)
    while (shorter := _DATA.sub(" ", text)) != text:
        text = shorter
    return text
