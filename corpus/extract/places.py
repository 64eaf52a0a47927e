"""Where in a table a tagged number stands, and by which words the table names it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from corpus.extract.tables import plain

_UNIT_WORDS = (
    "(?:単位[:：])?(?:十億|億|百万|十万|万|千|百)?(?:円|米?ドル|ユーロ|ポンド|元|株|単元|口|個|名|人|社|件|銘柄|台|棟|店舗?|歳|才|"
    "年|月|日|倍|回|％|%|㎡|ポイント)"
)
_UNIT = re.compile(rf"[(（\[［]?{_UNIT_WORDS}[)）\]］]?")
_AMOUNT = re.compile(rf"[△▲\-－]?[0-9０-９,，.．]+ ?{_UNIT_WORDS}")
_LAST_UNIT = re.compile(rf"[ \u3000]*[(（]{_UNIT_WORDS}[)）]$")
_NOTE = re.compile(
    r"[ \u3000]*(?:[(（]注[^()（）]{0,8}[)）](?:[ \u3000]*[0-9０-９、,，]{1,5}$)?|※[ \u3000]*[0-9０-９、,，*]{0,5})"
)
_ENUMERATION = re.compile(r"^(?:[(（]?[0-9０-９]{1,2}[)）.．、]|[①-⑳]|[Ⅰ-Ⅻ][.．、]?)[ \u3000]*(?=\D)")
_INNER_SPACE = re.compile(r"(?<=[^\x00-\x7f])[ \u3000]+(?=[^\x00-\x7f])")


def name_of(cell: str) -> str:
    """Return the words of a table cell that can name a row or a column, without notes and units; or ""."""
    shown = _NOTE.sub("", plain(cell)).strip()
    if _UNIT.fullmatch(shown) or _AMOUNT.fullmatch(shown):
        return ""
    shown = _INNER_SPACE.sub("", _ENUMERATION.sub("", _LAST_UNIT.sub("", shown))).strip(" \u3000")
    return shown if any(sign.isalpha() for sign in shown) else ""


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a rendered table, with the words that name its row and its column."""

    table: int
    row: int
    column: int
    row_label: str
    column_label: str


def places(
    rows: list[list[str]], numbers: Mapping[tuple[int, int], list[int]], table: int
) -> Iterator[tuple[int, Place]]:
    """Yield the number of every mark in a table with its place.

    A row is named by the nearest words to the left, a column by the nearest words above in a row without
    tagged numbers. ``numbers`` gives the marks of each cell by (row, column).
    """
    above = [""] * (len(rows[0]) if rows else 0)
    for y, row in enumerate(rows):
        left = ""
        for x, cell in enumerate(row):
            for number in numbers.get((y, x), ()):
                yield number, Place(table, y, x, left, above[x])
            if (y, x) not in numbers:
                left = name_of(cell) or left
        if not any((y, x) in numbers for x in range(len(row))):
            above = [name_of(cell) or name for cell, name in zip(row, above, strict=True)]
