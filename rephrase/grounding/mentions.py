"""What a text mentions and the words around it, so that a claim's mention can be held against the one it repeats."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rephrase.grounding.calendar import Period
from rephrase.grounding.periods import periods
from rephrase.grounding.quantities import Quantity, quantities

Sort = Literal["quantity", "time", "company", "we"]
_COMPANY = re.compile(
    r"(?:株式会社|㈱|[（(]株[）)])[ァ-ヶーＡ-ＺA-Za-zａ-ｚ0-9０-９一-鿿・＆&]{1,24}"
    r"|[ァ-ヶーＡ-ＺA-Za-zａ-ｚ0-9０-９一-鿿・＆&]{1,24}(?:株式会社|㈱|[（(]株[）)])"
)
_WE = re.compile(r"当社|弊社|当行")
_FORM = re.compile(r"株式会社|㈱|[（(]株[）)]")
_SPACE = re.compile(r"[\s　]")
_BLANK = re.compile(r"[^\S\n]+")
_CONTENT = re.compile(r"[一-鿿々〆ァ-ヶーA-Za-z]")
_REACH = 24  # symbols on either side that are compared
_PLACEHOLDER = {"quantity": "\ue000", "time": "\ue001", "company": "\ue002", "we": "\ue002"}


@dataclass(frozen=True, slots=True)
class Mention:
    """Characters [start, end) that name a quantity, a time or a company; ``we`` is the filing company itself.

    ``left`` are the symbols before it, the nearest first, ``right`` those behind it: characters without white space, other
    mentions as one symbol each.
    """

    start: int
    end: int
    sort: Sort
    value: Quantity | Period | str
    left: str = ""
    right: str = ""


def mentions(text: str, own: Period | None, names: Sequence[str] = ()) -> list[Mention]:
    """Return what a text mentions, in order; ``names`` are companies that it may name without their legal form."""
    times = periods(text, own)
    found = [Mention(one.start, one.end, "time", one) for one in times]
    found += [
        Mention(one.start, one.end, "quantity", one)
        for one in quantities(text, [(one.start, one.end) for one in times])
        if not one.is_token
    ]
    found += list(_companies(text, names))
    taken: list[Mention] = []
    for one in sorted(found, key=lambda mention: (mention.start, -mention.end)):
        if not taken or one.start >= taken[-1].end:
            taken.append(one)
    return list(_with_words(text, taken))


def _companies(text: str, names: Sequence[str]) -> Iterator[Mention]:
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    for match in _COMPANY.finditer(text):
        yield Mention(match.start(), match.end(), "company", plain_name(match[0]))
    for match in re.finditer(pattern, text) if pattern else ():
        yield Mention(match.start(), match.end(), "company", plain_name(match[0]))
    for match in _WE.finditer(text):
        yield Mention(match.start(), match.end(), "we", "")


def plain_name(name: str) -> str:
    """Return the name of a company without its legal form and white space, in NFKC."""
    return _SPACE.sub("", unicodedata.normalize("NFKC", _FORM.sub("", name)))


def _with_words(text: str, found: Sequence[Mention]) -> Iterator[Mention]:
    """Yield the mentions with the symbols around them."""
    pieces: list[str] = []
    places: list[int] = []
    at = length = 0
    for one in found:
        for piece in (_symbols(text[at : one.start]), _PLACEHOLDER[one.sort]):
            pieces.append(piece)
            length += len(piece)
        places.append(length - 1)
        at = one.end
    line = "".join((*pieces, _symbols(text[at:])))
    for one, place in zip(found, places, strict=True):
        left, right = line[max(place - _REACH, 0) : place][::-1], line[place + 1 : place + 1 + _REACH]
        yield replace(one, left=left.partition("\n")[0], right=right.partition("\n")[0])


def _symbols(text: str) -> str:
    return _BLANK.sub("", unicodedata.normalize("NFKC", text))


def shared(one: Mention, other: Mention) -> int:
    """Return how many characters that carry meaning stand around both mentions alike, without a gap."""
    return _run(one.left, other.left) + _run(one.right, other.right)


def _run(one: str, other: str) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += bool(_CONTENT.match(left))
    return count
