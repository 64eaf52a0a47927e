"""A text beside the pages it was made from: two sequences of numbers, aligned."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from corpus.document import Fact
from corpus.extract.alignment import aligned
from corpus.extract.displayed import BREAK, EDGE, Pages, Tag

_APART = rf"\s{BREAK}{EDGE}|"
_TOKEN = re.compile(
    rf"(?:(?P<loss>[△▲])[{_APART}]*|(?P<minus>[-−－]){EDGE}?)?"
    r"(?P<run>[0-9０-９]+(?:[,，.．][0-9０-９]+)*)"
    rf"|[－―—–−]|(?<![0-9０-９A-Za-z])[-‐](?![0-9０-９A-Za-z])"
)
_RULE = re.compile(r"^(?:\| --- )+\|$|^\|(?: --- \|)+$", re.MULTILINE)
_PAGE_NUMBER = re.compile(rf"(?<={BREAK})\s*[－–―─-][ \xa0]?[0-9０-９]{{1,4}}[ \xa0]?[－–―─-]\s*(?={BREAK})")
_OPENING = "(（"


class Token(NamedTuple):
    """A number with its sign, or a dash that stands for one, at characters [start, end) of a text."""

    text: str
    run: str  # without the sign; "" for a dash
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A text beside the pages it comes from, in numbers and runs of digits.

    ``displayed`` tagged numbers are on the pages, ``kept`` of them stand whole at their place in the text,
    ``placed`` are facts of the document that point there. ``false`` runs of digits are on no page, ``extra`` ones
    are, but not so often or not there, ``lost`` ones are on the pages but not, or not there, in the text.
    """

    displayed: int
    kept: int
    placed: int
    false: tuple[str, ...]
    extra: tuple[str, ...]
    lost: tuple[str, ...]


def examine(
    pages: Pages, text: str, facts: Sequence[Fact] = (), *, tags: Sequence[Tag] | None = None
) -> Comparison:
    """Compare a text with the pages it was made from.

    Both become sequences of numbers (runs of digits with their groups, the minus sign before, and dashes that
    fill a cell), which are aligned: a tagged number is kept when all that its tag displays is in the text in the
    same order of reading, as whole numbers, with the same sign and with nothing but the same between.
    ``tags`` limits the tagged numbers that count.
    """
    source = _PAGE_NUMBER.sub(lambda match: " " * len(match[0]), pages.text)  # no text: it goes by design
    shown, held = tokens(source), tokens(_RULE.sub(lambda match: " " * len(match[0]), text))
    pairs = aligned([one.text for one in shown], [one.text for one in held])
    by_name: defaultdict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in facts:
        by_name[fact.concept, fact.context].append(fact)
    ends = [one.end for one in shown]
    displayed = kept = placed = 0
    bare_text = ""
    for tag in pages.tags if tags is None else tags:
        mine, words = _of_tag(tag, source, shown, ends)
        if not mine:
            if words:
                bare_text = bare_text or "".join(text.split())
                displayed, kept = displayed + 1, kept + (words in bare_text)
                placed += words in ("".join(one.value.split()) for one in by_name[tag.concept, tag.context])
            continue
        displayed += 1
        there = [pairs.get(at, -1) for at in mine]
        if -1 in there or not _reads_alike(
            tag, [shown[at] for at in mine], [held[at] for at in there], source, text
        ):
            continue
        kept += 1
        at = held[there[0]].end - 1
        placed += any(one.start <= at < one.end for one in by_name[tag.concept, tag.context])
    runs = {one.run for one in tokens(pages.text)}
    there_too = set(pairs.values())
    more = [one for at, one in enumerate(held) if one.run and at not in there_too]
    return Comparison(
        displayed,
        kept,
        placed,
        tuple(one.run for one in held if one.run and one.run not in runs),
        tuple(one.run for one in more if one.run in runs),
        tuple(one.run for at, one in enumerate(shown) if one.run and at not in pairs),
    )


def tokens(text: str) -> list[Token]:
    """Return the numbers of a text, and the dashes that may stand for one, in order."""
    return [
        Token(
            (match["loss"] or match["minus"] or "") + (match["run"] or "－"),
            match["run"] or "",
            match.start(),
            match.end(),
        )
        for match in _TOKEN.finditer(text)
    ]


def _of_tag(tag: Tag, source: str, shown: Sequence[Token], ends: Sequence[int]) -> tuple[list[int], str]:
    """Return which numbers of the pages a tag displays, and all that it displays."""
    mine, words = [], ""
    for start, end in _merged(tag.pieces):
        words += "".join(source[start:end].split())
        inside = range(bisect_right(ends, start), bisect_right(ends, end))
        mine += [at for at in inside if shown[at].end - (len(shown[at].run) or 1) >= start]
    return mine, words


def _merged(pieces: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in pieces:
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end)
        elif start < end:
            merged.append((start, end))
    return merged


def _reads_alike(tag: Tag, shown: Sequence[Token], held: Sequence[Token], source: str, text: str) -> bool:
    """Whether the numbers of one tag stand together in the text as they do on the page."""
    for one, next_one, here, after in zip(shown, shown[1:], held, held[1:], strict=False):
        between = source[one.end : next_one.start].replace(EDGE, "")
        if "".join(between.split()) != "".join(text[here.end : after.start].split()):
            return False
    before = source[max(shown[0].start - 3, 0) : shown[0].start].replace(EDGE, "").rstrip()[-1:]
    opened = tag.negative and before and before in _OPENING
    return not opened or text[max(held[0].start - 3, 0) : held[0].start].rstrip()[-1:] == before
