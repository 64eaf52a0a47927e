"""Rows: what a claim says of a labeled row of a table stands in that row, and not in another one."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from corpus.document import Drop, Fact
from rephrase.candidate import Candidate
from rephrase.grounding.calendar import Period
from rephrase.grounding.mentions import Mention, mentions
from rephrase.grounding.quantities import Quantity
from rephrase.grounding.source import Source, source_of
from rephrase.grounding.told import told

NAME, VERSION = "rows", 1

# Rows that are about someone: shareholders, subsidiaries, customers. Other row heads are items of accounts.
_SOMEONE = re.compile(r"会社|㈱|\(株\)|銀行|信託|持株会|組合|機構|協会|財団|バンク")
_LABEL = re.compile(r"【([^】]{2,20})】")
_FORM = re.compile(r"株式会社|㈱|\(株\)|\([^()]*\)|\s")


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its label, with the numbers of its facts and the days and periods that it names."""

    label: str
    of_someone: bool
    numbers: tuple[Decimal, ...]
    times: tuple[Period, ...]


def check(candidate: Candidate) -> Drop | None:
    """Refuse a claim that gives a row (a shareholder, 【提出日】) the amount or the day of another row (``other_row``).

    Rows are known by their labels, companies without their legal form. Amounts compare with the facts of the rows.
    """
    source = source_of(candidate.chunk)
    rows = _rows(source)
    if not rows:
        return None
    text = told(candidate)
    plain = _plain(text)
    filer = source.chunk.document.meta.get("filer", "")
    named = [row for row in rows if row.of_someone and row.label in plain and row.label != _plain(filer)]
    had: list[Row] = []
    for one in mentions(text, source.own, filer):
        if isinstance(one.value, Quantity):
            having = [row for row in rows if any(_is(one.value, number) for number in row.numbers)]
            if named and having and not any(row in having for row in named):
                return Drop("other_row", text[one.start : one.end])
            had += having
        elif isinstance(one.value, Period) and _is_of_another_row(one, one.value, rows):
            return Drop("other_row", text[one.start : one.end])
    empty = [row for row in named if row.numbers and row not in had]
    return Drop("other_row", empty[0].label) if had and empty else None


def _is_of_another_row(one: Mention, time: Period, rows: tuple[Row, ...]) -> bool:
    """Whether a claim gives the label of a row (提出日は) another day than those of the row."""
    for row in rows:
        if time.known and row.times and not row.of_someone and one.left.startswith(f"は{row.label[::-1]}"):
            return not any(time.same(other) for other in row.times)
    return False


def _is(said: Quantity, number: Decimal) -> bool:
    """Whether a quantity is a number of a fact at the precision at which it is said; a share of one is 100 percent."""
    scaled = number * 100 if said.unit == "percent" else number
    return abs(abs(said.value) - abs(scaled)) < said.step


@lru_cache(maxsize=256)
def _rows(source: Source) -> tuple[Row, ...]:
    """Return the labeled rows of a source; ``source_of`` gives the same one for items about one chunk."""
    found = []
    moved = len(source.text) - len(source.chunk.passage) - source.chunk.span.start
    at = 0
    for line in source.text.splitlines(keepends=True):
        start, at = at, at + len(line)
        if not line.startswith("|"):
            continue
        label = line.split("|")[1].strip()
        titled = _LABEL.fullmatch(label)
        if not (titled or _SOMEONE.search(unicodedata.normalize("NFKC", label))):
            continue
        facts = [fact for fact in source.facts if start <= fact.start + moved < at]
        times = tuple(one for one in source.stated if start <= one.start < at)
        name = _plain(titled[1] if titled else label)
        if len(name) > 1:
            found.append(Row(name, not titled, tuple(_numbers(facts)), times))
    return tuple(found)


def _numbers(facts: list[Fact]) -> list[Decimal]:
    found = []
    for fact in facts:
        try:
            found.append(Decimal(fact.number))
        except InvalidOperation:
            continue
    return found


def _plain(text: str) -> str:
    return _FORM.sub("", unicodedata.normalize("NFKC", text))
