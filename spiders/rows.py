"""The index of a crawl in the making, on disk: what it has captured, and what earlier crawls hold of each address."""

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.captures import INDEX, SCHEMA

Row = dict[str, Any]
_NAMES = SCHEMA.names
_VERSION = "version"  # of the index that an earlier row comes from; the column is only here
_TIMES = ("fetched_at", "seen_at")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ORDER = "ORDER BY url, sha256, warc, offset"
logger = logging.getLogger(__name__)
_GROUP = 10_000  # rows in memory while the index is written


class Rows:
    """Two tables in one SQLite file: ``here``, one row for each address captured by this crawl, and ``earlier``.

    The file is only an index: the segments are the truth, and it is made anew from them whenever a crawl
    begins or goes on. So nothing is forced to the disk. Memory does not grow with the rows.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Begin an empty index at ``path``, in place of any other, or in memory."""
        if path:
            path.unlink(missing_ok=True)
        self._base = sqlite3.connect(path or ":memory:", isolation_level=None)
        for statement in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "BEGIN"):
            self._base.execute(statement)
        columns = ", ".join(f"{name} {'INT' if _is_number(name) else 'TEXT'}" for name in _NAMES)
        for table in ("here", "earlier"):
            self._base.execute(
                f"CREATE TABLE {table} ({columns}, {_VERSION} TEXT, PRIMARY KEY (url)) WITHOUT ROWID"
            )
        self._has_earlier = False
        self._put = f"({', '.join('?' * (len(_NAMES) + 1))})"

    def close(self) -> None:
        """Give the file free."""
        self._base.close()

    def __len__(self) -> int:
        return int(self._base.execute("SELECT count(*) FROM here").fetchone()[0])

    def put(self, row: Mapping[str, Any], table: str = "here") -> None:
        """Add a row; it takes the place of another one of the same address."""
        self._has_earlier |= table == "earlier"
        self._base.execute(f"INSERT OR REPLACE INTO {table} VALUES {self._put}", _plain(row))

    def get(self, url: str, table: str = "here") -> Row | None:
        """Return the row of ``url``, or None; one of ``earlier`` says in ``version`` whose index it comes from."""
        if table == "earlier" and not self._has_earlier:
            return None
        found = self._base.execute(f"SELECT * FROM {table} WHERE url = ?", (url,)).fetchone()
        return _row(found) if found else None

    def forget(self, url: str, table: str) -> None:
        """Delete the row of ``url``: what it points to is damaged."""
        self._base.execute(f"DELETE FROM {table} WHERE url = ?", (url,))

    def read_earlier(self, versions: Iterable[Path]) -> None:
        """Take in the good captures of finished versions (folders), oldest first; the newest of an address stays.

        A row that says where an unchanged body lies keeps saying so: no chain grows longer than one step. What an
        address was later, a page that is missing or that leads elsewhere, takes the place of what it was before.
        """
        versions = list(versions)
        known = {folder.name for folder in versions}
        for folder in versions:
            with pq.ParquetFile(folder / INDEX) as file:
                if missing := set(_NAMES) - set(file.schema_arrow.names):
                    lacking = ", ".join(sorted(missing))
                    logger.warning("%s is of an older form (no %s): not compared with", folder.name, lacking)
                    continue
                for batch in file.iter_batches(_GROUP):
                    for row in batch.to_pylist():
                        self._take(row, folder.name, known)

    def _take(self, row: Row, version: str, known: set[str]) -> None:
        if not row["body_version"]:
            own = (version, row["warc"], row["offset"])
            row["body_version"], row["body_warc"], row["body_offset"] = own
        if row["problem"] or row["status"] != 200 or row["kind"] == "redirect":
            if row["problem"] in ("", "http_404", "http_410"):
                self.forget(row["url"], "earlier")
        elif row["body_version"] in known:
            self.put({**row, _VERSION: version}, "earlier")

    def counted(self, column: str) -> dict[str, int]:
        """Return how many rows there are of each value of ``column``."""
        query = f"SELECT {column}, count(*) FROM here GROUP BY {column} ORDER BY {column}"
        return {str(value): number for value, number in self._base.execute(query)}

    def number(self, where: str) -> int:
        """Return how many rows fulfil ``where``, an SQL condition of ours."""
        return int(self._base.execute(f"SELECT count(*) FROM here WHERE {where}").fetchone()[0])

    def total(self, column: str, where: str = "1") -> int:
        """Return the sum of a column over the rows that fulfil ``where``."""
        query = f"SELECT coalesce(sum({column}), 0) FROM here WHERE {where}"
        return int(self._base.execute(query).fetchone()[0])

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows in the order of the index: by url, then sha256."""
        with closing(self._base.cursor()) as cursor:
            yield from map(_row, cursor.execute(f"SELECT * FROM here {_ORDER}"))

    def write_index(self, path: Path) -> None:
        """Write the index of captures as Parquet (zstd), a bounded number of rows at a time."""
        with (
            closing(self._base.cursor()) as cursor,
            pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer,
        ):
            cursor.execute(f"SELECT * FROM here {_ORDER}")
            while batch := cursor.fetchmany(_GROUP):
                writer.write_table(pa.Table.from_pylist(list(map(_row, batch)), schema=SCHEMA))


def _is_number(name: str) -> bool:
    return pa.types.is_integer(SCHEMA.field(name).type) or name in _TIMES


def _plain(row: Mapping[str, Any]) -> list[Any]:
    values = [(row[name] - _EPOCH) // _MICROSECOND if name in _TIMES else row[name] for name in _NAMES]
    return [*values, row.get(_VERSION, "")]


def _row(values: tuple[Any, ...]) -> Row:
    row = dict(zip((*_NAMES, _VERSION), values, strict=True))
    for name in _TIMES:
        row[name] = _EPOCH + row[name] * _MICROSECOND
    return row
