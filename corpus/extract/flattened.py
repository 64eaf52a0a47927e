"""EDINET's CSV of a filing (type 5): what its text blocks, without tags and line breaks, did to the numbers."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from decimal import Context, Decimal, InvalidOperation
from typing import NamedTuple

from corpus.extract.archive import members

CUT = 30_000  # characters: where EDINET ends a value
_HEADER = "要素ID"
_RUN = re.compile(r"(?<![0-9０-９])(?<![0-9０-９][,.，．])[0-9０-９]+(?:[,，.．][0-9０-９]+)*")
#: A grouped number followed at once by one digit more: two numbers that became one.
_FUSED = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+\d")
_SCALES = (0, 3, 6, 8, 9)  # yen, thousands, millions, 億, billions
_FEWEST_DIGITS = 4  # a shorter number meets others by chance
_EXACT = Context(prec=100)


class Kept(NamedTuple):
    """``kept`` of ``stated`` numbers stand whole in a text."""

    kept: int
    stated: int


class Row(NamedTuple):
    """One row of the CSV: the concept with its prefix, the unit's id, and the value."""

    concept: str
    unit: str
    value: str


def is_csv_package(body: bytes) -> bool:
    """Whether bytes are a type 5 package, or one CSV out of it (UTF-16LE, tabs, all cells quoted)."""
    if body.startswith(b"PK"):
        return any(
            "XBRL_TO_CSV/" in name for name in members(body, lambda name: name.lower().endswith(".csv"))
        )
    return body[:200].decode("utf-16-le", "ignore").lstrip('\ufeff"').startswith(_HEADER)


def rows(body: bytes) -> Iterator[Row]:
    """Yield the rows of a type 5 package or of one CSV out of it; raises ArchiveError for a broken zip."""
    sources = [body]
    if body.startswith(b"PK"):
        sources = list(members(body, lambda name: name.lower().endswith(".csv")).values())
    for source in sources:
        text = source.decode("utf-16", "replace")
        for row in csv.reader(io.StringIO(text, newline=""), delimiter="\t"):
            if len(row) >= 9 and row[0] != _HEADER:
                yield Row(row[0], row[6], row[8])


def text_blocks(body: bytes) -> list[str]:
    """Return the values of the text blocks of a type 5 package, nested ones too."""
    return [row.value for row in rows(body) if row.concept.endswith("TextBlock")]


def fused_numbers(text: str) -> list[str]:
    """Return the places where two grouped numbers stand as one; a sign of flattened table cells."""
    return _FUSED.findall(text)


def kept_rows(body: bytes) -> Kept:
    """Return how many numeric rows of a type 5 package its own text blocks show as whole numbers.

    A row does not say how its number is displayed: in yen, thousands, millions, 億 or billions, whichever
    leaves no remainder. One that can be written with fewer than four digits is not counted.
    """
    values = [
        row.value for row in rows(body) if row.unit not in ("", "－") and not row.concept.endswith("DEI")
    ]
    return kept_values(values, "\n".join(text_blocks(body)))


def kept_values(values: Sequence[str], text: str, among: str = "") -> Kept:
    """Return how many of the amounts (decimal texts) a text shows as whole numbers, in one scale or another.

    With ``among``, only the amounts that this text shows so count.
    """
    whole, there = set(_RUN.findall(text)), set(_RUN.findall(among))
    shown = [ways for value in values if (ways := displays(value)) and (not among or ways & there)]
    return Kept(sum(bool(ways & whole) for ways in shown), len(shown))


def displays(value: str) -> frozenset[str]:
    """Return the ways in which a page may print an amount; none when it is too short to be known again."""
    try:
        amount = abs(Decimal(value))
    except InvalidOperation:
        return frozenset()
    if not amount.is_finite() or not amount or len(value) > 40:
        return frozenset()
    ways = set()
    for scale in _SCALES:
        scaled = amount.scaleb(-scale, context=_EXACT)
        if scale and scaled != scaled.to_integral_value():
            break
        ways.add(f"{scaled.quantize(Decimal(1)):,f}" if scale else f"{amount:,f}")
    short = any(sum(sign.isdigit() for sign in way) < _FEWEST_DIGITS for way in ways)
    return frozenset() if short else frozenset(ways)
