"""What a document is made of: sentences, headings and table rows, each with the headings and the table it stands under."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from rephrase.sentences import sentences

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*?)[ \t#]*$")
_RULE = re.compile(r"\|[ \t:|-]+\|?\s*$")
_UNIT = re.compile(r"[（(【\[]?[ 　]*(?:金額の?)?単位|[（(][^（）()\n]{0,10}(?:円|％|%|株|人|ドル)[）)]\s*$")
_ENDS = re.compile("[。！？｡．]")
_DEPTH = 3  # headings named above a chunk, the nearest ones


class Piece(NamedTuple):
    """Characters [start, end) that stay together, white space behind them included.

    ``leads`` says that it must not be the last of a chunk, ``section`` that a heading is. ``path`` and ``table`` are
    places in the lists of the outline; ``table`` is -1 outside of tables.
    """

    start: int
    end: int
    path: int
    table: int = -1
    leads: bool = False
    section: bool = False


class TableHead(NamedTuple):
    """The head row of a table, and the line above it that says its unit ("" where there is none) with its place."""

    row: str
    unit: str = ""
    unit_at: int = -1


@dataclass(slots=True)
class Outline:
    """The pieces of a text in order; ``paths`` are lines that name headings, ``tables`` the heads of tables."""

    pieces: list[Piece] = field(default_factory=list)
    paths: list[str] = field(default_factory=lambda: [""])
    tables: list[TableHead] = field(default_factory=list)


class Reader:
    """Builds an outline line by line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.made = Outline()
        self._headings: list[tuple[int, str]] = []
        self._path = 0
        self._in_table = False
        self._unit = ("", -1, -1)  # the last unit line, its place, and the piece it is

    def read(self) -> Outline:
        """Return the pieces of the text: joined together they are the text, but for white space it begins with."""
        pieces = self.made.pieces
        for line in _LINE.finditer(self.text):
            said = line[0].strip()
            if not said:
                if pieces:
                    pieces[-1] = pieces[-1]._replace(end=line.end())
                continue
            row = said[0] == "|"
            if row:
                self._row(said, line.start(), line.end())
            elif said[0] == "#" and (heading := _HEADING.match(said)):
                self._heading(heading, line.start(), line.end())
            else:
                self._prose(said, line.start(), line.end())
            self._in_table = row
        return self.made

    def _heading(self, heading: re.Match[str], start: int, end: int) -> None:
        level = len(heading[1])
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        self.made.pieces.append(Piece(start, end, self._named(), leads=True, section=True))
        self._headings.append((level, heading[2]))
        self._path = self._named()

    def _named(self) -> int:
        """Return the place of the line that names the headings above."""
        line = " > ".join(name for _, name in self._headings[-_DEPTH:])
        if line != self.made.paths[-1]:
            self.made.paths.append(line)
        return len(self.made.paths) - 1

    def _row(self, said: str, start: int, end: int) -> None:
        tables = self.made.tables
        if not self._in_table:
            near = (
                self._unit[2] >= len(self.made.pieces) - 2
            )  # one line may stand between a unit and its table
            follows = _LINE.match(self.text, end)
            self._rows = 0
            ruled = bool(follows and _RULE.match(follows[0].strip()))
            self._head = 2 if ruled else 0
            tables.append(TableHead(said if ruled else "", *(self._unit[:2] if near else ("", -1))))
        self._rows += 1
        leads = self._rows <= self._head
        self.made.pieces.append(Piece(start, end, self._path, len(tables) - 1, leads=leads))

    def _prose(self, said: str, start: int, end: int) -> None:
        unit = len(said) < 60 and bool(_UNIT.match(said))
        if unit:
            self._unit = (said, start, len(self.made.pieces))
        if unit or not _ENDS.search(said):
            self.made.pieces.append(Piece(start, end, self._path, leads=unit))
            return
        for first, last in sentences(self.text, start, end):
            self.made.pieces.append(Piece(first, last, self._path))
