"""The Parquet files of a version in the making, many of them filled side by side."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 200_000  # of one file
_GROUP = 1000  # rows that wait in memory, and a row group


class Files:
    """Files ``CONFIG/SPLIT-NNNNN.parquet`` of a folder; the same rows in the same order give the same bytes.

    ``rows`` counts those of every finished file by its path. Memory is one row group for every open file.
    """

    def __init__(self, folder: Path, rows: int = ROWS) -> None:
        self.rows: dict[str, int] = {}
        self._folder, self._limit = folder, rows
        self._open: dict[tuple[str, str], _File] = {}
        self._number: dict[tuple[str, str], int] = {}

    def add(self, config: str, split: str, row: dict[str, Any], schema: pa.Schema) -> None:
        """Append a row to the open file of a config and split."""
        place = config, split
        if (file := self._open.get(place)) is None:
            number = self._number[place] = self._number.get(place, -1) + 1
            file = self._open[place] = _File(self._folder / config / f"{split}-{number:05d}.parquet", schema)
        file.add(row)
        if file.count == self._limit:
            self._finish(place)

    def _finish(self, place: tuple[str, str]) -> None:
        file = self._open.pop(place)
        file.finish()
        self.rows[file.path.relative_to(self._folder).as_posix()] = file.count

    def finish(self) -> None:
        """Put all open files into their places."""
        for place in sorted(self._open):
            self._finish(place)

    def abandon(self) -> None:
        """Close all open files without putting them anywhere."""
        for file in self._open.values():
            file.writer.close()


@contextmanager
def files(folder: Path) -> Iterator[Files]:
    """Yield the files of a folder; they are finished when the block ends well, and abandoned when not."""
    made = Files(folder)
    try:
        yield made
    except BaseException:
        made.abandon()
        raise
    made.finish()


class _File:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.schema, self.count = path, schema, 0
        self.part = path.with_name(f".{path.name}.part")
        self.waiting: list[dict[str, Any]] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self.writer = pq.ParquetWriter(self.part, schema, compression="zstd")

    def add(self, row: dict[str, Any]) -> None:
        self.waiting.append(row)
        self.count += 1
        if len(self.waiting) == _GROUP:
            self._write()

    def _write(self) -> None:
        self.writer.write_table(pa.Table.from_pylist(self.waiting, schema=self.schema))
        self.waiting = []

    def finish(self) -> None:
        if self.waiting:
            self._write()
        self.writer.close()
        self.part.replace(self.path)
