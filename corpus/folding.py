"""Texts as comparisons across sources see them: letters and digits alone, each knowing where it came from."""

import unicodedata
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]
Places = NDArray[np.int64]

_LIMIT = 0x32400  # beyond the last assigned ideograph stand only tags, variation selectors and private use
_SEVERAL = np.uint32(1 << 31)  # from here on: the number of an entry in the table of expansions
_VOICED, _HALF_VOICED = np.uint32((1 << 31) - 1), np.uint32((1 << 31) - 2)
_MARKS = {"\u3099": _VOICED, "\u309a": _HALF_VOICED}
_KANA = range(0x3041, 0x3100)
_SHORT = 1000  # characters; of what is longer none is kept in memory


class Folded(NamedTuple):
    """The kept characters of a text as code points, and the position in the text that each came from."""

    codes: Codes
    places: Places

    def text(self, start: int, end: int) -> str:
        """Return the folded characters [start, end) as a string."""
        return self.codes[max(0, start) : max(0, end)].astype("<u4").tobytes().decode("utf-32-le")


class _Tables(NamedTuple):
    """What every code point becomes: itself folded, nothing (0), a mark on the kana before it, or several."""

    single: Codes
    several: tuple[Codes, ...]
    voiced: Codes
    half_voiced: Codes


def fold(text: str) -> Folded:
    """Return the letters and digits of ``text``: NFKC character by character, lower case, accents taken off.

    White space, punctuation, symbols and marks go, so that neither the width, the spacing, the punctuation nor
    the ruling of a table tells two texts apart. A voicing mark of its own joins the kana before it, as in NFKC.
    Time grows with the length alone.
    """
    tables = _tables()
    raw = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    codes = np.asarray(np.take(tables.single, raw, mode="clip"))  # the last entry, for all beyond it, is 0
    special = np.flatnonzero(codes >= _HALF_VOICED)
    if len(special):
        _join_marks(codes, special, tables)
    kept = np.flatnonzero(codes)
    codes = codes[kept]
    if len(special) and (codes >= _SEVERAL).any():
        return _expanded(codes, kept, tables)
    return Folded(codes, kept)


def folded(text: str) -> str:
    """Return the folded characters of ``text`` as a string; short ones, which come again and again, are remembered."""
    return _remembered(text) if len(text) <= _SHORT else _string(text)


def _string(text: str) -> str:
    codes = fold(text).codes
    return codes.astype("<u4").tobytes().decode("utf-32-le")


_remembered = lru_cache(maxsize=4096)(_string)


def _join_marks(codes: Codes, special: Places, tables: _Tables) -> None:
    for mark, composed in ((_VOICED, tables.voiced), (_HALF_VOICED, tables.half_voiced)):
        at = special[codes[special] == mark]
        before = codes[np.maximum(at - 1, 0)]
        whole = np.where(
            (at > 0) & (before < len(composed)), composed[np.minimum(before, len(composed) - 1)], 0
        )
        joined = at[whole != 0] - 1
        codes[joined] = whole[whole != 0]
        codes[at] = 0


def _expanded(codes: Codes, kept: Places, tables: _Tables) -> Folded:
    several = np.flatnonzero(codes >= _SEVERAL)
    entries = [tables.several[code - _SEVERAL] for code in codes[several]]
    counts = np.ones(len(codes), np.int64)
    counts[several] = [len(entry) for entry in entries]
    out = np.repeat(codes, counts)
    firsts = np.cumsum(counts) - counts
    for first, entry in zip(firsts[several], entries, strict=True):
        out[first : first + len(entry)] = entry
    return Folded(out, np.repeat(kept, counts))


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    single = np.zeros(_LIMIT, np.uint32)
    several: list[Codes] = []
    numbers: dict[str, int] = {}
    for code in range(0x30, _LIMIT - 1):
        new = _new(chr(code))
        if len(new) == 1:
            single[code] = _MARKS.get(new, np.uint32(ord(new)))
        elif new:
            if new not in numbers:
                numbers[new] = len(several)
                several.append(np.array([ord(one) for one in new], np.uint32))
            single[code] = _SEVERAL + np.uint32(numbers[new])
    composed = []
    for mark in _MARKS:
        table = np.zeros(0x3100, np.uint32)
        for code in _KANA:
            whole = unicodedata.normalize("NFC", chr(code) + mark)
            table[code] = ord(whole) if len(whole) == 1 else 0
        composed.append(table)
    return _Tables(single, tuple(several), *composed)


def _new(character: str) -> str:
    if character.isascii():
        return character.lower() if character.isalnum() else ""
    category = unicodedata.category(character)
    if category[0] == "C" or (category == "Lo" and 0x3400 <= ord(character) < 0xF900):
        return "" if category[0] == "C" else character  # most of the table: unified ideographs and hangul
    wide = unicodedata.normalize("NFKC", character)
    if wide.strip() in _MARKS:
        return wide.strip()
    return "".join(
        one
        for each in wide.lower()
        for one in (each if ord(each) in _KANA else unicodedata.normalize("NFD", each)[0])
        if unicodedata.category(one)[0] in "LN"
    )
