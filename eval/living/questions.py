"""Questions about figures in a dataset version: read, held against a day, and counted where they are left out."""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards.errors import UserError

#: The kinds of questions that are about a figure of one period: what is younger than the cut-off cannot be known.
FIGURES = ("amount", "count", "difference", "growth", "ratio")
_COLUMNS = ("id", "published_at", "made_from", "meta")
UNDATED, BEFORE, LATER = "without a day of publication", "published by the cut-off", "published after as_of"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a figure: the document that asks it, and what is known of it.

    There may be hundreds of thousands of them: what is known stays as it was read until somebody asks for it.
    """

    id: str
    source: str  # the id of the document that tells the answer
    told: bytes  # an object of strings, JSON

    @property
    def meta(self) -> Mapping[str, str]:
        """Return what is known: question, answer, subject, concept, period."""
        found: dict[str, str] = json.loads(self.told)
        return found


@dataclass(frozen=True, slots=True)
class Reading:
    """Which questions of a dataset version are read: those about figures that were told on the days that are wanted.

    ``left`` counts what is left out, by reason; it is filled while the questions are read.
    """

    after: date
    until: date | None
    kinds: tuple[str, ...] = FIGURES
    splits: tuple[str, ...] = ("train", "validation", "test")
    left: Counter[str] = field(default_factory=Counter)

    def questions(self, folder: Path, name: str, task: str) -> Iterator[Asked]:
        """Yield the questions of the format ``name`` in the splits that are wanted of the version in ``folder``.

        Carried files, which hold what others asked, are not read. Raises UserError for a row that is no question.
        """
        for path in sorted((folder / name).glob("*.parquet")):
            if "-carried-" in path.name or path.name.partition("-")[0] not in self.splits:
                continue
            with pq.ParquetFile(path) as file:
                if lacking := set(_COLUMNS) - set(file.schema_arrow.names):
                    raise UserError(
                        task, f"{name}/{path.name} has no column {', '.join(sorted(lacking))}",
                        "a version made by: kanagura rephrase",
                    )  # fmt: skip
                for batch in file.iter_batches(1 << 14, columns=list(_COLUMNS)):
                    yield from self._asked(batch, task)

    def _asked(self, batch: pa.RecordBatch, task: str) -> Iterator[Asked]:
        """Yield the questions of a batch; only the rows that are wanted become objects."""
        kinds = "|".join(map(re.escape, self.kinds))
        about = pc.match_substring_regex(batch["meta"], f'"asks":\\s*"({kinds})"')
        batch = batch.filter(about)
        day = batch["published_at"]
        undated = pc.is_null(day)
        early = pc.fill_null(pc.less_equal(day, pa.scalar(self.after)), False)
        late = pc.fill_null(pc.greater(day, pa.scalar(self.until or date.max)), False)
        for reason, mask in ((UNDATED, undated), (BEFORE, early), (LATER, late)):
            self.left[reason] += pc.sum(mask).as_py() or 0
        out = pc.or_(pc.or_(undated, early), late)
        for row in batch.filter(pc.invert(out)).to_pylist():
            if asked := self._question(row, task):
                yield asked

    def _question(self, row: Mapping[str, Any], task: str) -> Asked | None:
        """Return the question of a row, None where only a text in it says that it is one of those wanted."""
        try:
            meta = json.loads(row["meta"])
            if not all(isinstance(value, str) for value in meta.values()):
                raise TypeError("meta is an object of strings")
            source = row["made_from"][0]["id"] if row["made_from"] else ""
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise UserError(task, f"document {row['id']} is no question: {error}", "meta as JSON") from error
        if meta.get("asks") not in self.kinds:
            return None
        return Asked(row["id"], sys.intern(source), row["meta"].encode())
