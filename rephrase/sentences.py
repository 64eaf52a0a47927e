"""Where a Japanese text may be cut: behind sentences, and within one that is too long at the next best places."""

import re
from collections.abc import Iterator

import regex

_OPEN, _CLOSE = "「『（(【〔［[｛{〈《", "」』）)】〕］]｝}〉》"
# What must not be parted from the character before it: voice marks, variation selectors, accents, joiners.
_JOINED = "[\u0300-\u036f\u200d\u20d0-\u20ff\u3099\u309a\ufe00-\ufe0f\uff9e\uff9f\U000e0100-\U000e01ef]"
_SIGN = re.compile(
    rf"\n+|(?P<end>(?:[。！？｡]|(?<=[ぁ-んァ-ヶ一-鿿）)」』])．(?![0-9０-９]))+)(?!{_JOINED})(?P<shut>[{re.escape(_CLOSE)}]*)"
    rf"|(?P<open>[{re.escape(_OPEN)}])|[{re.escape(_CLOSE)}]"
)
_EXTENDS = r"[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]"
_DIGIT = "0-9０-９"
#: Places to cut a sentence that is too long, best first: cells, sentences in brackets, commas, brackets, white space.
_PLACES = tuple(
    regex.compile(rf"(?:{place})(?!{_EXTENDS})")
    for place in (
        r"(?<!\\)\|(?= )",
        r"[。！？｡]",
        rf"[、；;]|[，,：](?![{_DIGIT}])|(?<![{_DIGIT}])[，,]",
        rf"[{regex.escape(_CLOSE)}](?![{regex.escape(_CLOSE)}、。，．])",
        r"[\s]",
    )
)
# What belongs together: amounts and dates with their signs and units, words in Latin letters and katakana, else a grapheme.
_ATOM = regex.compile(
    rf"(?:(?:令和|平成|昭和|大正|明治)?[第約△▲−＋+\-]?[ ]?(?:元年|[{_DIGIT}])[{_DIGIT},，.．:：/／\-－～~年月日時分秒期回条項号兆億万千百十円銭株人件社名歳倍％%]*"
    rf"|[〇一二三四五六七八九十百千万億兆]{{2,}}[年月日円銭株人件％割分]*|[A-Za-zＡ-Ｚａ-ｚ{_DIGIT}_.\-/:@&]+|[ァ-ヶー]+){_EXTENDS}*|\X"
)
_GRAPHEME = regex.compile(r"\X")
_BEYOND = 64  # characters read past the room, so that an atom that does not fit is seen whole


def sentences(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield [first, last) of every sentence of ``text[start:end]``; joined together they are that text.

    An end mark inside brackets ends no sentence: 「はい。」と述べた。 is one. A line break always ends one, so that a
    bracket that is never closed swallows no more than its line.
    """
    last, depth = len(text) if end is None else end, 0
    for sign in _SIGN.finditer(text, start, last):
        if sign["open"]:
            depth += 1
        elif sign["end"]:
            inside, depth = depth, max(0, depth - len(sign["shut"]))
            if not inside:
                yield start, sign.end()
                start = sign.end()
        elif sign[0][0] == "\n":
            yield start, sign.end()
            start, depth = sign.end(), 0
        else:
            depth = max(0, depth - 1)
    if start < last:
        yield start, last


def cut(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield [first, last) of parts of ``text[start:end]`` of at most ``size`` characters; joined they are that text.

    They end at the best place there is in the last two thirds of the room; where there is none, never inside a
    number, a date, a word in Latin letters or a grapheme, as long as such a thing is not longer than ``size``.
    """
    while end - start > size:
        stop = _place(text, start, start + size)
        yield start, stop
        start = stop
    yield start, end


def _place(text: str, start: int, last: int) -> int:
    for places in _PLACES:
        # The place may be the last character: what stands behind it must be seen, too.
        found = [
            one.end()
            for one in places.finditer(text, start + (last - start) // 3, last + 1)
            if one.end() <= last
        ]
        if found:
            return found[-1]
    for atoms in (_ATOM, _GRAPHEME):
        stop = start
        for atom in atoms.finditer(text, start, last + _BEYOND):
            if atom.end() > last:
                break
            stop = atom.end()
        if stop > start:
            return stop
    return last
