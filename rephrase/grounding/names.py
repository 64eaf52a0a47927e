"""The names in a Japanese text: companies, institutions, people, katakana terms, quoted terms, Latin names."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_LETTER = r"[一-鿿々ァ-ヴーA-Za-zＡ-Ｚａ-ｚ]"
_BODY = r"(?:(?!及び|並びに|又は|[0-9０-９][0-9０-９,，.．]*[億万兆千百円株％%年月日人名社件])[一-鿿々〆ヶァ-ヴー・A-Za-zＡ-Ｚａ-ｚ0-9０-９&＆.．\-－']|(?<=[A-Za-zＡ-Ｚａ-ｚ&＆.．])[ 　](?=[A-Za-zＡ-Ｚａ-ｚ&＆]))"
_FORM = r"株式会社|有限会社|合同会社|合資会社|合名会社|相互会社|㈱|㈲|[（(][株有][）)]"
_OF_COMPANY = r"ホールディングス|ホールディング|フィナンシャルグループ|グループ本社|証券|銀行|信託|信用金庫|信用組合|労働金庫|生命保険|損害保険|生命|海上|監査法人|投資法人|法律事務所"
#: What ends a name in hiragana: 株式会社いなげやはどの, 株式会社しまむらの売上高.
_PARTICLE = (
    r"(?:は|が|の|を)(?:どの|いくら|いつ|どれ|どう|どこ|何|[、一-鿿ァ-ヴーA-Za-zＡ-Ｚａ-ｚ0-9０-９「（(])"
)
_INSTITUTIONS = r"取引所|財務局|労働局|国税局|委員会|審議会|協議会|協会|機構|連合会|基金|財団|大学|研究所|裁判所|庁|省|公庫"
_TITLE = r"氏|副?総裁|審議委員|議員|弁護士|公認会計士"
#: What stands before or behind a name of a company without being part of it.
_AROUND = re.compile(
    r"^(?:\d{1,2}\.)?(?:(?:当社|同社|連結|非連結|完全|主要な?|親会社|子会社|孫会社|関連会社|関係会社|持分法適用|会社|提出|持株会社|元|旧|現|前|新|及び|並びに|又は|本社|取引先|者|社)[のた]?)*"
)
_COMPANY = rf"""(?P<company>(?:{_FORM})[ 　]?(?P<after>(?:(?![のにがはをとでもやへ])(?:[ぁ-ん]{{2,8}}?(?={_PARTICLE})|[ぁ-ん]{{1,8}}))?{_BODY}{{0,40}})
    |(?P<before>{_BODY}{{0,40}}{_LETTER})[ 　]?(?:{_FORM})
    |{_BODY}{{2,40}}?(?:{_OF_COMPANY})(?![一-鿿ァ-ヴー])(?!等))"""
_BODIES = rf"""(?P<institution>[一-鿿ァ-ヴー]{{2,14}}?(?:{_INSTITUTIONS})(?![一-鿿ァ-ヴー]))
    |(?P<person>[一-鿿々ァ-ヴー・]{{2,12}}?)(?:{_TITLE})(?![一-鿿])"""
_WORDS = r"""(?P<quoted>「[^「」\n]{2,40}」)
    |(?P<katakana>[ァ-ヴー]{2,}(?:・[ァ-ヴー]{2,})*)
    |(?P<latin>(?<![A-Za-zＡ-Ｚａ-ｚ])[A-Za-zＡ-Ｚａ-ｚ](?:[A-Za-zＡ-Ｚａ-ｚ&＆’'.\-－/]*[A-Za-zＡ-Ｚａ-ｚ])(?![A-Za-zＡ-Ｚａ-ｚ]))"""
_NAME = re.compile(f"{_COMPANY}|{_BODIES}|{_WORDS}", re.VERBOSE)
_WORD = re.compile(_WORDS, re.VERBOSE)
_HINT = re.compile(rf"{_FORM}|{_OF_COMPANY}|{_INSTITUTIONS}|{_TITLE}")
_SMALL = str.maketrans("ァィゥェォッャュョヮヵヶヴ", "アイウエオツヤユヨワカケブ", "・ 　\t\n\r\u200b“”\"'’‘")
_LONG = re.compile(r"ー(?![ァ-ヴー])")
_FORMS = re.compile(r"\([株]\)|㈱")
_LEGAL = re.compile(r"株式会社|有限会社|合同会社|合資会社|合名会社|相互会社")
#: Names by which one thing is known; each stands for the first one.
_SHORT = (
    ("日本銀行", "日銀"),
    ("東京証券取引所", "東証"),
    ("名古屋証券取引所", "名証"),
    ("福岡証券取引所", "福証"),
    ("札幌証券取引所", "札証"),
    ("大阪取引所", "大阪証券取引所", "大証"),
    ("経済産業省", "経産省"),
    ("厚生労働省", "厚労省"),
    ("国土交通省", "国交省"),
    ("農林水産省", "農水省"),
    ("文部科学省", "文科省"),
    ("公正取引委員会", "公取委"),
    ("連邦準備制度理事会", "連邦準備理事会", "frb"),
    ("欧州中央銀行", "ecb"),
    ("国際通貨基金", "imf"),
    ("経済協力開発機構", "oecd"),
    ("国内総生産", "gdp"),
    ("消費者物価指数", "cpi"),
    ("米ドル", "usドル", "us$", "usd"),
    ("ユーロ", "eur", "€"),
    ("パーセント", "%"),
    ("ポイント", "pt"),
)


class Name(NamedTuple):
    """A name at the characters [start, end) of a text: company, institution, person, quoted, katakana or latin."""

    kind: str
    text: str
    start: int
    end: int


def names(text: str) -> Iterator[Name]:
    """Yield the names of a text in order; what a longer name holds is not yielded again, but what quotes hold is."""
    at = 0
    pattern = (
        _NAME if _HINT.search(text) else _WORD
    )  # most texts name no company, and looking for one is slow
    while match := pattern.search(text, at):
        kind = match.lastgroup or ""
        start, end = match.span(kind)
        at = match.start() + 1 if kind == "quoted" else match.end()
        name = text[start:end].strip("「」 　") if kind == "quoted" else text[start:end]
        if kind == "company" and (tail := _SHARE.search(name) or _TAIL.search(name)):
            name, end = name[: tail.start()], start + tail.start()
        if kind == "company" and not (match["after"] or match["before"]) and not _is_called(name):
            continue
        yield Name(kind, name, start, end)


_SHARE = re.compile(r"(?<=.)分約?[0-9０-９].*$")  # 株式会社渚レント分64億円
#: What a name in katakana or Latin letters has behind it that is none of it: 株式会社渚レント株式, 株式会社渚レント第15回定時株主総会.
_TAIL = re.compile(
    r"(?<=[ァ-ヴーA-Za-zＡ-Ｚａ-ｚ])(?:株式|普通株式|自己株式|所有|保有|発行|第[0-9０-９]|単体|連結|本社|代表|取締役|定時|臨時|従業員|役員|関係会社|完全子会社|子会社|連結子会社)(?!㈱|株式会社).*$"
)
_CALLED = re.compile(rf"[^ 　](?:{_OF_COMPANY})$")
_COMMON = re.compile(
    r"(?:有価|幹事|取引|抵当|信用[売買]|[売買借]|受益|投資|予約権|預託|出資|優先|外国|特定|担保|裏付け?|保有|派生|仕組|社債|発行)証券|(?:取引|地方|都市|中央|投資|民間|国内|外国|海外|主要|大手|商業|系|各|同|本)(?:銀行|証券)|(?:投資|金銭|給付|年金|株式|公益|土地)信託$"
)


def _is_called(name: str) -> bool:
    """Whether words without a legal form are a company's name, and not a common word: 株式会社に, 有価証券, 取引銀行."""
    return _CALLED.search(name) is not None and _COMMON.search(name) is None


@lru_cache(maxsize=4096)
def companies(text: str) -> tuple[Name, ...]:
    """Return the companies that a text names; those of the sentences and rows read last are remembered."""
    return tuple(name for name in names(text) if name.kind == "company") if _HINT.search(text) else ()


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Return a text as names compare: NFKC, lower case, ㈱ written out, no spaces and middle dots, ソフトウェア as ソフトウエア."""
    folded = _FORMS.sub("株式会社", unicodedata.normalize("NFKC", text).casefold())
    return _LONG.sub("", folded.translate(_SMALL))


def core(text: str) -> str:
    """Return the plain name of a company without its legal form, the number of a note and the words around it."""
    return _AROUND.sub("", _LEGAL.sub("", plain(text))) or plain(text)


def known_as(name: str) -> tuple[str, ...]:
    """Return the plain names by which a plain name is known, itself first."""
    for group in _SAME:
        for own in group:
            if own in name:
                return (name, *(name.replace(own, one) for one in group if one != own))
    return (name,)


_SAME = tuple(tuple(map(plain, sorted(group, key=len, reverse=True))) for group in _SHORT)


def stands_in(name: str, text: str, *, apart: bool = False) -> bool:
    """Whether a plain name stands in a plain text; one in Latin letters not as a part of a longer word.

    Plain texts have no spaces, so that a long Latin name may touch the word beside it, unless it must stand ``apart``.
    """
    if name not in text:
        return False
    if (len(name) > 4 and not apart) or not (name[0].isascii() or name[-1].isascii()):
        return True
    return re.search(rf"(?<![a-z]){re.escape(name)}(?![a-z])", text) is not None
