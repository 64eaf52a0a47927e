"""What an encyclopedia's article says of its title in its first sentence, and which listed companies it names."""

import re
from typing import NamedTuple

from corpus.document import Document

_QUALIFIER = re.compile(r"\s*[（(][^（）()]*[）)]$")
_PERSON = re.compile(r"^(?:\d{1,4}年(?:生|没)|存命人物)$")
_BEFORE = re.compile(
    r"(?:# .*\n+)?(?:(?:[-|>] ?.*\n)+\n*)*"
)  # the title, and a box of facts beside the article
_INDUSTRY = re.compile(r"^- 業種: (\S[^\n]{0,30})$", re.MULTILINE)
_READING = re.compile(r"[ぁ-ゖァ-ヺー・･ 　]+$")
_ENGLISH = re.compile(r"(?:英(?:語)?(?:表記|名)?\s*[:：]?\s*)([A-Za-z][A-Za-z0-9 ,.'’&/()-]*[A-Za-z0-9.)])")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9 ,.'’&/-]{4,}(?=[）)、;；])")
_CODE = "[0-9][0-9A-Z][0-9][0-9A-Z]"
# 甲社（東証プライム：1301）, 乙社（証券コード 130A）: a bare number in brackets may be a year.
_STOCK = re.compile(
    r"([^\s、。，．（）()「」『』|・：:,]{2,40})[（(](?:(?:東証|東京証券取引所|名証|名古屋証券取引所|福証|札証)[^（）()0-9]{0,16}"
    rf"|(?:証券|銘柄)コード)[ 　]*[:：]?[ 　]*({_CODE})(?=[）)、,　 ])"
)
_OWN = re.compile(rf"(?:証券|銘柄)コード[はが:： 　]*({_CODE})(?![0-9A-Za-z])")
_PARTICLES = re.compile(r"^.*[はがをのとやにでも](?=[^ぁ-ん])")


class Lead(NamedTuple):
    """The keyword of an article and its characters [start, end), and those of what is known of it."""

    keyword: str
    named: tuple[int, int]
    reading: tuple[int, int] | None
    english: tuple[int, int] | None
    industry: tuple[int, int] | None
    paragraph: tuple[int, int]


class Stock(NamedTuple):
    """A listed company that a text names with its code between the characters [start, end)."""

    name: str
    code: str
    start: int
    end: int


def lead(document: Document) -> Lead | None:
    """Return the opening of an article that says what its title is; None for persons, lists and other openings.

    The first paragraph, behind a box of facts, must begin with the title, as far as a qualifier in brackets,
    perhaps with its reading and English in brackets behind it, and go on with は, とは or a comma.
    """
    text, keyword = document.text, _QUALIFIER.sub("", document.title)
    if any(map(_PERSON.match, document.meta.get("categories", "").split(","))):
        return None
    before = _BEFORE.match(text)
    start = before.end() if before else 0
    stop = text.find("\n\n", start)
    end = len(text) if stop < 0 else stop
    opens = re.compile(rf"[「『]?((?:株式会社)?{re.escape(keyword)}(?:株式会社)?)[」』]?").match(
        text, start, end
    )
    if not opens or not keyword:
        return None
    at = opens.end()
    inside = _brackets(text, at, end)
    after = inside[1] + 1 if inside else at
    if not re.compile(r"[ 　]*(?:とは|は|、|，)").match(text, after, end):
        return None
    reading = english = None
    if inside:
        reading, english = _reading(text, *inside), _english(text, *inside)
    field = _INDUSTRY.search(text, 0, start)
    return Lead(opens[1], opens.span(1), reading, english, field.span(1) if field else None, (start, end))


def _brackets(text: str, at: int, end: int) -> tuple[int, int] | None:
    """Return what stands inside the brackets that open at ``at``, inner ones included."""
    if text[at : at + 1] not in ("（", "("):
        return None
    depth = 0
    for place in range(at, min(end, at + 300)):
        depth += (text[place] in "（(") - (text[place] in "）)")
        if not depth:
            return at + 1, place
    return None


def _reading(text: str, start: int, end: int) -> tuple[int, int] | None:
    first = re.compile(r"[^、，,;；/]*").match(text, start, end)
    said = first[0].strip() if first else ""
    return (start, start + len(said)) if said and _READING.match(said) else None


def _english(text: str, start: int, end: int) -> tuple[int, int] | None:
    if found := _ENGLISH.search(text, start, end):
        return found.span(1)
    latin = _LATIN.match(text, start, end + 1)  # with the bracket that closes
    return latin.span() if latin else None


def listed_companies(text: str, opening: Lead) -> list[Stock]:
    """Return the companies that an article names with the code of their shares, each once, in order.

    The code that stands in the first paragraph without a name is that of the company the article is about.
    """
    found: dict[str, Stock] = {}
    if own := _OWN.search(text, *opening.paragraph):
        found[own[1]] = Stock(opening.keyword, own[1], opening.named[0], own.end())
    for stock in _STOCK.finditer(text):
        name = _PARTICLES.sub("", stock[1]) or stock[1]
        start = stock.end(1) - len(name)
        found.setdefault(stock[2], Stock(name, stock[2], start, stock.end(2)))
    return list(found.values())
