"""Reads the rows of one table out of a MySQL dump (``.sql.gz``) as a stream, columns by name."""

import re
from collections.abc import Iterator
from pathlib import Path

from spiders.wikipedia.stream import Unpacked

MAX_ROW = 1 << 20  # bytes of one row, and of the statement that declares the table
Row = tuple[bytes | None, ...]

# Possessive all through: a row that does not fit is given up after one pass, however it is made.
_TEXT = rb"(?:_binary\s)?'(?:[^'\\]++|\\.|'')*+'"
_FIELD = rb"(?:" + _TEXT + rb"|[^,()'\s]++)"
_COLUMN = re.compile(rb"^\s*`([^`]+)`\s", re.MULTILINE)
_ESCAPE = re.compile(rb"\\(.)|''", re.DOTALL)
_ESCAPED = {b"0": b"\0", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"Z": b"\x1a"}
_BETWEEN = re.compile(rb"\s*([,;])\s*")


class Table:
    """The rows of table ``name`` in the dump file ``path``; ``columns`` are those of its CREATE TABLE statement.

    Nothing is known of the dump but its own declaration: MediaWiki 1.45 has other columns than 1.43, in another
    order. ``damage`` says after reading why the rows ended too early: everything before is whole. Memory is
    bounded by ``MAX_ROW``; reading twice means opening twice. String syntax: MySQL 8.0 manual, section 11.1.1.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.damage = ""
        self.done = 0  # bytes read so far, of ``total``, as stored
        with Unpacked(path) as stream:
            self.total = stream.total
            self.columns = _declared(stream, name.encode())

    def batches(self, *wanted: str) -> Iterator[list[Row]]:
        """Yield the rows in batches of about a quarter MiB of SQL, each row with the ``wanted`` columns in that order.

        A value is its bytes with escapes undone, a number its digits, NULL is None. A batch may be empty.
        Raises KeyError for a column that the table has not.
        """
        with Unpacked(self.path) as stream:
            yield from self._read(stream, wanted)
            self.damage = self.damage or stream.damage

    def _read(self, stream: Unpacked, wanted: tuple[str, ...]) -> Iterator[list[Row]]:
        begin = re.compile(
            rb"INSERT(?:\s+IGNORE)?\s+INTO\s+`"
            + re.escape(self.name.encode())
            + rb"`\s*(\([^()']*\)\s*)?VALUES\s*",
        )
        row, order = _pattern(self.columns, wanted)
        buffer, inside = b"", False
        while block := stream.read():
            buffer += block
            self.done = stream.done
            rows: list[Row] = []
            at = 0
            while True:
                if not inside:
                    found = begin.search(buffer, at)
                    if found is None:
                        at = max(at, len(buffer) - 4096)  # the beginning of a statement may be cut in two
                        break
                    named = re.findall(r"`([^`]+)`", (found[1] or b"").decode("utf-8", "replace"))
                    if named and not set(wanted) <= set(named):
                        self.damage = "a statement leaves a column out"
                        return
                    row, order = _pattern(tuple(named) or self.columns, wanted)
                    at, inside = found.end(), True
                found = row.match(buffer, at)
                between = _BETWEEN.match(buffer, found.end()) if found else None
                if found is None or between is None or between.end() == len(buffer):
                    break  # cut in two, or no row
                rows.append(tuple(_value(found[group]) for group in order))
                at, inside = between.end(), between[1] == b","
            yield rows
            buffer = buffer[at:]
            if len(buffer) > MAX_ROW:
                self.damage = "it holds something that is no row, or a row of more than 1 MiB"
                return
        yield from self._last(buffer, row, order, inside=inside)

    def _last(
        self, buffer: bytes, row: re.Pattern[bytes], order: list[int], *, inside: bool
    ) -> Iterator[list[Row]]:
        """Yield the whole rows at the end of the file, behind which no byte follows."""
        rows: list[Row] = []
        at = 0
        while inside and (found := row.match(buffer, at)):
            between = _BETWEEN.match(buffer, found.end())
            rows.append(tuple(_value(found[group]) for group in order))
            at, inside = (between.end(), between[1] == b",") if between else (found.end(), True)
            if between is None:
                break
        yield rows
        if inside:
            self.damage = "it ends within a statement"


def _declared(stream: Unpacked, name: bytes) -> tuple[str, ...]:
    """Return the columns of ``CREATE TABLE `name` (...)``, none when there is no such statement near the beginning."""
    begin = re.compile(rb"CREATE TABLE\s+(?:IF NOT EXISTS\s+)?`" + re.escape(name) + rb"`\s*\(")
    head = b""
    while len(head) < MAX_ROW and (block := stream.read()):
        head += block
        found = begin.search(head)
        end = re.compile(rb"\n\)[^\n]*;").search(head, found.end()) if found else None
        if found and end:
            said = head[found.end() : end.start()]
            return tuple(column.decode("utf-8", "replace") for column in _COLUMN.findall(said))
    return ()


def _pattern(columns: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[re.Pattern[bytes], list[int]]:
    """Return the pattern of one row and the groups of the wanted columns in it; KeyError for a missing one."""
    if missing := [name for name in wanted if name not in columns]:
        raise KeyError(missing[0])
    inside = [name for name in columns if name in wanted]
    fields = [rb"(" + _FIELD + rb")" if name in wanted else _FIELD for name in columns]
    row = re.compile(rb"\s*\(\s*" + rb"\s*,\s*".join(fields) + rb"\s*\)", re.DOTALL)
    return row, [inside.index(name) + 1 for name in wanted]


def _value(field: bytes) -> bytes | None:
    if field[-1:] != b"'":
        return None if field == b"NULL" else field
    text = field[field.index(b"'") + 1 : -1]
    if b"\\" not in text and b"''" not in text:
        return text
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]) if found[1] else b"'", text)
