"""Reads the samples files of an evaluation version, of today's layout or the first one."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from datacards.errors import UserError
from datacards.evaluated import SAMPLES, Score, TaskRecord, read_scores, read_tasks
from eval.compare.figures import Floats, Ints, f1_parts, group_parts, ratio_parts, value_of

COMMON = ("id", "cluster", "group", "value", "weight", "context_sha256")
FIRST = ("id", "context_sha256", "choices", "gold", "prediction")  # of the first layout, all that is needed
CHOICE = ("choices", "gold", "prediction")
NO_CLUSTERS = (
    "a version of the first layout: it does not say which items share a text, so errors may be too small"
)
MOST_GROUPS = 2000  # parts have two columns a group


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns of one samples file that statistics need; ``asked`` is a digest of all that was asked."""

    ids: list[str]
    groups: list[str]
    clusters: Ints
    parts: Floats
    guess: Floats | None
    contexts: NDArray[np.uint64]
    asked: str


def tasks_of(folder: Path) -> tuple[list[TaskRecord], list[Score]]:
    """Return what the version says of its tasks, and its scores; a first-layout task has an empty digest."""
    scores = read_scores(folder)
    return read_tasks(folder) or _first_layout(scores), scores


def read_columns(folder: Path, record: TaskRecord) -> Columns:
    """Return the columns of the samples file of ``record``; see ``eval.compare.outcome.read`` for the errors."""
    first = not record.digest
    table = _table(folder, record, first)
    values = _right(table) if first else _numbers(table, "value", record)
    groups = [""] * len(table) if first else table["group"].to_pylist()
    parts, guess = _parts(record, table, values, groups)
    if not np.isfinite(parts).all():
        raise UserError(record.task, "a value or weight is no number", todo="score the model again")
    return Columns(
        ids=table["id"].to_pylist(),
        groups=groups,
        clusters=np.arange(len(table)) if first else _codes(table["cluster"]),
        parts=parts,
        guess=guess,
        contexts=_beginnings(table["context_sha256"], record),
        asked=record.digest or _digest(table),
    )


def _first_layout(scores: list[Score]) -> list[TaskRecord]:
    """Return what the scores of a version without ``tasks.json`` tell of its tasks."""
    found: dict[str, TaskRecord] = {}
    for score in scores:
        found.setdefault(
            score.task,
            TaskRecord(
                task=score.task, kind="choice", metric=score.metric,
                figure="f1" if score.metric == "f1" else "mean",
                samples=score.samples, of=score.samples, digest="",
            ),
        )  # fmt: skip
    return list(found.values())


def _table(folder: Path, record: TaskRecord, first: bool) -> pa.Table:
    """Return the columns that are needed, strings that repeat as dictionaries."""
    name = f"{record.task}.parquet"
    path = folder / SAMPLES / name
    if Path(name).name != name or not path.is_file():
        raise UserError(f"{SAMPLES}/{name}", "is missing", todo="verify the version: kanagura cards verify")
    needed = FIRST if first else (*COMMON, *(CHOICE if record.kind == "choice" else ()))
    try:
        with pq.ParquetFile(path) as file:
            if lacking := [column for column in needed if column not in file.schema_arrow.names]:
                raise UserError(
                    f"{SAMPLES}/{name}", f"has no column '{lacking[0]}'", f"needed: {', '.join(needed)}",
                    "score the model again with this release",
                )  # fmt: skip
            table = file.read(columns=list(needed))
    except (OSError, pa.ArrowException) as error:
        raise UserError(
            f"{SAMPLES}/{name}", f"cannot be read: {error}", todo="verify the version: kanagura cards verify"
        ) from error
    if len(table) != record.samples:
        raise UserError(f"{SAMPLES}/{name}", f"holds {len(table)} rows", f"the card says {record.samples}")
    if len(table) == 0:
        raise UserError(f"{SAMPLES}/{name}", "holds no row", todo="score the model again")
    return table


def _parts(
    record: TaskRecord, table: pa.Table, values: Floats, groups: list[str]
) -> tuple[Floats, Floats | None]:
    """Return what the items add to the figure's sums, and what guessing would add."""
    chances = None
    if record.kind == "choice":
        sizes = pc.list_value_length(table["choices"]).to_numpy().astype(np.int64)
        chances = 1 / np.maximum(sizes, 1)
    if record.figure == "f1":
        golds = pc.fill_null(table["gold"], -1).to_numpy().astype(np.int64)
        predictions = table["prediction"].to_numpy().astype(np.int64)
        number = int(sizes.max())
        return f1_parts(golds, predictions, number), _best_constant(golds, number)
    if record.figure == "groups":
        names = sorted(set(groups))
        if len(names) > MOST_GROUPS:
            raise UserError(record.task, f"has {len(names):,} groups", f"at most {MOST_GROUPS:,}")
        place = {name: code for code, name in enumerate(names)}
        codes = np.array([place[name] for name in groups], dtype=np.int64)
        guess = None if chances is None else group_parts(chances, codes, len(names))
        return group_parts(values, codes, len(names)), guess
    weights = _numbers(table, "weight", record) if record.figure == "ratio" else np.ones(len(values))
    return ratio_parts(values, weights), None if chances is None else ratio_parts(chances, weights)


def _best_constant(golds: Ints, choices: int) -> Floats:
    """Return the parts of the one answer that scores best when it is given to every item."""
    guesses = [f1_parts(golds, np.full(len(golds), choice), choices) for choice in range(choices)]
    return max(guesses, key=lambda parts: float(value_of(parts.sum(axis=0), "f1")))


def _numbers(table: pa.Table, column: str, record: TaskRecord) -> Floats:
    """Return a column of numbers, nan for what is not known; an infinite value is refused."""
    values: Floats = table[column].cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    if np.isinf(values).any():
        raise UserError(record.task, f"a {column} is infinite", todo="score the model again")
    return values


def _right(table: pa.Table) -> Floats:
    right = pc.fill_null(pc.equal(table["gold"], table["prediction"]), False)
    values: Floats = right.to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _codes(column: pa.ChunkedArray) -> Ints:
    """Return a number for every distinct text of a column."""
    encoded = column.combine_chunks().dictionary_encode()
    codes: Ints = encoded.indices.to_numpy().astype(np.int64)
    return codes


def _beginnings(column: pa.ChunkedArray, record: TaskRecord) -> NDArray[np.uint64]:
    """Return the first 64 bits of every hexadecimal hash."""
    try:
        beginnings = (int(text[:16], 16) for text in _texts(column))
        return np.fromiter(beginnings, dtype=np.uint64, count=len(column))
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(
            record.task, f"a context_sha256 is no hash: {error}", todo="score the model again"
        ) from error


def _digest(table: pa.Table) -> str:
    """Return a digest of what a version of the first layout was asked: ids, prompts, choices and right answers."""
    rows = zip(*(_texts(table[name]) for name in ("id", "context_sha256", "choices", "gold")), strict=True)
    return hashlib.sha256(repr(sorted(map(repr, rows))).encode()).hexdigest()


def _texts(column: pa.ChunkedArray) -> Iterator[Any]:
    for chunk in column.chunks:
        yield from chunk.to_pylist()
