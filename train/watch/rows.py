"""The documents behind the rows of a step, read from their files when they are asked for."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from train.data.packing import Rows
from train.data.tokens import Tokens

Ints = NDArray[np.int64]
COLUMNS = ("id", "source", "url", "license")
BEGINNING = 60  # characters of a text that stand for it


class Piece(NamedTuple):
    """A part of a document in a row: ``tokens`` of its ``of`` tokens, from ``begin`` on, the end-of-text token counted.

    ``row`` is its row (from 0) in ``file`` of the version ``corpus``. ``text`` is the beginning of the document, or all of it.
    """

    corpus: str
    file: str
    row: int
    id: str
    format: str
    source: str
    url: str
    license: str
    begin: int
    tokens: int
    of: int
    text: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """One row of a step, ``number`` from 1; ``loss`` in nats per token is NaN where it is not known."""

    number: int
    loss: float
    tokens: int
    pieces: tuple[Piece, ...]

    @property
    def named(self) -> list[tuple[str, str]]:
        """(id, source) of its documents, the longest piece first."""
        ordered = sorted(self.pieces, key=lambda piece: -piece.tokens)
        return list(dict.fromkeys((piece.id, piece.source) for piece in ordered))


def row_losses(rows: Rows, sums: Sequence[float] | None) -> list[float]:
    """Return the loss of each row in nats per token from their sums; NaN of all without them."""
    targets = np.maximum(1, rows.targets()).tolist()
    if sums is None or len(sums) < len(targets):
        return [math.nan] * len(targets)
    return [total / n for total, n in zip(sums, targets, strict=False)]


def highest(losses: Sequence[float], n: int) -> list[int]:
    """Return the places of the ``n`` highest losses, the highest first; what is no number comes before all."""
    return sorted(range(len(losses)), key=lambda i: (math.isfinite(losses[i]), -losses[i], i))[:n]


def step_rows(
    tokens: Tokens,
    rows: Rows,
    sums: Sequence[float] | None,
    *,
    chosen: Sequence[int] | None = None,
    whole: bool = False,
) -> list[StepRow]:
    """Return the rows of a step with their documents; ``chosen`` are the places (from 0) of those that are wanted.

    ``sums`` are the summed losses of the rows in nats, as ``rows.jsonl`` has them. ``whole`` gives all of each text.
    Only the row groups that hold the documents are read.
    """
    losses, wanted = row_losses(rows, sums), range(rows.n) if chosen is None else chosen
    places = [slice(int(rows.starts[row]), int(rows.starts[row + 1])) for row in wanted]
    numbers = np.unique(np.concatenate([np.zeros(0, np.int64), *(rows.document[part] for part in places)]))
    said = documents(tokens, numbers, whole=whole)
    found = []
    for row, part in zip(wanted, places, strict=True):
        pieces = zip(
            rows.document[part].tolist(), rows.first[part].tolist(), rows.length[part].tolist(), strict=True
        )
        held = [
            said[document]._replace(begin=first - said[document].begin, tokens=n)
            for document, first, n in pieces
        ]
        found.append(StepRow(row + 1, losses[row], sum(piece.tokens for piece in held), tuple(held)))
    return found


def documents(tokens: Tokens, numbers: Ints, *, whole: bool = False) -> dict[int, Piece]:
    """Return documents by number, ``begin`` being where their tokens begin among all."""
    files = np.searchsorted(tokens.starts, numbers, "right") - 1
    firsts = dict(zip(numbers.tolist(), tokens.first(numbers).tolist(), strict=True))
    found = {}
    for at in np.unique(files).tolist():
        file, here = tokens.files[at], numbers[files == at]
        path = Path(file.path)
        name = f"{path.parent.name}/{path.name}"
        for number, said in zip(here.tolist(), _said(path, here - tokens.starts[at]), strict=True):
            row, text = number - int(tokens.starts[at]), str(said.get("text") or "")
            found[number] = Piece(
                corpus=file.corpus, file=name, row=row, id=str(said.get("id") or f"{name}#{row}"), format=file.format,
                source=str(said.get("source") or ""), url=str(said.get("url") or ""), license=str(said.get("license") or ""),
                begin=firsts[number], tokens=0, of=int(tokens.lengths[number]), text=text if whole else text[:BEGINNING],
            )  # fmt: skip
    return found


def _said(path: Path, rows: Ints) -> Iterable[Mapping[str, Any]]:
    """Yield what a file says of some of its rows, in order."""
    with pq.ParquetFile(path) as file:
        columns = [name for name in (*COLUMNS, "text") if name in file.schema_arrow.names]
        ends = np.cumsum([file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)])
        groups = np.searchsorted(ends, rows, "right")
        for group in np.unique(groups).tolist():
            begin = int(ends[group - 1]) if group else 0
            yield from (
                file.read_row_group(group, columns=columns).take(rows[groups == group] - begin).to_pylist()
            )
