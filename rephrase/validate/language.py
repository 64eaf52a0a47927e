"""Language: Japanese, without the letters of its neighbors, but for names that the passage itself shows."""

import re
from functools import lru_cache

from corpus.document import Drop
from rephrase.candidate import Candidate

NAME, VERSION = "language", 3

#: The least share of kana, kanji and digits among all letters and digits.
SHARE = 0.6

_JAPANESE = re.compile(r"[ぁ-ゖゝ-ヿㇰ-ㇿｦ-ﾟ一-鿿㐀-䶿々〆〇\U00020000-\U0003134f\d]")
_LETTER = re.compile(r"[^\W_]")
_LATIN = re.compile(r"[A-Za-zＡ-Ｚａ-ｚÀ-ɏ][A-Za-zＡ-Ｚａ-ｚÀ-ɏ0-9&.'’-]*")
_IS_LATIN = re.compile(rf"\s*(?:{_LATIN.pattern}[\s,;:/()]*)+[。.]?\s*")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff]")
_SHORT = 12  # letters: a shorter answer, a name or a code, is judged with its question


def check(candidate: Candidate) -> Drop | None:
    """Refuse texts that are not Japanese for the most part, and hangul or simplified characters not in the passage.

    A Latin word of the passage or its context is a name and counts as no letter at all.
    """
    shown = f"{candidate.chunk.context}\n{candidate.chunk.passage}\n{candidate.chunk.document.title}"
    whole = "\n".join((candidate.question, candidate.answer, *candidate.wrong))
    foreign = set(_HANGUL.findall(whole)) | (set(whole) & simplified())
    if foreign := {one for one in foreign if one not in shown}:
        return Drop("foreign_character", "".join(sorted(foreign)[:10]))
    if _IS_LATIN.fullmatch(candidate.answer):  # choices between English names are in English
        whole = f"{candidate.question}\n{candidate.answer}"
    for text in (candidate.question, candidate.answer, whole):
        own = _LATIN.sub(lambda word: "" if word[0] in shown else word[0], text)
        letters, japanese = len(_LETTER.findall(own)), len(_JAPANESE.findall(own))
        if japanese < SHARE * letters and (text is not candidate.answer or letters >= _SHORT):
            return Drop("not_japanese", f"{japanese} of {letters} letters")
    return None


@lru_cache(maxsize=1)
def simplified() -> frozenset[str]:
    """Return the ideographs of GB 2312 that Japanese code page 932 has not: those that only China writes today."""
    rows = b"".join(bytes((row, cell)) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF))
    chinese = rows.decode("gb2312", "ignore")
    return frozenset(chinese) - frozenset(chinese.encode("cp932", "ignore").decode("cp932"))
