"""What an answer must pass before a judge sees it, as published and as it should be."""

import re
from typing import Literal

from eval.chat.languages import Detector, letters
from eval.chat.questions import ChatQuestion

Gate = Literal["", "empty", "language"]

OPENING = 20  # characters: all of an answer that the published gate looks at
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://[^\s、。)）]+", re.DOTALL)
_DATA = re.compile(r"[{\[][^{}\[\]]*[}\]]")
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
    passes whatever it is. Japanese may hold up to four Latin letters for each of its own, and needs kana where it is
    longer than a heading; English must have more letters than any Japanese around it.
    """
    if not answer.strip():
        return "empty"
    found = letters(_words(answer))
    if sum(found) < _FEW:
        return ""
    due = question.language(turn)
    if due == "ja":
        spoken = found.latin <= 4 * found.japanese and found.hangul <= found.japanese
        return "" if spoken and (found.kana >= 0.02 * found.kanji and found.kana > 0) else "language"
    if due == "en":
        return "" if found.latin >= found.japanese + found.hangul else "language"
    return ""


def _words(answer: str) -> str:
    text = _CODE.sub(" ", answer)
    while (shorter := _DATA.sub(" ", text)) != text:
        text = shorter
    return text
