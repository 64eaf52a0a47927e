"""The records of a profile: numbers, names and short examples, never a text that may not be given on."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from datacards.card import Record
from datacards.errors import UserError

PROFILE = "profile.json"
FORMATS = ("markdown", "sections", "categories", "listing", "qa", "multiple_choice")
POINTERS = "pointers"  # rows that stand for records whose text may not be given on
TABLES = ("facts", "dropped", "similar", "contamination", "replies", "verdicts")
#: What rows are grouped by; "" stands for rows that do not say, OTHERS for values beyond the most that are told apart.
DIMENSIONS = ("year", "industry", "license", "redistribution", "language", "kind")
OTHERS = "…"


class Part(Record):
    """The rows of one source in one format and split, and the characters (code points) of their texts."""

    format: str
    split: str
    source: str
    rows: int
    characters: int


class Table(Record):
    """The rows of a table that holds no documents: facts, dropped, similar, contamination, replies, verdicts."""

    config: str
    split: str
    rows: int


class Group(Record):
    """The rows of one format that have one value of a dimension."""

    format: str
    value: str
    rows: int
    characters: int


class Histogram(Record):
    """How many values lie in ``[edges[i], edges[i + 1])``; the last bin has no end."""

    rows: int
    mean: float
    least: float
    most: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def quantile(self, share: float) -> float:
        """Return the lower edge of the bin in which the value lies that ``share`` of all values do not pass."""
        seen = 0
        for edge, count in zip(self.edges, self.counts, strict=True):
            seen += count
            if seen >= share * self.rows and count:
                return edge
        return self.most


class Signal(Record):
    """The distribution of one signal of quality."""

    name: str
    values: Histogram


class Quality(Record):
    """Signals of quality: those that rows carry (origin ``meta``), else those of a sample of texts (``text``).

    ``rows`` of ``of`` rows of the ``formats`` were looked at.
    """

    origin: str
    formats: tuple[str, ...]
    rows: int
    of: int
    signals: tuple[Signal, ...]


class Tokens(Record):
    """The tokens of one format by one tokenizer, no special tokens added.

    ``stderr`` is None when all texts were counted; else ``tokens`` is estimated from ``rows`` of ``of`` rows.
    """

    tokenizer: str
    sha256: str  # of its tokenizer.json
    format: str
    tokens: int
    stderr: float | None
    rows: int
    of: int
    characters: int  # of all texts of the format


class Example(Record):
    """One thing that was left out; ``detail`` and ``excerpt`` only where its license lets its text be given on."""

    source: str
    license: str
    title: str
    url: str
    detail: str
    excerpt: str


class Left(Record):
    """What was left out at one stage for one reason."""

    stage: str
    reason: str
    rows: int
    examples: tuple[Example, ...]


class TestReport(Record):
    """What became of one test that the documents were held against."""

    test: str
    status: str
    items: int
    items_unmatchable: int
    items_touched: int
    items_answered: int
    documents: int


class Column(Record):
    """One column of a config."""

    name: str
    type: str
    meaning: str


class Columns(Record):
    """The columns that the files of some configs share."""

    configs: tuple[str, ...]
    columns: tuple[Column, ...]


class Profile(Record):
    """What a dataset version holds; equal files give an equal profile.

    ``year_from`` says how many rows took their year from which column. ``duplicates`` are what left as ``exact`` or
    ``near`` duplicates, and the pairs alike that both stayed (``similar_kept``). ``marked`` counts rows of base
    documents by marks of theirs: ``contamination``, ``pages_needing_ocr``. ``unreadable`` files are no Parquet.
    """

    parts: tuple[Part, ...]
    tables: tuple[Table, ...]
    groups: Mapping[str, tuple[Group, ...]]
    year_from: Mapping[str, int]
    lengths: Mapping[str, Histogram]
    clusters: Histogram | None
    quality: Quality | None
    tokens: tuple[Tokens, ...]
    dropped: tuple[Left, ...]
    tests: tuple[TestReport, ...]
    duplicates: Mapping[str, int]
    marked: Mapping[str, int]
    unreadable: tuple[str, ...]
    columns: tuple[Columns, ...]

    @property
    def formats(self) -> tuple[str, ...]:
        """Return the formats that have rows, in order; pointers, if any, last."""
        held = {part.format for part in self.parts}
        return tuple(name for name in (*FORMATS, POINTERS) if name in held)

    @property
    def rows(self) -> int:
        """Return the number of all documents in all formats; pointers are none of them."""
        return sum(part.rows for part in self.parts if part.format != POINTERS)

    @property
    def pointers(self) -> int:
        """Return the number of records that stand here without their texts."""
        return sum(part.rows for part in self.parts if part.format == POINTERS)

    @property
    def characters(self) -> int:
        """Return the characters of all texts in all formats; those that pointers stand for are none of them."""
        return sum(part.characters for part in self.parts if part.format != POINTERS)

    def rows_by(self, dimension: str) -> dict[str, int]:
        """Return how many documents, in all formats, have each value of a dimension; pointers are none of them."""
        found: dict[str, int] = {}
        for group in self.groups[dimension]:
            if group.format != POINTERS:
                found[group.value] = found.get(group.value, 0) + group.rows
        return found

    def to_json(self) -> str:
        """Return the text of ``profile.json``: sorted, indented, stable."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def read_profile(folder: Path) -> Profile | None:
    """Return the profile of the version in ``folder``, None when it has none; raise UserError when it is damaged."""
    try:
        return Profile.model_validate_json((folder / PROFILE).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise UserError(
            PROFILE, f"is damaged: {error.errors()[0]['msg']}", todo="see: kanagura cards verify"
        ) from error
