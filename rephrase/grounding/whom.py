"""Whom a statement is about: the company of a claim against that of the sentence or row that the claim repeats."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rephrase.candidate import Candidate
from rephrase.grounding.names import Name, companies, core, plain
from rephrase.grounding.periods import periods
from rephrase.grounding.source import Source
from rephrase.grounding.statements import Statement, claimed, repeated

_OWN_WORD = re.compile(r"当(?:社|行|グループ|法人|金庫|組合|会社)")
_NUMERAL = re.compile(r"\d[\d,.億万兆]*\d")
_LABEL = 4  # letters of a row's name by which a claim is known to be about that row


class Ground(NamedTuple):
    """A sentence or row, the lines above that say whom a row is about, and whether it says all it says once."""

    text: str
    above: str = ""
    once: bool = True


def exchanged(candidate: Candidate, source: Source, named: Sequence[Name]) -> str | None:
    """Return a company that a claim puts where its source has another one, or None.

    The source's statement is the one that the claim repeats in its other words; else the dated row of the same day; else
    the rows that show a number or bear the name that the claim has. A row that names no company is about the document's
    own one, unless the head of its table or the line above it names one. ``named`` are the companies of the claim.
    """
    if not named:
        return None
    claim = candidate.claim
    split = len(candidate.question)
    twice = {core(one.text) for one in named if one.start < split} & {
        core(one.text) for one in named if one.start >= split
    }
    for statement in claimed(candidate, periods(claim, source.own), named):
        said = claim[statement.start : statement.end]
        if other := _foreign_to_all(said, list(_grounds(said, statement, source)), source, once=not twice):
            return other
    return None


def _foreign_to_all(claim: str, grounds: list[Ground], source: Source, *, once: bool) -> str | None:
    """Return a company of a claim that is foreign to every statement that it may repeat."""
    if not companies(claim):
        return None
    found: str | None = None
    for ground in grounds:
        other = _foreign(claim, ground, source, once=once and ground.once)
        if other is None:
            return None
        found = found or other
    return found


def _grounds(claim: str, statement: Statement, source: Source) -> Iterator[Ground]:
    """Yield what a claim may repeat."""
    days = {(one.first, one.last) for one in statement.periods if one.known}

    def dated(one: Statement) -> bool:
        return any((when.first, when.last) in days for when in one.periods)

    found = list(repeated(statement, source.nameless))
    found = list(filter(dated, found)) or found
    rows = [one for one in source.nameless if source.text.startswith("|", one.start)]
    found = found or list(filter(dated, rows))
    yield from (Ground(source.text[one.start : one.end]) for one in found)
    if not found:
        undated = claim
        for one in statement.periods:
            undated = undated.replace(claim[one.start - statement.start : one.end - statement.start], " ")
        yield from _rows(undated, source)


def _rows(claim: str, source: Source) -> Iterator[Ground]:
    """Yield the lines of the passage that show a number of a claim without its days, else the rows whose name it has."""
    lines = source.chunk.passage.splitlines()
    wanted, plainly = _numerals(claim), plain(claim)
    found = [n for n, line in enumerate(lines) if wanted & _numerals(line)]
    if not found:
        labels = ((n, _label(line)) for n, line in enumerate(lines))
        found = [n for n, label in labels if label and label in plainly]
        # what a row is called by a company says nothing about the other rows that a claim names
        found = [n for n in found if not companies(lines[n].partition(" | ")[0])] or found
    yield from (Ground(lines[n], _above(lines, n, source), once=False) for n in found)


def _label(line: str) -> str:
    """Return the plain name of a table row, "" where it has none that is long enough to know it by."""
    label = plain(line.strip("| ").partition(" | ")[0]) if line.startswith("|") else ""
    return label if len(label) >= _LABEL else ""


def _above(lines: Sequence[str], at: int, source: Source) -> str:
    """Return the context, the head of a row's table, and the line above that table."""
    top = at
    while top and lines[top - 1].startswith("|"):
        top -= 1
    before = next((line for line in reversed(lines[:top]) if line.strip()), "")
    return "\n".join((source.chunk.context, before, *lines[top : min(top + 3, at)]))


def _numerals(text: str) -> set[str]:
    found = (re.sub(r"[,.億万兆]", "", one).strip("0") for one in _NUMERAL.findall(plain(text)))
    return {one for one in found if len(one) > 1}


# -- who is named


def _foreign(claim: str, ground: Ground, source: Source, *, once: bool) -> str | None:
    """Return the company of a claim that a statement does not name while it names one that the claim lacks.

    Where each says all it says ``once``, a company that the claim names more often than the statement is foreign, too.
    """
    ours, theirs = _mentioned(claim, ground.text, source), _mentioned(ground.text, claim, source)
    if not theirs and ground.text.startswith("|"):
        theirs[""] = 1
    foreign, missing = (
        (ours - theirs, theirs - ours) if once else (_beyond(ours, theirs), _beyond(theirs, ours))
    )
    above = plain(ground.above)
    foreign = Counter({one: count for one, count in foreign.items() if not one or one not in above})
    if not (foreign and missing):
        return None
    return next((name.text for name in companies(claim) if _who(name.text, source) in foreign), None)


def _beyond(some: Counter[str], others: Counter[str]) -> Counter[str]:
    return Counter({one: count for one, count in some.items() if one not in others})


def _mentioned(text: str, other: str, source: Source) -> Counter[str]:
    """Return how often a text names each company, the document's own one as an empty name, 当社 as well.

    A name that stands in ``other``, too, but is not read as one there, is left out.
    """
    named = companies(other)
    elsewhere = {core(name.text) for name in named}
    unread = plain(_without(other, named))
    found = Counter({"": len(_OWN_WORD.findall(text))})
    for name in companies(text):
        who = _who(name.text, source)
        if not who or who in elsewhere or who not in unread:
            found[who] += 1
    return +found


def _without(text: str, found: Sequence[Name]) -> str:
    for name in reversed(found):
        text = f"{text[: name.start]}　{text[name.end :]}"
    return text


def _who(name: str, source: Source) -> str:
    return "" if core(name) in source.companies else core(name)
