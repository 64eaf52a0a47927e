"""The one method of a trainer: a base model and training text in, a checkpoint and its figures out."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from datacards.errors import UserError
from train.where import Where

BATCH = 1_000  # documents that are handed out at once
HERE = Where()  # on this machine, as the recipe says


@dataclass(frozen=True, slots=True)
class TrainData:
    """The training text: Parquet files with the columns ``id`` and ``text``, in the order they are read.

    ``rows`` says of each file which of its rows are trained on; without it all are. A trainer that reads by
    ``documents`` need not look at it.
    """

    shards: tuple[Path, ...]
    rows: tuple[NDArray[np.bool_], ...] = ()

    @property
    def n(self) -> int:
        """The number of documents."""
        if self.rows:
            return sum(int(np.count_nonzero(chosen)) for chosen in self.rows)
        return sum(pq.read_metadata(shard).num_rows for shard in self.shards)

    def documents(self) -> Iterator[list[tuple[str, str]]]:
        """Yield (id, text) of the documents, some at a time; a file without ids has its name and row for them.

        Raises UserError for a file without the column ``text``.
        """
        for number, shard in enumerate(self.shards):
            name = f"{shard.parent.name}/{shard.name}"
            with pq.ParquetFile(shard) as file:
                columns = file.schema_arrow.names
                if "text" not in columns:
                    raise UserError(name, "has no column 'text'", f"its columns: {', '.join(columns)}")
                wanted = [column for column in ("id", "text") if column in columns]
                at = 0
                for part in file.iter_batches(batch_size=BATCH, columns=wanted):
                    ids = part["id"] if "id" in wanted else [f"{name}#{at + i}" for i in range(len(part))]
                    texts = part["text"]
                    if self.rows:
                        chosen = pa.array(self.rows[number][at : at + len(part)])
                        ids, texts = pa.array(ids).filter(chosen), texts.filter(chosen)
                    at += len(part)
                    ids = ids.to_pylist() if isinstance(ids, pa.Array) else ids
                    yield [(str(id_), text or "") for id_, text in zip(ids, texts.to_pylist(), strict=True)]


@dataclass(frozen=True, slots=True)
class Trained:
    """What a trainer has to say of its run; it goes into the card of the checkpoint."""

    metrics: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    drops: dict[str, int] = field(default_factory=dict)
    device: str = "cpu"


class Trainer(BaseModel, ABC):
    """A way of training; its fields are the options a recipe may set."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @abstractmethod
    def train(
        self, *, base: Path, data: TrainData, out: Path, work: Path, seed: int, where: Where = HERE
    ) -> Trained:
        """Train the model in ``base`` and write a model folder with ``loss.jsonl`` to ``out``.

        ``loss.jsonl`` holds one object per optimizer step: ``step`` (from 1), ``loss`` (nats per token), ``lr``,
        ``tokens`` (seen so far). ``work`` holds what a later call with the same arguments goes on from after
        this one was killed. ``where`` says on how many processes and machines, which must not change the result.
        Raises UserError for what a user can mend.
        """

    def join(self, *, work: Path, where: Where, asked: Mapping[str, Any]) -> None:
        """Train along, on another machine, in the run that machine 0 leads from ``work``; return when it has ended.

        ``asked`` must equal what machine 0 was asked. A trainer that knows nothing of machines refuses.
        """
        raise UserError(type(self).__name__, f"{where.machines} machines", "it trains on one machine")
