"""What a text mentions and the words around it, so that a claim's mention can be held against the one it repeats."""

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from rephrase.grounding.calendar import Period
from rephrase.grounding.periods import periods
from rephrase.grounding.quantities import Quantity, quantities
from rephrase.grounding.source import Source

Sort = Literal["quantity", "time", "company", "we"]
_COMPANY = re.compile(
    r"(?:株式会社|㈱|[（(]株[）)])[ァ-ヶーＡ-ＺA-Za-zａ-ｚ一-鿿・＆&]{1,24}"
    r"|[ァ-ヶーＡ-ＺA-Za-zａ-ｚ一-鿿・＆&]{1,24}(?:株式会社|㈱|[（(]株[）)])"
)
_WE = re.compile(r"当社|弊社|当行")
_FORM = re.compile(r"株式会社|㈱|[（(]株[）)]")
_SPACE = re.compile(r"[\s　]")
_TOPIC = re.compile(r"([^、。（）()「」\s]{2,40})は、?[^は]*$")
_PAUSE = re.compile(r"(?<=[はがも])、")  # 基準日は、毎年 and 基準日は毎年 are the same words
_BLANK = re.compile(r"[^\S\n]+")
_CONTENT = re.compile(r"[一-鿿々〆ァ-ヶーA-Za-z]")
_NOTE = 1000  # a number without a unit that is smaller says nothing by itself
_COPIED = 8  # characters that carry meaning
_REACH = 24  # symbols on either side that are compared
_WEIGHT = 3  # a value that both have means as much as so many characters
_PRIVATE, _PRIVATE_SIZE = (
    0xF0000,
    65_534,
)  # Unicode's private plane: one sign for each value that is mentioned


@dataclass(frozen=True, slots=True)
class Mention:
    """Characters [start, end) that name a quantity, a time or a company; ``we`` is the filing company itself.

    ``left`` are the symbols before it, the nearest first, ``right`` those behind it: characters without white space, and
    for another mention one symbol that stands for its value.
    """

    start: int
    end: int
    sort: Sort
    value: Quantity | Period | str
    left: str = ""
    right: str = ""
    topic: str = ""  # what its sentence is about: 営業利益 of 営業利益は566百万円
    sentence: int = 0  # where its sentence begins


def mentions(text: str, own: Period | None, company: str = "") -> list[Mention]:
    """Return what a text mentions, in order; ``company`` is who 当社 is, and may be named without its legal form."""
    times = periods(text, own)
    found = [Mention(one.start, one.end, "time", one) for one in times]
    found += [
        Mention(_with_hedge(text, one.start), one.end, "quantity", one)
        for one in quantities(text, [(one.start, one.end) for one in times])
        if not (one.is_token or (one.bare and abs(one.value) < _NOTE))  # numbers of notes and lists
    ]
    found += list(_companies(text, company))
    taken: list[Mention] = []
    for one in sorted(found, key=lambda mention: (mention.start, -mention.end)):
        if not taken or one.start >= taken[-1].end:
            taken.append(one)
    return list(_with_words(text, taken))


def _with_hedge(text: str, start: int) -> int:
    """Return where a quantity begins with the 約 before it, which one writer sets and the other does not."""
    return next(
        (start - len(word) for word in ("約", "およそ", "計") if text.endswith(word, 0, start)), start
    )


def _companies(text: str, company: str) -> Iterator[Mention]:
    for match in _COMPANY.finditer(text):
        yield Mention(match.start(), match.end(), "company", plain_name(match[0]))
    own = {name for name in (company, _FORM.sub("", company).strip()) if len(name) > 2}
    for name in own:
        for match in re.finditer(re.escape(name), text):
            yield Mention(match.start(), match.end(), "company", plain_name(name))
    for match in _WE.finditer(text):
        yield Mention(match.start(), match.end(), "we", plain_name(company))


def plain_name(name: str) -> str:
    """Return the name of a company without its legal form and white space, in NFKC."""
    return _SPACE.sub("", unicodedata.normalize("NFKC", _FORM.sub("", name)))


def _with_words(text: str, found: Sequence[Mention]) -> Iterator[Mention]:
    """Yield the mentions with the symbols around them."""
    pieces: list[str] = []
    places: list[int] = []
    at = length = 0
    for one in found:
        for piece in (_symbols(text[at : one.start]), _symbol(one)):
            pieces.append(piece)
            length += len(piece)
        places.append(length - 1)
        at = one.end
    line = "".join((*pieces, _symbols(text[at:])))
    for one, place in zip(found, places, strict=True):
        left, right = line[max(place - _REACH, 0) : place][::-1], line[place + 1 : place + 1 + _REACH]
        begin = max(text.rfind(mark, 0, one.start) for mark in "。\n") + 1
        about = _TOPIC.search(text, begin, one.start)
        topic = _symbols(about[1]) if about else ""
        yield replace(
            one, left=left.partition("\n")[0], right=right.partition("\n")[0], topic=topic, sentence=begin
        )


def _symbols(text: str) -> str:
    return _PAUSE.sub("", _BLANK.sub("", unicodedata.normalize("NFKC", text)))


def _symbol(one: Mention) -> str:
    """Return one sign for the value of a mention; equal values have the same, others hardly ever."""
    value = one.value
    if isinstance(value, Quantity):
        key = f"{value.unit} {abs(value.value).normalize()}"
    elif isinstance(value, Period):
        key = f"{value.last} {value.instant}" if value.known else value.said
    else:
        key = value
    return chr(_PRIVATE + zlib.crc32(key.encode()) % _PRIVATE_SIZE)


@lru_cache(maxsize=256)
def of_source(source: Source) -> list[Mention]:
    """Return what a source mentions; ``source_of`` gives the same one for items about one chunk."""
    return mentions(source.text, source.own, source.chunk.document.meta.get("filer", ""))


def is_copied(text: str, end: int, source: Source) -> bool:
    """Whether the quantity that ends at a place of a text, and a long run of words before it, stand so in a source."""
    own = mentions(text, source.own, source.chunk.document.meta.get("filer", ""))
    one = next((one for one in own if one.end == end and isinstance(one.value, Quantity)), None)
    if one is None:
        return False
    return any(
        _symbol(one) == _symbol(other) and len(_CONTENT.findall(_run(one.left, other.left))) >= _COPIED
        for other in of_source(source)
        if other.sort == "quantity"
    )


def shared(one: Mention, other: Mention) -> tuple[int, int]:
    """Return how many characters stand around both mentions alike, without a gap; and how many of them carry meaning."""
    runs = _run(one.left, other.left) + _run(one.right, other.right)
    meaning = len(_CONTENT.findall(runs)) + _WEIGHT * sum(ord(sign) >= _PRIVATE for sign in runs)
    return len(runs), meaning


def _run(one: str, other: str) -> str:
    count = next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    return one[:count]
