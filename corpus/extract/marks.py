"""Marks that ride in a text until it is in place, and white space as browsers fold it around them."""

import re

from corpus.extract.tables import plain

# Marks ride in the text as control characters, which no XML text can hold, until all text is in place.
OPEN, NUMBERED, CLOSE, EDGE, BREAK = "\x01", "\x02", "\x03", "\x04", "\x05"
DIGITS = {ord(str(digit)): 0x0E + digit for digit in range(10)}
VALUES = {code: chr(digit) for digit, code in DIGITS.items()}
MARK = re.compile("\x01([\x0e-\x17]+)\x02|\x03")
_RIDE = "[\x01-\x04\x0e-\x17]*"  # any marks
_OPENED = "\x01[\x0e-\x17]+\x02"
_DIGIT = "[0-9０-９⁰¹²³⁴-⁹]"
#: Where two things meet that were printed apart: a space keeps what is one number from what is another.
_MEETING = tuple(
    re.compile(pattern)
    for pattern in (
        rf"([.,，．]|{_DIGIT})((?:[\x03\x04]|{_OPENED})+)(?={_DIGIT})",
        rf"(\S)((?:{_OPENED})*\x03{_RIDE})(?={_DIGIT})",  # 12円34銭, or a dash that is tagged
        rf"([-－―—–−‐])({_RIDE}\x04{_RIDE})(?=[0-9０-９])",  # a dash that is no sign
        rf"({_DIGIT})({_RIDE}(?:\x04|{_OPENED}){_RIDE})(?=[-－―—–−‐△▲(（])",  # a note and a sign
    )
)
_ANY_MARK = re.compile("[\x01-\x04]")
_TWO_SPACES = re.compile(r" (?=[\x01-\x04\x0e-\x17]+ )")
_AT_ENDS = " \u3000" + "".join(map(chr, range(1, 5))) + "".join(map(chr, VALUES))
_NO_SPACE = {ord(" "): None, ord("\u3000"): None}
_NO_WIDTH = re.compile("[\u00ad\u200b\u2060\ufeff]")  # hints where a line may break: nothing is displayed
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
LINE_END = re.compile(r"[ \t]*[\r\n][ \t\r\n]*")
_JAPANESE = "[\u3001-\u30ff\u3400-\u9fff]"
_WRAP = re.compile(rf"(?<={_JAPANESE})[ \t]*[\r\n][ \t\r\n]*(?={_JAPANESE})")
_SOFT_BREAK = re.compile(f"(?<=[ぁ-ん])\n(?={_JAPANESE})|(?<={_JAPANESE})\n(?=[ぁ-ん])")
#: What is printed small and high: digits that are no part of the word or number beside them.
_RAISED = str.maketrans("0123456789０１２３４５６７８９", "⁰¹²³⁴⁵⁶⁷⁸⁹" * 2)
_RAISED_NUMBER = re.compile(r"\s*[0-9０-９]{1,3}\s*")
GONE = {code: None for code in range(32) if chr(code) not in "\t\n"}


def folded(text: str) -> list[str]:
    """Return the lines of a paragraph as displayed: white space folded, digits of two things kept apart."""
    if not text or text.isspace():
        return []
    text = _SPACE.sub(" ", _WRAP.sub("", _NO_WIDTH.sub("", text)))
    if _ANY_MARK.search(text):
        for meeting in _MEETING:
            text = meeting.sub(r"\1 \2", text)
        text = _TWO_SPACES.sub("", text)
    lines = (_stripped(line) for line in text.split(BREAK))
    return [line for line in lines if line]


def raised(text: str) -> str:
    """Return the number of a note, or an exponent, as raised digits; other text as it is."""
    return text.strip().translate(_RAISED) if _RAISED_NUMBER.fullmatch(text) else text


def _stripped(line: str) -> str:
    """Strip white space from both ends of a line, between the marks that stand there too."""
    start = len(line) - len(line.lstrip(_AT_ENDS))
    end = max(len(line.rstrip(_AT_ENDS)), start)
    return line[:start].translate(_NO_SPACE) + line[start:end] + line[end:].translate(_NO_SPACE)


def spaced(blocks: list[str]) -> str:
    """Join the paragraphs and lines of a cell into one line."""
    return joined([_SOFT_BREAK.sub("", block).replace("\n", " ") for block in blocks], " ")


def joined(blocks: list[str], separator: str = "\n\n") -> str:
    """Join blocks by a separator; a block of marks alone gets none."""
    pieces: list[str] = []
    begun = False
    for block in blocks:
        shown = bool(plain(block).strip())
        pieces.append(separator + block if shown and begun else block)
        begun = begun or shown
    return "".join(pieces)
