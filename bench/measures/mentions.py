"""What Japanese prose states, found by plain patterns: amounts, shares, days, fiscal periods and companies."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from bench.measures.parts import Part
from bench.measures.wordings import ERA_STARTS, Saying, number_of

_D = r"[0-9０-９]"
_N = rf"{_D}{{1,3}}(?:[,，]{_D}{{3}})+|{_D}+(?:[.．]{_D}+)?"
_AMOUNT = rf"(?P<number>[△▲]?(?:(?:{_N})(?:兆|億|万(?!円台)|千(?=[円株])|百万(?=[円株])|十億(?=[円米]))?)+)"
_UNIT = (
    r"(?P<unit>円|株|米ドル|ドル|％|%|ポイント|倍|人|名|社|銘柄|個|件|店舗|回|か月|ヶ月|カ月|年間|日間|時間)"
)
_ERA = "|".join(ERA_STARTS)
_YEAR = rf"(?:(?:{_ERA})(?:{_D}{{1,2}}|元)|{_D}{{4}})年"
_PATTERNS = (
    ("period", rf"(?P<fiscal>{_YEAR}{_D}{{1,2}}月期|{_YEAR}度|第{_D}{{1,3}}期(?!間))"),
    ("period", rf"(?P<quarter>[当前]?第{_D}四半期|前期第{_D}四半期)"),
    ("period", r"(?P<relative>[当前](?:連結会計年度|事業年度|中間連結会計期間|中間会計期間|期)末?(?!比|間|純|首))"),
    ("date", rf"(?P<day>{_YEAR}{_D}{{1,2}}月{_D}{{1,2}}日)"),
    ("date", rf"(?P<month>{_YEAR}{_D}{{1,2}}月(?!期))"),
    ("date", rf"(?P<year>{_YEAR}(?!度))"),
    ("company", r"(?P<company>株式会社[ァ-ヶーＡ-ＺA-Za-z一-鿿・＆&]{2,20}|[ァ-ヶーＡ-ＺA-Za-z一-鿿・＆&]{2,20}(?:株式会社|㈱)|㈱[ァ-ヶーＡ-ＺA-Za-z一-鿿・＆&]{2,20})"),
    ("number", rf"(?<![0-9０-９,，.．第])(?P<amount>{_AMOUNT}{_UNIT})"),
)  # fmt: skip
_ALL = re.compile("|".join(pattern for _, pattern in _PATTERNS))
_KINDS = {
    "fiscal": "period",
    "relative": "period",
    "quarter": "period",
    "day": "date",
    "month": "date",
    "year": "date",
}
_SCALED = re.compile(r"(.*?)(千|百万|十億|億|万|兆)?")
_WIDE = str.maketrans("０１２３４５６７８９", "0123456789")


def parts(text: str) -> list[Part]:
    """Return a text in parts; joined together they are the text."""
    found: list[Part] = []
    at = 0
    for match in _ALL.finditer(text):
        if match.start() > at:
            found.append(Part(text[at : match.start()]))
        found += _stated(match)
        at = match.end()
    if at < len(text):
        found.append(Part(text[at:]))
    return found


def _stated(match: re.Match[str]) -> Iterator[Part]:
    name = match.lastgroup if match.lastgroup not in ("number", "unit") else "amount"
    if match["amount"]:
        yield from _amount(match["number"], match["unit"])
    elif match["company"]:
        yield Part(match["company"], "company")
    else:
        kind = _KINDS[name or ""]
        yield Part(
            match[0],
            "date" if kind == "date" else "period",
            when=day_of(match[0]) if kind == "date" else None,
        )


def _amount(number: str, unit: str) -> Iterator[Part]:
    """Yield number and unit; 百万円 is one unit, 億円 is 億 of the number and 円."""
    tail = re.search(r"(?:百万|千|十億)$", number)
    if tail and unit in ("円", "株") and not re.search("[兆億万]", number[: tail.start()]):
        number, unit = number[: tail.start()], tail[0] + unit
    scale = {"千": 3, "百万": 6, "十億": 9}.get(unit[:-1], 0)
    plain = number.lstrip("△▲")
    value = number_of(plain)
    if value is None:
        yield Part(number, "number")
        yield Part(unit, "unit")
        return
    value = value.scaleb(scale)
    if plain != number:
        value = -value
    point = re.search(rf"[.．]({_D}+)", plain)
    places = len(point[1]) if point else 0
    mixed = bool(re.search("[兆億万千]", plain))
    saying = Saying(unit[len(unit) - len(unit.lstrip("千百万十億")) :], scale, places, mixed=mixed)
    yield Part(number, "number", value=value, saying=saying)
    yield Part(unit, "unit", value=value, saying=saying)


def day_of(text: str) -> date | None:
    """Return the day of 2024年3月31日 or 令和6年3月31日, the first day of a month or of a year; None if there is none."""
    plain = text.translate(_WIDE).replace("元年", "1年")
    found = re.match(rf"({_ERA})?(\d+)年(?:(\d+)月)?(?:(\d+)日)?", plain)
    if not found:
        return None
    year = int(found[2]) + (ERA_STARTS[found[1]] - 1 if found[1] else 0)
    try:
        return date(year, int(found[3] or 1), int(found[4] or 1))
    except ValueError:
        return None


def numbers(text: str) -> set[Decimal]:
    """Return the values of the amounts in a text."""
    return {abs(part.value) for part in parts(text) if part.value is not None}
