"""Sentences with a number left out, and sentences whose heading is asked for."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import zip_longest

from corpus.document import Document
from rephrase.facts.claim import Claim, Option, Place, folded
from rephrase.facts.prose import Sentence, about, said

_UNIT = "(?:百万|十億|千|万|億|兆)?円|百万ドル|億ドル|ドル|％|%|パーセント|ポイント|件|社|人|名|店舗?|倍|箇?[か所ヶケ]所|か国|ヵ国|株|トン|台|戸|棟|言語|語|種類|種"
_NUMBER = re.compile(
    rf"(?<![0-9０-９.,．，第])(?P<digits>[0-9０-９]{{1,3}}(?:[,，][0-9０-９]{{3}})+|[0-9０-９]+)(?P<part>[.．][0-9０-９]+)?(?P<unit>{_UNIT})(?![0-9０-９])"
)
_DIGITS = re.compile(r"[0-9０-９]+")
_GAP = "（　）"
_SHORTEST = 25  # characters around a gap that say what is counted
_CHANGES = 10  # a wrong number is within this factor
_TITLE = re.compile(
    r"^.*【(?P<title>[^【】]+)】.*$|^[（(]?[0-9０-９一二三四五六七八九十①-⑳ⅰ-ⅹ第章節項部.．、)）\s]*(?P<rest>.*)$"
)
_HEADING = re.compile(r"^(#{1,6}) +(.+)$", re.MULTILINE)


def claims(document: Document) -> list[Claim]:
    """Return the gaps of a document, then the sentences whose heading is asked for; none where it has no name."""
    name = about(document)
    if not name or document.language != "ja":
        return []
    alone = [one for one in said(document) if one.alone]
    return [*_gaps(document, alone, name), *_headings(document, alone, name)]


def _value(match: re.Match[str]) -> Decimal:
    return Decimal(folded(match["digits"]).replace(",", "") + folded(match["part"] or ""))


def _gaps(document: Document, alone: list[Sentence], name: str) -> Iterator[Claim]:
    """Yield a claim for a number of each sentence that shows it once, wherever no fact asks for it anyway."""
    facts = {folded(fact.value).lstrip("△▲-") for fact in document.facts}
    found = [(one, match) for one in alone for match in _NUMBER.finditer(one.text)]
    by_unit: defaultdict[str, list[Option]] = defaultdict(list)
    for one, match in found:
        by_unit[match["unit"]].append(Option(match[0], (_at(one, match),), _value(match)))
    for one, match in found:
        gapped = one.text[: match.start()] + _GAP + one.text[match.end() :]
        value, digits = _value(match), folded(match["digits"] + (match["part"] or ""))
        if len(gapped) < _SHORTEST or digits in facts or match[0] in gapped:
            continue
        inside = {_value(other) for other in _NUMBER.finditer(one.text)}
        yield Claim(
            kind="cloze", key=f"text|{document.id}|{one.start}", identity=f"cloze|{document.id}|{one.start + match.start()}",
            group=(), words={"about": name, "gapped": gapped}, answer=match[0], places=(_at(one, match),), value=value,
            wrong=tuple(
                other for other in by_unit[match["unit"]]
                if other.value is not None and other.value not in inside and _near(other.value, value)
            ),
        )  # fmt: skip


def _at(one: Sentence, match: re.Match[str]) -> Place:
    return one.start + match.start(), one.start + match.end()


def _near(other: Decimal, value: Decimal) -> bool:
    """Say whether two numbers are of one size, and further apart than any way of rounding could take them."""
    smaller, larger = sorted((other, value))
    return smaller * _CHANGES >= larger and larger - smaller > larger / 50


def _headings(document: Document, alone: list[Sentence], name: str) -> Iterator[Claim]:
    """Yield a claim for sentences under a heading that no other bears, with headings of its level as wrong choices."""
    places = list(_HEADING.finditer(document.text))
    named = {match.start(): _named(match) for match in places}
    times = Counter(folded(title) for title, _ in named.values())
    once = [match for match in places if times[folded(named[match.start()][0])] == 1]
    options = {
        match.start(): Option(title, (place,))
        for match in once
        if len((found := named[match.start()])[0]) >= 3
        for title, place in [found]
    }
    for match, after in zip_longest(places, places[1:]):
        heading = options.get(match.start())
        end = after.start() if after else len(document.text)
        below = [one for one in alone if match.end() < one.start < end]
        if not heading or not below or folded(heading.answer) in folded(name):
            continue
        one = max(below, key=lambda sentence: (len(sentence.text), -sentence.start))
        others = [options[o.start()] for o in once if len(o[1]) == len(match[1]) and o.start() in options]
        yield Claim(
            kind="heading", key=f"text|{document.id}|{one.start}", identity=f"heading|{document.id}|{match.start()}",
            group=(), words={"about": name, "sentence": one.text}, answer=heading.answer,
            places=(*heading.places, (one.start, one.end)),
            wrong=tuple(option for option in others if _unlike(option.answer, heading.answer, one.text)),
        )  # fmt: skip


def _named(match: re.Match[str]) -> tuple[str, Place]:
    """Return what a heading says behind its number, and where."""
    found = _TITLE.search(match[2])
    assert found  # noqa: S101  the second way takes any line
    which = "title" if found["title"] else "rest"
    said, start = found[which], match.start(2) + found.start(which)
    front = start + len(said) - len(said.lstrip())
    return said.strip(), (front, front + len(said.strip()))


def _unlike(other: str, heading: str, sentence: str) -> bool:
    one, two = folded(other), folded(heading)
    return one not in two and two not in one and one not in folded(sentence)
