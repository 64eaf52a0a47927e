"""What a document is made of: sentences, headings and table rows, each with the headings and the table it stands under."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from rephrase.sentences import sentences

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)$")
_RULE = re.compile(r"\|[ \t:|-]+\|?$")
_UNIT = re.compile(r"[（(【\[]?[ 　]*(?:金額の?)?単位|[（(][^（）()\n]{0,10}(?:円|％|%|株|人|ドル)[）)]$")
# A second head row says what columns are and holds no amount of its own.
_NAMES = re.compile("[年月期円株人％%]|割合|金額|比率")
_AMOUNT = re.compile(r"\|[ ]*[△▲−\-(（]*[0-9０-９][0-9０-９,，.．]*[ ]*[％%)）]*[ ]*(?=\|)")
_ENDS = re.compile("[。！？｡．]")
_DEPTH = 3  # headings named above a chunk, the nearest ones
_UNIT_LENGTH, _ROW_LENGTH = 60, 2000


class Piece(NamedTuple):
    """Characters [start, end) that stay together, white space behind them included.

    ``leads`` says that it must not be the last of a chunk, ``section`` that it is a heading. ``path`` and ``table`` are
    places in the lists of the outline; ``table`` is -1 outside of tables.
    """

    start: int
    end: int
    path: int
    table: int = -1
    leads: bool = False
    section: bool = False


class TableHead(NamedTuple):
    """What the columns of a table are, in one row or two, and the line above that says its unit."""

    rows: tuple[str, ...] = ()
    unit: str = ""


@dataclass(slots=True)
class Outline:
    """The pieces of a text in order; ``paths`` are headings above one another, ``tables`` the heads of tables."""

    pieces: list[Piece] = field(default_factory=list)
    paths: list[tuple[str, ...]] = field(default_factory=lambda: [()])
    tables: list[TableHead] = field(default_factory=list)


def outline(text: str) -> Outline:
    """Return the pieces of a text: joined together they are the text, but for white space it begins with."""
    return _Reader(text).read()


class _Reader:
    """Builds an outline line by line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.made = Outline()
        self.headings: list[tuple[int, str]] = []
        self.path = 0
        self.row = self.ruled = 0  # the rows of the table so far, and how many of them are its head
        self.unit = TableHead()
        self.unit_piece = -3

    def read(self) -> Outline:
        pieces = self.made.pieces
        for line in _LINE.finditer(self.text):
            said = line[0].strip()
            if not said:
                if pieces:
                    pieces[-1] = pieces[-1]._replace(end=line.end())
            elif said[0] == "|":
                self._row(said, line.start(), line.end())
            else:
                self.row = 0
                if said[0] == "#" and (heading := _HEADING.match(said)):
                    self._heading(heading, line.start(), line.end())
                else:
                    self._prose(said, line.start(), line.end())
        return self.made

    def _heading(self, heading: re.Match[str], start: int, end: int) -> None:
        level = len(heading[1])
        while self.headings and self.headings[-1][0] >= level:
            self.headings.pop()
        self.made.pieces.append(Piece(start, end, self._named(), leads=True, section=True))
        self.headings.append((level, heading[2].rstrip(" \t#")))
        self.path = self._named()

    def _named(self) -> int:
        """Return the place of the headings above."""
        names = tuple(name for _, name in self.headings[-_DEPTH:])
        if names != self.made.paths[-1]:
            self.made.paths.append(names)
        return len(self.made.paths) - 1

    def _row(self, said: str, start: int, end: int) -> None:
        tables = self.made.tables
        if not self.row:
            # A line may stand between a unit and its table.
            tables.append(self.unit if self.unit_piece >= len(self.made.pieces) - 2 else TableHead())
            follows = _LINE.match(self.text, end)
            self.ruled = 2 if follows and _RULE.match(follows[0].strip()) else 0
            if self.ruled:
                tables[-1] = tables[-1]._replace(rows=(said,))
        self.row += 1
        if self.row == self.ruled + 1 == 3 and len(said) < _ROW_LENGTH and _names(said):
            tables[-1] = tables[-1]._replace(rows=(*tables[-1].rows, said))
            self.ruled = 3
        leads = self.row <= self.ruled
        self.made.pieces.append(Piece(start, end, self.path, len(tables) - 1, leads=leads))

    def _prose(self, said: str, start: int, end: int) -> None:
        pieces = self.made.pieces
        unit = len(said) < _UNIT_LENGTH and bool(_UNIT.match(said))
        if unit:
            self.unit, self.unit_piece = TableHead((), said), len(pieces)
        if unit or not _ENDS.search(said):
            pieces.append(Piece(start, end, self.path, leads=unit))
        else:
            pieces += [Piece(first, last, self.path) for first, last in sentences(self.text, start, end)]


def _names(row: str) -> bool:
    return bool(_NAMES.search(row)) and not _AMOUNT.search(row)
