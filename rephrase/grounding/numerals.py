"""Japanese numerals -> decimals: digits, kanji digits, and the scales 十百千万億兆 in any mixture."""

import re
from decimal import Decimal
from typing import NamedTuple

_DIGITS = "〇一二三四五六七八九"
_SMALL = {"十": 1, "百": 2, "千": 3}
_BIG = {"万": 4, "億": 8, "兆": 12}
KANJI = _DIGITS + "".join(_SMALL) + "".join(_BIG)
#: Half-width digits, grouped or not, with a fraction or without.
DECIMAL = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
#: A whole numeral; a space may stand behind a big scale where another term follows, as pages break there.
RUN = rf"(?:{DECIMAL}|[{KANJI}]|(?<=[億兆])\ (?=[\d,]+[万億]))+"
_ATOM = re.compile(rf"(?P<number>{DECIMAL}|[{_DIGITS}]+)|(?P<small>[十百千])|(?P<big>[万億兆])|\ ")
_WIDE = {0xFF01 + at: 0x21 + at for at in range(94)} | {
    0x3000: " ", 0xA0: " ", 0x2212: "-", 0x2010: "-", 0x2011: "-", 0x25B2: "△", 0xFFE5: "¥", 0x301C: "~",
}  # fmt: skip
ONE = Decimal(1)


class Numeral(NamedTuple):
    """``value`` in units, and ``step``, the worth of one in its last displayed place: 12億3,400万 has 10,000."""

    value: Decimal
    step: Decimal


def narrow(text: str) -> str:
    """Return the text with full-width ASCII as half-width and one sign each for minus, wave dash and space.

    Every character keeps its place.
    """
    return text.translate(_WIDE)


def numeral(run: str) -> Numeral | None:
    """Read one numeral of narrow text that ``RUN`` found, such as 12億3,400万, 1,234百万, 三百万 or 二〇二四.

    None for what is no numeral: scales that do not fall (三千五千), or scales alone that count nothing (万).
    """
    total, below, step = Decimal(0), _Below(), ONE
    last_big = 99
    for atom in _ATOM.finditer(run):
        if number := atom["number"]:
            if not below.add(number):
                return None
        elif small := atom["small"]:
            if not below.scale(_SMALL[small]):
                return None
        elif big := atom["big"]:
            power = _BIG[big]
            if power >= last_big or not below.any:
                return None
            total += below.value.scaleb(power)
            step = below.step.scaleb(power)
            last_big, below = power, _Below()
    if below.any:
        total, step = total + below.value, below.step
    return Numeral(total, step)


class _Below:
    """The part of a numeral below one big scale: numbers, each with a power of ten up to a thousand or none."""

    def __init__(self) -> None:
        self.done = Decimal(0)
        self.open: Decimal | None = None  # a number whose scale may follow
        self.step, self.last = ONE, 99
        self.any = False

    @property
    def value(self) -> Decimal:
        return self.done + (self.open or 0)

    def add(self, text: str) -> bool:
        if self.open is not None:
            return False
        plain = (
            text.replace(",", "") if text[0] not in _DIGITS else "".join(str(_DIGITS.index(c)) for c in text)
        )
        self.open = Decimal(plain)
        self.step = ONE.scaleb(-len(plain.partition(".")[2]))
        self.any = True
        return True

    def scale(self, power: int) -> bool:
        if power >= self.last:
            return False
        self.done += (ONE if self.open is None else self.open).scaleb(power)
        self.step = (ONE if self.open is None else self.step).scaleb(power)
        self.open, self.last, self.any = None, power, True
        return True
