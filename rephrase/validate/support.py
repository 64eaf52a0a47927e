"""Support: an answer is said in words of the passage."""

import re
import unicodedata

from corpus.document import Drop
from corpus.folding import folded
from rephrase.base import FORMATS
from rephrase.candidate import Candidate

NAME, VERSION = "support", 1

#: Characters of the pieces that are compared, and the share of an answer's that the passage must hold.
GRAM, SHARE = 4, 0.5
# Numbers with their units, and periods, are judged by value elsewhere; so they are not looked for as words.
_NUMBER = re.compile(
    r"(?:[0-9][0-9,.]*|[〇一二三四五六七八九十百千]+(?=[兆億万円株人名社件回倍割年月日]))\s*(?:[兆億万千百十]*(?:円|ドル|ユーロ|株|人|名|社|件|倍|回|%|パーセント|ポイント|割|分|年度?|月期?|日|期|四半期)?)"
    r"|(?:前|当|今|翌|同)(?:々?期|年度|年同期|連結会計年度|事業年度|四半期)(?:末|首)?"
)
_COURTESY = re.compile(r"^(?:はい|いいえ)[、。]?|(?:である|であった|です|でした|ます|ました)?。?$")
_CONTENT = re.compile(r"[^\u3041-\u309f]")  # a piece of hiragana alone says nothing
#: Pieces from which on the words beside a number are judged: fewer only wrap it up.
BESIDE = 24


def check(candidate: Candidate) -> Drop | None:
    """Refuse an answer of whose character 4-grams less than half stand in passage, context or title.

    Numbers and periods are left aside. What the answer repeats of its question says nothing either way and is left out of the count, and so are pieces
    of hiragana alone, and a few words around a number.
    """
    if FORMATS[candidate.style] == "markdown":
        return None
    chunk = candidate.chunk
    source = folded(f"{chunk.document.title}\n{chunk.context}\n{chunk.passage}")
    if folded(candidate.answer) in source:
        return None
    asked = folded(candidate.question)
    pieces = _NUMBER.split(_COURTESY.sub("", unicodedata.normalize("NFKC", candidate.answer.strip())))
    grams = [gram for piece in pieces for gram in _grams(folded(piece)) if gram not in asked]
    found = sum(gram in source for gram in grams)
    if found < SHARE * len(grams) and (len(pieces) == 1 or len(grams) >= BESIDE):
        return Drop("unsupported_answer", f"{found} of {len(grams)}")
    return None


def _grams(text: str) -> list[str]:
    size = min(GRAM, len(text))
    every = (text[at : at + size] for at in range(len(text) - size + 1 if size > 1 else 0))
    return [gram for gram in every if _CONTENT.search(gram)]
