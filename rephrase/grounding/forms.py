"""How Japanese texts write days and periods: one pattern for all of them, and what folds their characters."""

import re

#: One character for one, so that places in the folded text are places in the text.
FOLDED = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys("\u3000\xa0\u2009\t", " ")
    | dict.fromkeys("～〜∼〰", "~")
    | dict.fromkeys("－−–—‐‑―─", "-")
    | {"．": ".", "／": "/", "’": "'", "‘": "'"}
)
DIGITS = "〇零一二三四五六七八九"
_K = f"[{DIGITS}十百千]"
_S = r"[ \n]{0,3}"
_N = rf"(?:(?<!\d)\d{{1,2}}(?!\d)|(?<!{_K}){_K}{{1,3}}(?!{_K}))"
ERAS = {
    "明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018, "㍾": 1867, "㍽": 1911, "㍼": 1925, "㍻": 1988,
    "㋿": 2018, "M": 1867, "T": 1911, "S": 1925, "H": 1988, "R": 2018,
}  # fmt: skip
_QUARTER = r"第?[ ]?[1-4一二三四][ ]?四半期|(?<![A-Za-z\d])(?:[1-4]Q|Q[1-4])(?![A-Za-z\d])"
_HALF = r"上半?期|下半?期|中間期|中間(?:連結)?(?:会計)?期間"
_BEHIND = r"(?:連結)?(?P<{0}>累計)?(?:連結)?(?:会計)?(?:期間)?"

_YEAR = rf"""
(?: (?:(?P<era>明治|大正|昭和|平成|令和|[㍾㍽㍼㍻㋿])|(?<![A-Za-z\d])(?P<letter>[MTSHR])(?:\.(?=\d))?){_S}
    (?P<era_year>\d{{1,2}}|元|{_K}{{1,3}})
  | (?:西暦)?(?<![\dA-Za-z])(?<!\d,)(?P<western>\d{{4}})
  | (?<![\d.,A-Za-z])'?(?P<short>\d{{2}})(?={_S}年{_S}{_N}{_S}月|{_S}年度|[./](?:0?[1-9]|1[0-2])期)
  | (?<!{_K})(?P<kanji>[一二][{DIGITS}]{{3}}|二千{_K}{{0,5}}|千[八九]百{_K}{{0,4}})(?={_S}年)
)"""
_OF_YEAR = rf"""
(?: {_S}年(?:{_S}\([^()\n]{{2,9}}\))?
    (?: (?P<fiscal>度)
      | {_S}(?P<from>{_N}){_S}月?{_S}[~ー-]{_S}(?P<to>{_N}){_S}月(?:期(?!間))?(?!{_S}{_N}{_S}日)
      | {_S}(?P<month>{_N}){_S}月(?:{_S}(?P<day>{_N}){_S}日(?!間)|{_S}(?P<of_month>末日?|初|[上中下]旬|度|期(?!間|限|日)))?
      | (?!間)(?P<of_year>末|初(?!め))?
    )
  | (?P<mark>[./-])(?P<month2>0?[1-9]|1[0-2])(?:(?P=mark)(?P<day2>3[01]|[12]\d|0?[1-9]))?(?![\d%,]|\.\d)(?P<of_month2>期(?!間)|末|度)?
)"""
_RELATIVE = rf"""
(?P<relative>前々|(?<![割担相充該手配適正])当|(?<![以事直午目])前|翌|(?<![年順])次|(?<![以従将到])来|今|(?<![日資基根])本|(?<![共合一])同|昨)
(?: (?P<of_current>{_QUARTER}|{_HALF}|四半期){_BEHIND.format("to_date")}
  | (?P<unit>(?:連結会計|事業|会計|営業|計算|連結|決算)?年度|(?:連結)?会計期間|期(?![純利損包製税間限待日])|年同(?:期|四半期|中間期|月|日)|年(?![金齢次])|月|日(?![本程常]))
)(?!末?[比対])"""
_PART = rf"""
(?: {_S}(?:の|における)?[ (]{{0,2}}(?P<part>{_QUARTER}|{_HALF}|通期){_BEHIND.format("cumulative")} )?
(?P<edge>期末日?|末日?|期首|首|初日)?"""
_MONTHLY = rf"""
(?P<month3>{_N}){_S}月(?:{_S}(?P<day3>{_N}){_S}日(?!間)|{_S}(?P<of_month3>末日?|初|[上中下]旬|度|期(?!間|限|日)))?"""

#: A day or a period; ranges are put together from two of them.
FORM = re.compile(
    rf"""
    (?: {_YEAR}{_OF_YEAR}
      | (?<![A-Za-z\d])FY[ ]?'?(?P<english>\d{{4}}|\d{{2}})(?!\d)
      | (?<![\d.,])(?P<begin>(?:19|20)\d\d)(?={_S}[~-]{_S}(?:19|20)\d\d{_S}年)
      | {_RELATIVE}
      | 第[ ]?(?P<term>\d{{1,3}}|{_K}{{1,5}})[ ]?期(?:事業年度)?(?![間限])
      | (?P<from2>{_N}){_S}月?{_S}[~ー-]{_S}(?P<to2>{_N}){_S}月(?:期(?!間))?(?!{_S}{_N}{_S}日)
      | {_MONTHLY}
      | (?P<alone>{_QUARTER}|{_HALF}){_BEHIND.format("alone_to_date")}
    ){_PART}""",
    re.VERBOSE,
)
#: What stands between the two ends of a range.
BETWEEN = re.compile(
    rf"(?:\([^()\n]{{1,8}}\))?{_S}(?:(?:から|より)?{_S}[~ー-]{{1,2}}|[、,]?{_S}至|から、?){_S}"
)
#: A second day that leans on the first: 3月1日から31日まで.
DAY_ALONE = re.compile(rf"{_S}(?P<day>{_N}){_S}日(?!間)")


def number(text: str) -> int:
    """Return a whole number in digits or kanji: 31, 三十一, 二〇二四, 二千二十四; 元 is 1."""
    if text.isdecimal():
        return int(text)
    if text == "元":
        return 1
    if not set(text) & set("十百千"):
        return int("".join(str(max(DIGITS.index(one) - 1, 0)) for one in text))
    total, digit = 0, 0
    for one in text:
        if one in "十百千":
            total += max(digit, 1) * {"十": 10, "百": 100, "千": 1000}[one]
            digit = 0
        else:
            digit = max(DIGITS.index(one) - 1, 0)
    return total + digit
