"""How facts are said in Japanese: amounts at their displayed precision, periods, question templates."""

import re
from datetime import date
from decimal import Decimal, InvalidOperation

from corpus.document import Fact

_SCALES = {0: "円", -3: "千円", -6: "百万円", -9: "十億円"}
_COUNTED = {"shares": "株", "persons": "人"}
_UNIT_IN_LABEL = re.compile(r"[（(](?:[^）)]*(?:円|株|人|名|％|%|倍|千|百万|回)[^）)]*)[）)]")
_SPACES = re.compile(r"\s+")

AMOUNT_QUESTIONS = (
    "{subject}の{period}の{label}はいくらですか。",
    "{period}における{subject}の{label}を答えてください。",
    "{subject}が開示した{period}の{label}はどれだけでしたか。",
    "有価証券報告書によると、{subject}の{period}の{label}はいくらでしょうか。",
    "{label}について、{subject}の{period}の値は何ですか。",
    "{subject}の{label}は、{period}にはいくらでしたか。",
)
TERM_QUESTIONS = (
    "「{subject}」とは何ですか。",
    "「{subject}」の意味を説明してください。",
    "金融用語の「{subject}」について説明してください。",
    "「{subject}」とはどのようなものですか。",
)
DEFINITION_QUESTIONS = (
    "次の説明に当てはまる用語はどれですか。\n{value}",
    "次のように説明される金融用語は何ですか。\n{value}",
    "以下の説明が表す用語を答えてください。\n{value}",
)
COMPANY_QUESTIONS = {
    "sec_code": ("{subject}の証券コードは何ですか。", "{subject}の証券コードを答えてください。"),
    "industry": ("{subject}の業種は何ですか。", "{subject}はどの業種に属しますか。"),
}


def amount(fact: Fact) -> str | None:
    """Return the amount of a fact exactly, at the precision at which it was displayed, or None.

    Yen are said in 円, 千円, 百万円 or 十億円 as XBRL's ``decimals`` tells (XBRL 2.1, section 4.6.5); shares and
    persons are counted. None when the number is not a whole multiple of that precision: then the display says
    something that ``decimals`` does not.
    """
    try:
        number = Decimal(fact.number)
    except InvalidOperation:
        return None
    unit = fact.unit.rpartition(":")[2]
    if unit in _COUNTED or (unit == "pure" and fact.concept.startswith("NumberOfEmployees")):
        return f"{number:,.0f}{_COUNTED.get(unit, '人')}" if number == int(number) else None
    if unit != "JPY":
        return None
    decimals = int(fact.decimals) if re.fullmatch(r"-?\d+", fact.decimals) else 0
    if decimals not in _SCALES:
        return None
    scaled = number.scaleb(decimals)
    if scaled != int(scaled):
        return None
    sign = "マイナス" if scaled < 0 else ""
    return f"{sign}{abs(int(scaled)):,}{_SCALES[decimals]}"


def period(text: str) -> str | None:
    """Return the period of a fact in words: ``2025年3月期`` for a year, ``2025年3月31日時点`` for an instant."""
    try:
        ends = [date.fromisoformat(part) for part in text.split("/")]
    except ValueError:
        return None
    last = ends[-1]
    if len(ends) == 1:
        return f"{last.year}年{last.month}月{last.day}日時点"
    days = (last - ends[0]).days + 1
    if 360 <= days <= 371:
        return f"{last.year}年{last.month}月期"
    first = ends[0]
    return f"{first.year}年{first.month}月{first.day}日から{last.year}年{last.month}月{last.day}日まで"


def label(fact: Fact) -> str:
    """Return the Japanese name of a fact's concept without the unit that a table's row head carries."""
    return _SPACES.sub("", _UNIT_IN_LABEL.sub("", fact.label))
