"""Counts the kinds of characters of a text in one pass."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_HIRAGANA = re.compile("[\u3041-\u309f]")
_KATAKANA = re.compile("[\u30a1-\u30ff\uff66-\uff9f]")
_KANJI = re.compile("[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LIMIT = 0x40000  # what is beyond is no letter, digit or sign
_LETTER = 8  # added to the kind of what Unicode calls a letter, or a number that is no decimal digit


class Counts(NamedTuple):
    """How many characters of a text are of which kind.

    ``katakana`` are full and half width, with their marks; ``kanji`` has 々 and 〇 too; ``others`` are letters of
    other scripts, ``digits`` numbers of any form and width, ``signs`` punctuation and symbols, ``spaces`` the rest.
    ``letters`` counts what Unicode calls letters, most of the kana and kanji among them.
    """

    spaces: int
    hiragana: int
    katakana: int
    kanji: int
    others: int
    digits: int
    signs: int
    letters: int

    @property
    def visible(self) -> int:
        """All characters but white space and control characters."""
        return self.hiragana + self.katakana + self.kanji + self.others + self.digits + self.signs


def counts(text: str) -> Counts:
    """Return how many characters of ``text`` are of which kind; about 4 ns a character."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    found = np.bincount(np.take(_kinds(), codes, mode="clip"), minlength=2 * _LETTER).tolist()
    spaces, hiragana, katakana, kanji, others, digits, signs = (
        found[at] + found[at + _LETTER] for at in range(7)
    )
    return Counts(spaces, hiragana, katakana, kanji, others, digits, signs, sum(found[_LETTER:]))


@lru_cache(maxsize=1)
def _kinds() -> NDArray[np.uint8]:
    return np.array([_kind(chr(code)) for code in range(_LIMIT)], np.uint8)


def _kind(character: str) -> int:
    letter = _LETTER if character.isalnum() and not character.isdecimal() else 0
    for kind, pattern in ((1, _HIRAGANA), (2, _KATAKANA), (3, _KANJI)):
        if pattern.match(character):
            return kind + letter
    if character.isnumeric():
        return 5 + letter
    if character.isalnum():
        return 4 + letter
    return 0 if character.isspace() or unicodedata.category(character)[0] == "C" else 6
