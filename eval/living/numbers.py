"""Numbers as Japanese documents and models write them: read strictly, with their unit and the step that they show."""

import re
import unicodedata
from collections.abc import Iterator
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Literal, NamedTuple

Failure = Literal["", "no number", "no unit", "several numbers"]

_SCALES = {
    "兆": 12, "千億": 11, "百億": 10, "十億": 9, "億": 8, "千万": 7, "百万": 6, "十万": 5, "万": 4, "千": 3, "百": 2, "十": 1,
}  # fmt: skip
_UNITS = {
    "円": "円", "株": "株", "人": "人", "名": "人", "%": "%", "パーセント": "%", "倍": "倍", "回": "回", "件": "件", "社": "社",
    "ポイント": "ポイント",
}  # fmt: skip
_SCALE, _UNIT = "|".join(_SCALES), "|".join(map(re.escape, _UNITS))
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_MINUS = r"(?:-|マイナス|△|▲)"
_NUMBER = re.compile(
    rf"(?<![\d.,])(?P<sign>{_MINUS}|\+|プラス)?(?P<parts>{_DIGITS}(?:{_SCALE})?(?:{_DIGITS}(?:{_SCALE}))*(?:{_DIGITS})?)"
    rf"(?P<unit>{_UNIT})?(?![\d])(?P<fall>の?(?:減少|減(?![価損資])|低下|下落|縮小|マイナス))?"
)
_PART = re.compile(rf"({_DIGITS})({_SCALE})?")
_APART = re.compile(r"(?<=\d)\s+(?=\d)")  # two numbers, which must not become one
_NO_FIGURE = re.compile(
    r"年|月|日|期|時|分|第|つ|位|号|条|項|頁|ページ|番|か|カ|ヶ|ヵ"
)  # what counts days, places and so on
_ALIKE = str.maketrans(
    {"−": "-", "－": "-", "‐": "-", "–": "-", "—": "-", "―": "-", "➖": "-", "▵": "△", "，": ","}
)


class Quantity(NamedTuple):
    """A number: its exact ``value`` in ``unit`` (円, 株, 人, %, ...), and the ``step`` of its last digit."""

    value: Decimal
    unit: str
    step: Decimal


def quantities(text: str) -> list[Quantity]:
    """Return every number of a text, in order; days, periods and places in a row are none. ``unit`` is "" without one.

    Read are full-width digits, commas in threes, decimals, scales from 十 to 兆 alone and after one another
    (12億3,400万円), 百万円 and 千円, the signs -, △, ▲ and マイナス, a 減少 behind the number, and amounts in parentheses
    only with one of these signs.
    """
    return list(_quantities(normal(text)))


def normal(text: str) -> str:
    """Return a text in NFKC without white space, with one sign for minus; a slash keeps two numbers apart."""
    told = unicodedata.normalize("NFKC", text.translate(_ALIKE)).translate(_ALIKE)
    return "".join(_APART.sub("/", told).split())


def _quantities(text: str) -> Iterator[Quantity]:
    for match in _NUMBER.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        if before.endswith("第") or (not match["unit"] and _NO_FIGURE.match(after)):
            continue
        found = _sum(match["parts"])
        if found is None:
            continue
        value, step = found
        falls = bool(match["fall"]) and not match["sign"]
        minus = falls or bool(match["sign"] and re.fullmatch(_MINUS, match["sign"]))
        yield Quantity(-value if minus else value, _UNITS.get(match["unit"] or "", ""), step)


def _sum(parts: str) -> tuple[Decimal, Decimal] | None:
    """Return the value and the step of digits with their scales; None where the scales do not fall."""
    total, step, before = Decimal(0), Decimal(1), 99
    for digits, scale in _PART.findall(parts):
        power = _SCALES.get(scale, 0)
        if power >= before:
            return None
        number = Decimal(digits.replace(",", ""))
        total += number.scaleb(power)
        exponent = number.as_tuple().exponent
        step = Decimal(1).scaleb(power + (exponent if isinstance(exponent, int) else 0))
        before = power
    return total, step


def read(reply: str, unit: str) -> tuple[Quantity | None, Failure]:
    """Return the one number in ``unit`` that a reply gives, or why there is none.

    Several numbers in the unit are read only where they are equal: nothing is guessed.
    """
    found = quantities(reply)
    fitting = [one for one in found if one.unit == unit]
    if len({one.value for one in fitting}) == 1:
        return fitting[-1], ""
    if fitting:
        return None, "several numbers"
    return None, "no unit" if found else "no number"


def equal(reply: Quantity, target: Quantity, tolerance: float = 0.0) -> bool:
    """Say whether a reply gives the target, which is known to its step.

    A finer reply is rounded to that step, half up, or cut off there, as reports do; a coarser one is right only where
    it is the same number. ``tolerance`` is the share of the target that a reply may be off besides.
    """
    if reply.unit != target.unit:
        return False
    scaled = reply.value / target.step
    rounded = {scaled.quantize(Decimal(1), rule) * target.step for rule in (ROUND_HALF_UP, ROUND_DOWN)}
    if target.value in (rounded if reply.step < target.step else {reply.value}):
        return True
    return tolerance > 0 and abs(reply.value - target.value) <= abs(target.value) * Decimal(str(tolerance))
