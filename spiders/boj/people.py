"""Who spoke and where: name, office and event out of the cells, titles and opening lines of the Bank of Japan."""

import re
from collections.abc import Mapping
from typing import NamedTuple

#: Offices of the people who speak for the Bank -> what the English pages call them.
OFFICES: Mapping[str, str] = {
    "総裁": "Governor",
    "副総裁": "Deputy Governor",
    "審議委員": "Member of the Policy Board",
    "理事": "Executive Director",
}
_HEADS = r"[一-鿿]{2,12}?(?:局長|室長|所長|支店長)"  # of departments, offices and branches: named only where they stand alone
OFFICE = re.compile(rf"^(?:{'|'.join([*OFFICES, *OFFICES.values()])}|{_HEADS})$")
_SIGN = "一-鿿々ヶ〆ぁ-んァ-ヴー"
_NAME = rf"[{_SIGN}]{{1,8}}(?:[ ・][{_SIGN}]{{1,8}})?"
_JAPANESE = "副総裁|総裁|審議委員|理事"
_BEFORE = re.compile(rf"^(?:日本銀行)? ?(?:政策委員会)? ?({_JAPANESE}|{_HEADS}) ?({_NAME})?$")
_BEHIND = re.compile(rf"^(?:日本銀行)? ?([{_SIGN}]{{1,8}}?(?: [{_SIGN}]{{1,8}}?)?)?? ?({_JAPANESE})$")
_ALONE = re.compile(rf"^[{_SIGN}]{{1,5}} [{_SIGN}]{{1,5}}$")
_WITHIN = re.compile(
    rf"(?:^|[ 日）)】])(?:日本銀行)? ?(?:政策委員会)? ?({_JAPANESE}) ({_NAME})(?:$|[ （(【「])"
)
_TITLE = re.compile(
    rf"(?:における|での|にて|会議|、|・|】|^)(?:日本銀行)?([{_SIGN}]{{0,4}}?)({_JAPANESE})(?:記者会見|基調講演|講演|挨拶|発言|開会|（|\()"
)
_ENGLISH = re.compile(
    r"(?P<deputy>Deputy Governor)|(?P<governor>Governor)"
    r"|(?P<member>Member of the Policy Board|Policy Board Member|Board Member)|(?P<director>Executive Director)",
    re.IGNORECASE,
)
_WORD = r"(?:[A-Z][\w.'’-]*|de|van|von)"
_LATIN = re.compile(rf"^{_WORD}(?: {_WORD}){{1,3}}$")
_POST = "(?:Deputy )?Governor|Member of the Policy Board|Policy Board Member|Board Member|Executive Director"
_ENGLISH_WITHIN = re.compile(
    rf"(?:{_WORD}(?: {_WORD}){{1,2}},? )(?:{_POST})|(?:{_POST}),? (?:{_WORD}(?: {_WORD}){{1,2}})"
)
_ELSE = re.compile(r"\((?:[^)]*)\)|(?:of |at )?(?:the )?Bank of Japan|[,;:]", re.IGNORECASE)
_OCCASION = re.compile(
    r"^(?:\w+ )?(?:speech|remarks|lecture|address|presentation|statement)(?: \w+)? (?:at|to|before|for|in|of) "
    r"(?:the |an? )?(?P<event>.+)$",
    re.IGNORECASE,
)
_WHEN = re.compile(r"^(?:[0-9０-９]+年)? ?[0-9０-９]+月 ?[0-9０-９]+日[、・,， ]*")


class Person(NamedTuple):
    """A name without its office, and the office; each "" where it is not told."""

    name: str = ""
    role: str = ""


def person(text: str, language: str) -> Person:
    """Return whom a cell or a signature that holds nothing else names: 「総裁　白鳥遼太郎」, "ASAI Chihiro, Governor"."""
    text = " ".join(text.split())
    if language == "en":
        return _english(text)
    if found := _BEFORE.match(text):
        return Person(found[2] or "", found[1])
    if found := _BEHIND.match(text):
        return Person(found[1] or "", found[2])
    return Person(text) if _ALONE.match(text) else Person()


def person_within(text: str, language: str) -> Person:
    """Return whom a line names among other words: 「2024年1月5日 総裁 白鳥遼太郎」, 「…における水原副総裁講演要旨」, 「総裁記者会見」."""
    text = " ".join(text.split())
    if language == "en":
        found = _ENGLISH_WITHIN.search(text)
        return _english(found[0]) if found else Person()
    if found := _WITHIN.search(text):
        return Person(found[2], found[1])
    if found := _TITLE.search(text):
        return Person(found[1], found[2])
    return Person()


def _english(text: str) -> Person:
    found = _ENGLISH.search(text)
    left = " ".join(_ELSE.sub(" ", _ENGLISH.sub(" ", text)).split())
    name = left if _LATIN.match(left) else ""
    if not found:
        return Person(name)
    roles = dict(zip(("governor", "deputy", "member", "director"), OFFICES.values(), strict=True))
    return Person(name, roles[str(found.lastgroup)])


def event(text: str) -> str:
    """Return the occasion in a subtitle: 「茨城県金融経済懇談会における挨拶要旨」 -> 「茨城県金融経済懇談会」."""
    text = " ".join(text.split()).strip("―-—–　 ")
    if found := _OCCASION.match(text):
        return found["event"]
    return re.split(r"における|での|にて", _WHEN.sub("", text), maxsplit=1)[0].strip("（）() ")
