"""The words behind (or before) Japanese numerals that say what is counted, and one name for each such thing."""

import re
from decimal import Decimal
from typing import NamedTuple

_ONE = Decimal(1)
_HUNDREDTH = Decimal("0.01")


class Unit(NamedTuple):
    """``name`` is JPY, USD, shares, people, companies, percent, points, times or the counter itself.

    A displayed number times ``worth`` is in that unit: 割 is ten percent, 銭 a hundredth of a yen, bp of a point.
    """

    name: str
    worth: Decimal = _ONE


_MONEY = {
    "円": "JPY", "米ドル": "USD", "USドル": "USD", "ドル": "USD", "豪ドル": "AUD", "香港ドル": "HKD", "加ドル": "CAD",
    "カナダドル": "CAD", "台湾ドル": "TWD", "シンガポールドル": "SGD", "ユーロ": "EUR", "英ポンド": "GBP", "ポンド": "GBP",
    "人民元": "CNY", "元": "CNY", "ウォン": "KRW", "スイスフラン": "CHF", "フラン": "CHF", "バーツ": "THB", "ルピー": "INR",
    "ペソ": "peso", "ルピア": "IDR", "ドン": "VND", "レアル": "BRL", "クローナ": "SEK",
}  # fmt: skip
#: ISO 4217 codes and signs, which stand before a number or behind it.
CODES = {
    "US$": "USD", "$": "USD", "¥": "JPY", "€": "EUR", "£": "GBP", "HK$": "HKD", "A$": "AUD", "S$": "SGD", "NT$": "TWD",
    "JPY": "JPY", "USD": "USD", "EUR": "EUR", "GBP": "GBP", "CNY": "CNY", "RMB": "CNY", "AUD": "AUD", "HKD": "HKD",
}  # fmt: skip
_LENGTHS = {
    "年間": "年", "カ年": "年", "か年": "年", "ヵ年": "年", "ヶ年": "年", "箇年": "年", "年": "年",
    "カ月": "月", "か月": "月", "ヵ月": "月", "ヶ月": "月", "ケ月": "月", "箇月": "月", "ヵ月間": "月", "カ月間": "月", "か月間": "月",
    "ヶ月間": "月", "月": "月", "日間": "日", "日": "日", "週間": "週間", "時間": "時間", "時": "時", "分": "分", "秒": "秒",
    "営業日": "営業日",
}  # fmt: skip
_COUNTED = {
    "株": "shares", "人": "people", "名": "people", "社": "companies", "カ国": "カ国", "か国": "カ国", "ヵ国": "カ国",
    "ヶ国": "カ国", "カ所": "カ所", "か所": "カ所", "ヵ所": "カ所", "ヶ所": "カ所", "箇所": "カ所", "店舗": "店", "店": "店", "歳": "歳", "才": "歳",
    "パーセントポイント": "points", "%ポイント": "points", "ポイント": "points", "%pt": "points", "pt": "points", "pp": "points",
    "パーセント": "percent", "%": "percent", "倍": "times", "平方メートル": "㎡", "㎡": "㎡", "m2": "㎡", "つ": "つ", "ADR": "ADR",
}  # fmt: skip
_PARTS = {
    "割": Unit("percent", Decimal(10)), "銭": Unit("JPY", _HUNDREDTH), "セント": Unit("USD", _HUNDREDTH),
    "‰": Unit("percent", Decimal("0.1")), "bps": Unit("points", _HUNDREDTH), "bp": Unit("points", _HUNDREDTH),
    "ベーシスポイント": Unit("points", _HUNDREDTH), "ベーシス・ポイント": Unit("points", _HUNDREDTH),
}  # fmt: skip
_PLAIN = [
    "個",
    "口",
    "件",
    "回",
    "棟",
    "台",
    "戸",
    "軒",
    "室",
    "席",
    "隻",
    "機",
    "基",
    "本",
    "枚",
    "冊",
    "点",
    "校",
    "行",
    "票",
    "両",
    "床",
    "校舎",
    "銘柄",
    "種類",
    "品目",
    "項目",
    "部門",
    "地域",
    "都市",
    "拠点",
    "店目",
    "施設",
    "工場",
    "支店",
    "支社",
    "事業",
    "営業所",
    "世帯",
    "世代",
    "段階",
    "区分",
    "区画",
    "議案",
    "番",
    "号",
    "丁目",
    "番地",
    "条",
    "項",
    "期連続",
    "期ぶり",
    "年連続",
    "年ぶり",
    "位",
    "単元",
    "倍速",
    "桁",
    "度",
    "℃",
    "者",
    "トン",
    "t",
    "kg",
    "g",
    "km",
    "m",
    "cm",
    "mm",
    "kW",
    "MW",
    "GW",
    "kWh",
    "MWh",
    "GWh",
    "TWh",
    "kL",
    "L",
    "ha",
    "t-CO2",
    "t-CO2e",
    "トンCO2",
    "時点",
    "票数",
    "サービス",
    "作品",
    "案件",
    "プロジェクト",
    "区",
    "代",
]
UNITS: dict[str, Unit] = (
    {word: Unit(name) for words in (_MONEY, _LENGTHS, _COUNTED) for word, name in words.items()}
    | _PARTS
    | {word: Unit(word) for word in _PLAIN}
)
# Words that only begin like a unit: 3社長, 10株式会社, 5割合.
_NOT = {
    "社": "長員会債内外宅", "株": "式主価", "割": "合当引り振高安", "人": "材的事気件権格", "名": "称義前簿", "件": "数名", "回": "復転収線答",
    "店": "長頭主", "年": "金齢", "行": "為動使政", "点": "検", "元": "本金々来", "ドル": "建高安", "分": "野類離析", "本": "社店部人業体格",
    "機": "械能会関", "項": "目", "号": "", "台": "数", "床": "面", "校": "", "位": "置", "度": "合", "者": "", "時": "価期代", "月": "額次",
    "日": "本常経", "区": "域別", "m": "abcdefghijklnopqrstuvwxyz", "g": "abcdefghijklmnopqrstuvwxyz", "t": "abcdefghijklmnopqrstuvwxyz",
    "L": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "pt": "abcdefghijklmnopqrstuvwxyz", "代": "表金理わ替行",
}  # fmt: skip


def _pattern(word: str) -> str:
    ascii_end = r"(?![A-Za-z])" if word[-1].isascii() and word[-1].isalpha() else ""
    return re.escape(word) + ascii_end + (f"(?![{_NOT[word]}])" if _NOT.get(word) else "")


#: One unit word of narrow text.
WORD = "(?:" + "|".join(_pattern(word) for word in sorted(UNITS, key=lambda w: -len(w))) + ")"
#: A unit as heads and unit lines name it, with its scale: 千円, 百万円, ％, 人.
SCALED = re.compile(rf"(?P<scale>十億|百万|十万|千|万|億|兆|百)?(?P<unit>{WORD}|円|株)")
_SCALES = {"": 0, "百": 2, "千": 3, "万": 4, "十万": 5, "百万": 6, "億": 8, "十億": 9, "兆": 12}
_IN_BRACKETS = re.compile(r"[(\[【]\s*(?:単位\s*[:;]?\s*)?([^()\[\]【】|]{1,24}?)\s*[)\]】]")
_LINE = re.compile(r"単位\s*[:;]\s*([^()\[\]【】|\n]{1,24})")
#: What implies a unit where nothing else says it.
IMPLIED = (
    (re.compile("従業員数|人員数?$|雇用者数|人数$|役員の数$|員数$"), "people"),
    (re.compile("株式(?:総)?数|株数"), "shares"),
    (re.compile("会社の?数$"), "companies"),
)


def scaled(words: str) -> tuple[Unit, ...]:
    """Return the units that a head or a unit line names: 千円 is a thousand JPY; empty if it says anything else."""
    found = []
    for word in re.split(r"[,、・/\s]+", words.strip()):
        one = SCALED.fullmatch(word)
        if not one:
            return ()
        unit = UNITS[one["unit"]]
        found.append(Unit(unit.name, unit.worth.scaleb(_SCALES[one["scale"] or ""])))
    return tuple(found)


def announced(text: str) -> tuple[Unit, ...]:
    """Return the units that narrow text names in brackets or after 単位, the last place that does so."""
    found: tuple[Unit, ...] = ()
    for one in _LINE.finditer(text):
        found = scaled(one[1]) or found
    for one in _IN_BRACKETS.finditer(text):
        found = scaled(one[1]) or found
    return found
