"""Every quantity of a Japanese text: value, unit, displayed precision and how exact it claims to be.

Not quantities are numerals that belong to a date or a period (``rephrase.grounding.periods`` reads those), the numbers
of notes and list entries, and scales that only name a unit (百万円未満). Numerals inside a name are kept as tokens that
must agree as text: SVF2, S&P500, 5G and 1株当たり have the unit ``name:...``, 第24条 the unit ``第条``, 3分の2 ``分の3``.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from rephrase.grounding.numerals import DECIMAL, KANJI, RUN, narrow, numeral
from rephrase.grounding.units import CODES, UNITS, WORD, Unit, scaled


class Quantity(NamedTuple):
    """``value`` in ``unit`` as the characters [start, end) say it, sign applied; ``step`` is one in its last place.

    ``hedge`` is about, over, under, up (以上) or down (以下), or empty. ``signed`` says that a sign is written,
    ``bare`` that no unit is (the unit is empty then), ``bracketed`` that brackets enclose it and nothing else.
    """

    value: Decimal
    unit: str
    step: Decimal
    start: int
    end: int
    text: str
    hedge: str = ""
    signed: bool = False
    bracketed: bool = False

    @property
    def bare(self) -> bool:
        """Whether no unit is written."""
        return not self.unit

    @property
    def is_token(self) -> bool:
        """Whether it is a numeral of a name, an article or a fraction, which must agree exactly."""
        return self.unit.startswith(("name:", "第", "分の"))

    def times(self, unit: Unit) -> "Quantity":
        """Return a bare quantity in a unit that something else names."""
        return self._replace(value=self.value * unit.worth, step=self.step * unit.worth, unit=unit.name)


_SIGN = r"(?:[△▲]\s?|マイナス\s?|(?<![A-Za-z0-9)\]%])-)"
_CODE = "|".join(
    re.escape(code) + (r"\s?" if code.isalpha() else "") for code in sorted(CODES, key=len, reverse=True)
)
_ORDINALS = "部条項号回期位章節款目種次版段類編"
_QUANTITY = re.compile(
    rf"""(?P<name>(?<![\d,.])1\s?(?:株|人|口|名|社|単元|店舗|個|ADR|台)\s?(?:当たり|あたり|当り)|(?<![A-Za-z0-9])(?!(?:{_CODE})\d)[A-Za-z&][A-Za-z&.\-]{{0,30}}\d[\dA-Za-z\-]{{0,30}}|\d+(?:\.\d+){{2,}}|\d+(?:-\d+){{2,}}|0\d+-\d+|(?<=〒)\d+-\d+)
    |第\s?(?P<ordinal>{RUN})(?P<of>[{_ORDINALS}]?)(?P<sub>(?:の\d{{1,2}}(?![\d,.分%円株人名社年回割倍]))*)
    |(?P<parts>{DECIMAL}|[二三四五六七八九十])分の(?P<share>{DECIMAL}|[一二三四五六七八九十])
    |(?P<sign>{_SIGN})?(?:(?P<code>(?<![A-Za-z])(?:{_CODE}))(?P<late>[△▲-])?)?(?P<run>{RUN})
        (?:\s(?P<scale>十億|百万|千万|十万|[千万億兆])(?={WORD})(?!{WORD}未満))?
        (?:\s?(?P<unit>{WORD})(?:(?<=割)(?:(?P<tenths>\d)分)?(?:(?P<mills>\d)厘)?)?)?(?P<after>[A-Za-z]*)""",
    re.VERBOSE,
)
# Kanji alone count something only before such words: 三社 does, 一部 and 四半期 do not.
_COUNTS = frozenset(
    re.findall(
        r"\S+",
        "円 株 社 件 割 倍 銭 % パーセント 年間 カ月 か月 ヵ月 ヶ月 カ年 か年 人 名 回 つ 種類 個 台 店舗 歳 ポイント 銘柄",
    )
)
_MONEY_LIKE = frozenset(["円", "株", "ドル", "米ドル", "ユーロ", "%"])
_SCALES_ONLY = re.compile("[百千万億兆]+|十[万億]")
_ENGLISH = {"thousand": 3, "million": 6, "mn": 6, "billion": 9, "bn": 9, "trillion": 12}
_WORDS_AFTER = re.compile(rf"\s({'|'.join(_ENGLISH)})\b", re.IGNORECASE)
_UNIT_AFTER = re.compile(r"\s?[(\[]([^()\[\]]{1,12})[)\]]")
_MEANT = r"[千百万億兆]|[円%倍]|株(?!式)|ドル|米ドル|ポイント|\(|$"  # behind a space, what makes a number at the head of a line an amount
_ENTRY = re.compile(
    rf"""^[ \t>*\-・◆●]*\#*\s*(?:[(\[]?\s*\d{{1,2}}\s*[)\]]
    |\d{{1,2}}(?:[-.]\d{{1,2}})*\s*(?:[.、)](?!\d)|[.、](?=(?:19|20)\d\d年)|(?=[ 【])(?!\s*(?:{_MEANT}))))""",
    re.MULTILINE | re.VERBOSE,
)
_NOTE = re.compile(
    r"(?:[(\[]?\s*注\s*[)\]]?|※|[(\[]\s*[*＊])\s*\d{1,2}(?![\d株円人名社個%百千万億])(?:\s*[,、・]\s*\d{1,2}(?![\d株円人名社個%百千万億]))*|(?<=[^\d\s|])[(\[]\d{1,2}[)\]]"
)
_DAYS = re.compile(
    r"(?:[一二][〇九][〇一二三四五六七八九]{2}|(?:19|20)\d\d|(?:明治|大正|昭和|平成|令和)\s*(?:\d{1,2}|元))\s*年\s*度?(?:\s*\d{1,2}\s*月)?(?:\s*\d{1,2}\s*日)?|"
    r"(?<![\d.])(?:1[0-2]|0?[1-9])\s*月(?![間額])(?:\s*(?:[12]\d|3[01]|0?[1-9])\s*日)?|(?<!\d)(?:19|20)?\d\d[/.](?:1[0-2]|0?[1-9])(?:[/.]\d{1,2}|\s?期)|"
    r"第?\d\s?四半期|第\s?\d{1,3}\s?期"
)
_LEADING = (
    (re.compile(r"(?:約|およそ|ほぼ|概ね|おおむね|凡そ|おおよそ|大体)[\s¥$]*$"), "about"),
    (re.compile(r"(?:最低|少なくとも)でも?[\s¥$]*$"), "up"),
    (re.compile(r"(?:最大|最高|多くとも)で?も?[\s¥$]*$"), "down"),
)
_TRAILING = (
    (re.compile(r"[(\s]*(?:程度|前後|ほど|台|近く|余り|あまり|余(?!剰|地|裕|資))"), "about"),
    (re.compile(r"\s*(?:超|を?\s?(?:超え|上回)|強(?![化い]))"), "over"),
    (re.compile(r"\s*(?:未満|を?\s?下回|弱(?![体ま]))"), "under"),
    (re.compile(r"\s*以上"), "up"),
    (re.compile(r"\s*(?:以下|以内)"), "down"),
)


def quantities(text: str, outside: Iterable[tuple[int, int]] = (), *, cell: bool = False) -> list[Quantity]:
    """Return the quantities of a text in its order; numerals in the spans ``outside`` (periods) are left out.

    A ``cell`` of a table has no list entries: (7) is a number there.

    All writings of one amount give one value: 1,234百万円, 12億3,400万円 and １２億３，４００万円. 割, 分 and 厘 are percent, 銭
    is yen, bp points. Of a range (10～20億円) both ends have the scale and the unit of the last.
    """
    plain = narrow(text)
    if not any(c.isdecimal() or c in KANJI for c in plain):
        return []
    left_out = (_DAYS, _NOTE) if cell else (_DAYS, _ENTRY, _NOTE)
    taken = sorted([*outside, *(one.span() for pattern in left_out for one in pattern.finditer(plain))])
    found = _joined(list(_read(plain, taken)), plain)
    return [one._replace(text=text[one.start : one.end]) for one in found]


def values(text: str) -> set[Decimal]:
    """Return all numbers of a text by value, without their signs and units, those of days and periods included."""
    plain = narrow(text)
    taken = [one.span() for one in _NOTE.finditer(plain)]
    return {
        abs(one.value)
        for one in _joined(list(_read(plain, taken)), plain)
        if not one.unit.startswith("name:")
    }


def _read(plain: str, taken: list[tuple[int, int]]) -> Iterator[Quantity]:
    at = barrier = 0
    for start, end in [*taken, (len(plain), len(plain))]:
        # What stands in a date is skipped, and no number reaches over its edges.
        for one in _QUANTITY.finditer(plain, max(at, barrier), max(start, barrier)):
            if quantity := _quantity(plain, one):
                yield quantity
        at, barrier = max(at, start), max(barrier, end)


def _quantity(plain: str, one: re.Match[str]) -> Quantity | None:
    start, end = one.span()
    if name := one["name"]:
        plain_name = re.sub("あたり|当り", "当たり", name.replace(" ", "").lower())
        return Quantity(Decimal(0), f"name:{plain_name}", Decimal(1), start, end, "")
    if one["ordinal"]:
        number = numeral(one["ordinal"])
        if not one["ordinal"][0].isdecimal() and not one["of"]:
            return None  # 第三者, 第一生命
        return number and Quantity(number.value, "第" + one["of"] + one["sub"], Decimal(1), start, end, "")
    if one["parts"]:
        parts, share = numeral(one["parts"]), numeral(one["share"])
        return (
            parts
            and share
            and Quantity(share.value, f"分の{parts.value.normalize():f}", Decimal(1), start, end, "")
        )
    return _amount(plain, one)


def _amount(plain: str, one: re.Match[str]) -> Quantity | None:
    run, word, code = one["run"], one["unit"] or "", (one["code"] or "").strip()
    start, end = one.start(), one.end("unit") if word else one.end("run")
    number = numeral(run + (one["scale"] or ""))
    if (
        number is None and run[0].isdecimal()
    ):  # 9億7,000百万: no number, so that nothing but the same words proves it
        return Quantity(Decimal(0), "name:" + run + word, Decimal(1), start, end, "")
    if number is None or not (run[0].isdecimal() or _counts(plain, one.start("run"), run, word)):
        return None
    if word == "つ" and number.value == 1:  # 一つは, 1つとして: no count
        return None
    if one["after"] and not word:
        after = one["after"]
        return Quantity(Decimal(0), "name:" + (run + after).lower(), Decimal(1), start, one.end(), "")
    value, step = number
    unit = UNITS[word] if word else Unit(CODES.get(code, ""))
    if code and not word and (scale := _WORDS_AFTER.match(plain, end)):
        value, step = value.scaleb(_ENGLISH[scale[1].lower()]), step.scaleb(_ENGLISH[scale[1].lower()])
        end = scale.end()
    bracketed = plain[max(start - 1, 0) : start] in ("(", "[") and plain[end : end + 1] in (")", "]")
    if not word and not code:
        if (behind := _UNIT_AFTER.match(plain, end)) and len(named := scaled(behind[1])) == 1:
            unit, end = named[0], behind.end()
        elif (
            step == 1
            and value < 100
            and (katakana := re.search("[ァ-ヶー]{2,}$", plain[max(start - 12, 0) : start]))
        ):
            return Quantity(value, "name:" + katakana[0], step, start, end, "")
    negative = bool(one["sign"] or one["late"])
    if one["tenths"] or one["mills"]:
        value += Decimal(one["tenths"] or 0) / 10 + Decimal(one["mills"] or 0) / 100
        step, end = (
            Decimal("0.01") if one["mills"] else Decimal("0.1"),
            one.end("mills") if one["mills"] else one.end("tenths"),
        )
    value, step = value * unit.worth, step * unit.worth
    if negative:
        value = -value
    return Quantity(value, unit.name, step, start, end, "", _hedge(plain, start, end), negative, bracketed)


def _counts(plain: str, start: int, run: str, word: str) -> bool:
    """Whether a numeral that begins with kanji is one: 三百万円 is, the 一 of 一部 and the 百万 of 百万円未満 are not."""
    if word not in _COUNTS and not (len(run) > 1 and word):
        return False
    before = plain[max(start - 1, 0) : start]
    if before in ("数", "何", "幾"):
        return False
    # 統一, 唯一, 万一 and the like end with what only looks like a number.
    if _SCALES_ONLY.fullmatch(run):
        return word not in _MONEY_LIKE and word in _COUNTS
    return not (
        run == "一" and (word in ("人", "名", "つ", "回", "種類", "件", "個") or "一" <= before <= "龥")
    )


def _hedge(plain: str, start: int, end: int) -> str:
    before = plain[max(start - 8, 0) : start]
    for pattern, hedge in _LEADING:
        if pattern.search(before):
            return hedge
    for pattern, hedge in _TRAILING:
        if pattern.match(plain, end):
            return hedge
    return ""


_RANGE = re.compile(r"\s?[~〜～\-–―/]\s?|\s?(?:から|ないし|乃至)\s?")


def _joined(found: list[Quantity], plain: str) -> list[Quantity]:
    """Return the quantities with 12円50銭 as one, and both ends of a range in one unit."""
    joined: list[Quantity] = []
    for one in found:
        last = joined[-1] if joined else None
        if last and last.end == one.start and _is_rest(plain, last, one):
            value = last.value + (-one.value if last.value < 0 else one.value)
            joined[-1] = last._replace(value=value, step=one.step, end=one.end, hedge=last.hedge or one.hedge)
        else:
            joined.append(one)
    for at in range(len(joined) - 2, -1, -1):
        one, after = joined[at], joined[at + 1]
        if one.bare and after.unit and not after.is_token and _RANGE.fullmatch(plain, one.end, after.start):
            joined[at] = one.times(_unit_of(plain, after, one.value))
    return joined


def _is_rest(plain: str, last: Quantity, one: Quantity) -> bool:
    return last.unit == one.unit == "JPY" and plain[last.end - 1] == "円" and plain[one.end - 1] == "銭"


def _unit_of(plain: str, quantity: Quantity, beside: Decimal) -> Unit:
    """Return the unit of the last end of a range with its scale: of 10～20億円 a hundred million yen."""
    word = re.search(rf"({DECIMAL})([千百万億兆十]*)", plain[quantity.start : quantity.end])
    shown = Decimal(word[1].replace(",", "")) if word else Decimal(1)
    return Unit(quantity.unit, abs(quantity.value) / shown if shown else Decimal(1))
