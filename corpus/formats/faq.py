"""Questions with answers as pages show them: Q1./Ａ１, 質問/回答, 問/答, and headings that ask."""

import re
from collections.abc import Iterator
from typing import NamedTuple

# A line's Markdown in front: heading, list item, bold; then the mark, with a number or not, and what sets it off.
_FRONT = r"^(?P<front>[ \t]*(?:(?P<heading>#{1,6})[ \t]+|[-*][ \t]+|[0-9]{1,3}\.[ \t]+)?)(?P<bold>\*\*)?"
_NUMBER = r"[ 　]{0,3}(?P<number>[0-9０-９]{0,3}(?:[-－‐–][0-9０-９]{1,3})?)"
_ASKS, _ANSWERS = "[QＱ]|ご?質問|問い?", "[AＡ]|ご?回答|お?答え?"
_TURN = re.compile(
    rf"{_FRONT}(?P<open>[(（【〔［\[][ 　]{{0,3}})?(?:(?P<ask>{_ASKS})|(?P<answer>{_ANSWERS})){_NUMBER}"
    r"(?P<after>[ 　]{0,3}[)）】〕］\]][ 　]{0,3}[.．:：、]?|[ 　]{0,3}[.．:：、]|(?:\*\*)?[ \t　]{0,3}$|[ \t　]+|(?<=[0-9０-９])(?=[^\s0-9A-Za-z０-９Ａ-Ｚａ-ｚ]))",
    re.MULTILINE,
)
_LINE = re.compile(r"^(?:(?P<level>#{1,6})[ \t]+|[-*][ \t]+|(?=\*\*))(?P<words>\S.*)$", re.MULTILINE)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(\S.*)$", re.MULTILINE)
_ASKING = re.compile(r"[?？]$|(?:ですか|ますか|でしょうか|ませんか)。?$")
_TITLE = re.compile(r"よく(?:ある|いただく)|FAQ|ＦＡＱ|Q\s*[&＆]\s*A|Ｑ\s*[&＆]\s*Ａ|質問", re.IGNORECASE)
_ITEM = re.compile(r"^[-*][ \t]+(?=[^\n]+$)", re.MULTILINE)
_INDENT = re.compile(r"\n[ ]{2,3}(?=\S)")
_ITEM_LEVEL = "#" * 7  # of what is no heading: every heading ends it
_SHORTEST = 4  # characters of an answer; shorter ones are letters of choices, or page numbers


class Shown(NamedTuple):
    """A question and its answer as a page shows them between the characters [start, end)."""

    start: int
    end: int
    question: str
    answer: str


def pairs(text: str) -> Iterator[Shown]:
    """Yield every question of a page whose answer follows it at once, in order.

    A question is marked (Q, 質問, 問) where a line begins and its answer (A, 回答, 答) likewise, or it is a
    heading whose answer is what stands below. On pages of questions only, a heading, an item of a list or a
    bold line (which definition lists become) that asks needs no mark.
    """
    turns = sorted([*_marked(text), *_asking(text)])
    turns = [turn for at, turn in enumerate(turns) if not at or turn.start >= turns[at - 1].said]
    bounds = [*(turn.start for turn in turns), len(text)][1:]
    for number, (turn, bound) in enumerate(zip(turns, bounds, strict=True)):
        if not turn.asks:
            continue
        following = turns[number + 1] if number + 1 < len(turns) else None
        if following and not following.asks:
            question = text[turn.said : following.start]
            start, end = following.said, _until(text, following.said, bounds[number + 1], 6)
        elif turn.level:
            question = text[turn.said : (line := _line(text, turn.said))]
            start, end = line, _until(text, line, bound, turn.level)
        else:
            continue
        asked, said = _clean(question), _clean(text[start:end])
        if asked and len(said) >= _SHORTEST and len(asked) < 500:
            yield Shown(turn.start, start + len(text[start:end].rstrip()), asked, said)


class _Turn(NamedTuple):
    start: int
    said: int  # where the words begin
    asks: bool
    level: int  # of the heading that it is, 0 for none


def _marked(text: str) -> Iterator[_Turn]:
    for mark in _TURN.finditer(text):
        spaced = not mark["after"].strip() and mark["after"] and not mark["number"] and not mark["open"]
        following = text[mark.end() : mark.end() + 1]
        if spaced and following.isascii():  # "A bank ..." begins a sentence
            continue
        if not mark["open"] and mark["after"].strip()[:1] in tuple(")）】〕］]") and not mark["number"]:
            continue
        yield _Turn(mark.start(), mark.end(), bool(mark["ask"]), len(mark["heading"] or ""))


def _asking(text: str) -> Iterator[_Turn]:
    """Yield headings, items of lists and bold lines that ask, on a page whose first heading promises questions."""
    first = _HEADING.search(text)
    if first and _TITLE.search(first[2]):
        for line in _LINE.finditer(text, first.end()):
            if _ASKING.search(line["words"].rstrip(" *")) and not _TURN.match(line[0]):
                yield _Turn(line.start(), line.start("words"), True, len(line["level"] or _ITEM_LEVEL))


def _line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _until(text: str, start: int, bound: int, level: int) -> int:
    """Return where an answer ends: before the next turn, and before a heading that is not below ``level``."""
    for heading in _HEADING.finditer(text, _line(text, start), bound):
        if len(heading[1]) <= level:
            return heading.start()
    return bound


def _clean(text: str) -> str:
    """Return words without the bold marks, and the list marks of their lines, that only set them off."""
    text = _INDENT.sub("\n", text.replace("**", "")).strip()
    return text.strip() if len(_ITEM.findall(text)) > 1 else _ITEM.sub("", text).strip()
