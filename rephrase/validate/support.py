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
# Numbers with their units are judged by value elsewhere; so they are not looked for as words.
_NUMBER = re.compile(
    r"(?:[0-9][0-9,.]*|[〇一二三四五六七八九十百千]+(?=[兆億万円株人名社件回倍割年月日]))\s*(?:[兆億万千百十]*(?:円|ドル|ユーロ|株|人|名|社|件|倍|回|%|パーセント|ポイント|割|分|年度?|月期?|日|期|四半期)?)"
)
_COURTESY = re.compile(r"^(?:はい|いいえ)[、。]?|(?:です|でした|ます|ました|である|であった)。?$")


def check(candidate: Candidate) -> Drop | None:
    """Refuse an answer of whose character 4-grams less than half stand in passage or context, numbers aside.

    What the answer repeats of its question says nothing either way and is left out of the count.
    """
    if FORMATS[candidate.style] == "markdown":
        return None
    source = folded(f"{candidate.chunk.context}\n{candidate.chunk.passage}")
    if folded(candidate.answer) in source:
        return None
    asked = folded(candidate.question)
    found = total = 0
    for piece in _NUMBER.split(_COURTESY.sub("", unicodedata.normalize("NFKC", candidate.answer.strip()))):
        own = folded(piece)
        size = min(GRAM, len(own))
        for at in range(len(own) - size + 1 if size > 1 else 0):
            if (gram := own[at : at + size]) not in asked:
                total += 1
                found += gram in source
    if found < SHARE * total:
        return Drop("unsupported_answer", f"{found} of {total}")
    return None
