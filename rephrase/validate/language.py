"""Language: questions in Japanese."""

import re

from corpus.document import Drop
from rephrase.candidate import Candidate

_JAPANESE = re.compile(r"[぀-ヿ㐀-鿿々〆ー]")
_LETTER = re.compile(r"[^\W\d_]")


NAME, VERSION = "language", 1


def check(candidate: Candidate) -> Drop | None:
    """Refuse a question of whose letters less than half are kana or kanji."""
    letters = len(_LETTER.findall(candidate.question))
    japanese = len(_JAPANESE.findall(candidate.question))
    if japanese * 2 < max(letters, 1):
        return Drop("not_japanese", f"{japanese} of {letters} letters")
    return None
