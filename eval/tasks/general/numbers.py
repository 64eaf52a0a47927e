"""Numbers as people and models write them in Japanese and English text."""

import re
import unicodedata
from typing import NamedTuple

SCALES = {"千": 1e3, "万": 1e4, "百万": 1e6, "千万": 1e7, "億": 1e8, "十億": 1e9, "兆": 1e12}
_ONE = r"(?:\d{1,3}(?:,\d{3})++|\d++)(?:\.\d++)?"
_SCALE = "|".join(sorted(SCALES, key=len, reverse=True))
# A sign counts where no digit or letter stands before it: "5-3" is no minus three, and neither is "A-1".
_NUMBER = re.compile(rf"(?:(?<![\w)])[-△▲]\s?)?(?:(?:{_ONE}(?:{_SCALE}))++(?:{_ONE})?|{_ONE})")
_PART = re.compile(rf"({_ONE})({_SCALE})?")
# Days and terms are no answers: 2024年3月期, 第3四半期, 12ヶ月. Neither are numbers within a name: Q1, FY2024, S100ABCD.
_DATES = re.compile(
    r"(?<!\d)(?:第\s?)?\d++\s?(?:年度?|月期?|日|期|四半期|[ヶか]月|ヵ月)間?(?!率)|(?:FY|[QHS])\d[0-9A-Z]{0,7}"
)
_MINUS = str.maketrans(dict.fromkeys("−–—‐－", "-"))


class Number(NamedTuple):
    """A number; ``scaled`` says whether a word such as 百万 was part of it, ``percent`` whether a sign of percent follows."""

    value: float
    scaled: bool
    percent: bool


def numbers(text: str, *, dates: bool = False) -> list[Number]:
    """Return the numbers of ``text`` in order; without ``dates`` those of days, years and terms are left out.

    Full-width signs, thousands separators, △ ▲ and minus signs, and compounds such as 1兆2,300億 are read.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_MINUS)
    if not dates:
        plain = _DATES.sub(" ", plain)
    return [_number(match, plain) for match in _NUMBER.finditer(plain)]


def _number(match: re.Match[str], text: str) -> Number:
    parts = _PART.findall(match[0])
    total = sum(float(digits.replace(",", "")) * SCALES.get(scale, 1.0) for digits, scale in parts)
    sign = -1.0 if match[0][0] in "-△▲" else 1.0
    after = text[match.end() : match.end() + 6].lstrip()
    return Number(
        sign * total, any(scale for _, scale in parts), after.startswith(("%", "パーセント", "percent"))
    )
