"""Writes rows into one set of files for each split and source, a bounded number of rows in memory."""

import re
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards.errors import UserError
from datacards.release.recipe import FORMATS

GROUP = 10_000  # rows of a row group at most
ROWS = 1_000_000  # of a file at most
GROUP_BYTES = 64 << 20
RESERVED = {
    *FORMATS,
    "pointers",
    "facts",
    "dropped",
    "similar",
    "contamination",
    "replies",
    "verdicts",
    "recipes",
    "plots",
    "default",
}


def source_name(source: str) -> str:
    """Return how a source is called in the names of files and configs; raise UserError for a name that means another."""
    name = re.sub(r"[^A-Za-z0-9_.]+", "_", source)
    if name in RESERVED or not name.strip("._"):
        raise UserError("release", f"a source is called '{source}'", "a name that no config has", "rename it")
    return name


class Files:
    """The files ``FOLDER/SPLIT-SOURCE-NNNNN.parquet`` of one folder.

    A new one begins behind ``characters`` of text, or behind ``most`` rows, so that who reads one whole knows its size.
    """

    def __init__(self, folder: Path, schema: pa.Schema, characters: int, most: int = ROWS) -> None:
        self.folder, self.schema, self.characters, self.most = folder, schema, characters, most
        self.rows: dict[str, int] = {}
        self._waiting: dict[str, list[pa.Table]] = {}
        self._open: dict[str, tuple[str, pq.ParquetWriter]] = {}
        self._written: Counter[str] = Counter()  # characters in the open file

    def add(self, name: str, rows: pa.Table) -> None:
        """Add rows to the files of ``name``, that is ``SPLIT-SOURCE``."""
        if not rows.num_rows:
            return
        held = self._waiting.setdefault(name, [])
        held.append(rows.cast(self.schema))
        if sum(map(len, held)) >= GROUP or sum(one.nbytes for one in held) >= GROUP_BYTES:
            self._flush(name)

    def close(self) -> dict[str, int]:
        """Finish all files; return their rows by path below the folder's parent."""
        for name in sorted(self._waiting):
            self._flush(name)
        for _, writer in self._open.values():
            writer.close()
        return dict(sorted(self.rows.items()))

    def _flush(self, name: str) -> None:
        if not self._waiting[name]:
            return
        rows = pa.concat_tables(self._waiting[name]).combine_chunks()
        self._waiting[name] = []
        size = int(pc.sum(rows["n_chars"]).as_py() or 0) if "n_chars" in rows.column_names else 0
        if name in self._open:
            held, full = self.rows[self._open[name][0]], self._written[name] + size > self.characters
            if held + rows.num_rows > self.most or (self._written[name] and full):
                self._open.pop(name)[1].close()
        if name not in self._open:
            number = sum(path.startswith(f"{self.folder.name}/{name}-") for path in self.rows)
            path = f"{self.folder.name}/{name}-{number:05d}.parquet"
            self.folder.mkdir(parents=True, exist_ok=True)
            writer = pq.ParquetWriter(self.folder.parent / path, self.schema, compression="zstd")
            self._open[name], self.rows[path], self._written[name] = (path, writer), 0, 0
        path, writer = self._open[name]
        writer.write_table(rows)
        self.rows[path] += rows.num_rows
        self._written[name] += size
