"""How facts are said in Japanese: amounts at their displayed precision, their names and their periods."""

import re
from datetime import date
from decimal import Decimal, InvalidOperation

from corpus.document import Fact

_YEN = {0: "円", -3: "千円", -4: "万円", -6: "百万円", -8: "億円", -9: "十億円"}
_SHARES = {0: "株", -3: "千株", -6: "百万株"}
_UNIT = "(?:単位[:：])?(?:十億|億|百万|万|千)?(?:円|株|人|名|％|%|倍|回)"
_LEFT_OUT = re.compile(rf"[（(](?:{_UNIT}|外[、,][^）)]*)[）)]")
_ENCLOSED = re.compile(r"[（(]([^（()）]+)[）)]")
_SPACES = re.compile(r"\s+")
# Row heads that name something only within their table: nobody could answer a question about them.
_NO_NAME = re.compile(
    r"(?:[総小合]?計|その他|差引.*|株式数|普通株式|.*所有株式数.*|提出会社|連結子会社|非上場株式(?:以外の株式)?|当期償却額|"
    r"当?期末残高|.*期首残高|.*当期変動額.*|.*の合計額|減損処理額|新株の発行|セグメント.*|.*外部顧客への売上高|[0-9０-９]{4}年.*|第[0-9０-９]+期.*)(?:（.*）)?"
)
_NO_NAME_CONCEPT = re.compile(
    "ReportingCompany|LargestHoldingCompany|SharesHeld|AuditFees|SharesVotingRights|Subtotal|RestatedBalance"
)
_WORD = re.compile(r"[ぁ-んァ-ヶ一-鿿]{2}")
_OUTFLOW = re.compile(r"(?:支出|支払額|剰余金の配当|自己株式の取得)$")
_PLACES = {
    "CA": "流動資産", "PPE": "有形固定資産", "IA": "無形固定資産", "IOA": "投資その他の資産", "CL": "流動負債", "NCL": "固定負債",
    "SGA": "販売費及び一般管理費", "NOI": "営業外収益", "NOE": "営業外費用", "EI": "特別利益", "EL": "特別損失",
}  # fmt: skip
_PLACE = re.compile(f"(?<=[a-z0-9])({'|'.join(_PLACES)})(?:ByGroup)?$")
_NON_CONSOLIDATED = "_NonConsolidatedMember"


def counted_in(fact: Fact) -> str:
    """Return 株 or 人 for what is counted, "" for an amount of money."""
    unit = fact.unit.rpartition(":")[2]
    if unit == "shares":
        return "株"
    people = unit == "persons" or (unit == "pure" and fact.concept.startswith("NumberOfEmployees"))
    return "人" if people else ""


def amount(fact: Fact) -> tuple[int, str] | None:
    """Return the amount of a fact, exactly and at its displayed precision, as (number, unit), or None.

    Yen and shares are said in the thousands or millions that XBRL's ``decimals`` tells (XBRL 2.1, section 4.6.5).
    None when the number is not a whole multiple of that precision: then the display says something that
    ``decimals`` does not. What is paid out, and named so, is said without the minus sign of its statement; None
    where such a name stands beside an amount that came in.
    """
    try:
        number = Decimal(fact.number)
    except InvalidOperation:
        return None
    decimals = int(fact.decimals) if re.fullmatch(r"-?\d+", fact.decimals) else 0
    counter = counted_in(fact)
    if counter == "人":
        unit = "人" if decimals >= 0 else None
    elif counter or fact.unit.rpartition(":")[2] == "JPY":
        unit = (_SHARES if counter else _YEN).get(decimals)
    else:
        unit = None
    scaled = number.scaleb(min(decimals, 0))
    if unit is None or scaled != int(scaled):
        return None
    if _OUTFLOW.search(label(fact)):
        if scaled > 0 and "CF" in fact.concept:
            return None
        scaled = abs(scaled)
    return int(scaled), unit


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
    """Return the Japanese name of a fact's concept without what a row head says besides, or "" if it is no name.

    "計", "その他" or "提出会社" name something only in their table, a date or a person's row nothing at all.
    """
    name = _SPACES.sub("", _LEFT_OUT.sub("", fact.label))
    if enclosed := _ENCLOSED.fullmatch(name):
        name = enclosed[1]
    if _NO_NAME.fullmatch(name) or _NO_NAME_CONCEPT.search(fact.concept) or not _WORD.search(name):
        return ""
    return name


def qualifier(fact: Fact, *, beside: bool) -> str | None:
    """Return what must stand behind a name so that it means one amount, "" for nothing, None for a mere part.

    A name like 支払手数料 or 繰延税金資産 stands in several places of the statements: EDINET's concepts end with
    the place. Its contexts name the member of every dimension, and without one an amount is the group's; ``beside``
    says that the filing shows the company's own accounts, too, so that it is open which one is asked for.
    """
    own = own_accounts(fact)
    if "Member" in fact.context and not own:
        return None
    found = _PLACE.search(fact.concept)
    words = [_PLACES[found[1]]] if found else []
    if (own or beside) and counted_in(fact) != "株":
        words.append("単体" if own else "連結")
    return f"（{'、'.join(words)}）" if words else ""


def own_accounts(fact: Fact) -> bool:
    """Whether an amount belongs to the filing company alone."""
    return fact.context.endswith(_NON_CONSOLIDATED) and fact.context.count("Member") == 1


def family(name: str) -> str:
    """Return the name under which a profit and its loss are one thing: 経常利益又は経常損失（△） is 経常利益."""
    return name.partition("又は")[0]
