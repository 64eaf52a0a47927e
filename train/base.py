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


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """One Parquet file of a corpus version, with the column ``text`` and mostly ``id``, ``source`` and ``url``.

    ``sha256`` is that of the file, as the card of ``corpus`` (``name@version``) lists it. ``times`` says of every row how
    often an epoch reads it, 0 for never; without it each is read once. ``held_out`` says which rows are measured and never
    trained on; their ``times`` are 0. How often the rows of a ``replay`` shard are read is multiplied by what makes them
    ``TrainData.replay_share`` of all tokens. A ``validation`` shard is measured only.
    """

    path: Path
    sha256: str
    corpus: str
    format: str
    times: NDArray[np.float32] | None = None
    held_out: NDArray[np.bool_] | None = None
    replay: bool = False
    validation: bool = False

    @property
    def name(self) -> str:
        """Which file it is, for people: its folder and its name."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def rows(self) -> int:
        """The number of rows of the file."""
        return len(self.times) if self.times is not None else int(pq.read_metadata(self.path).num_rows)

    @property
    def n(self) -> int:
        """The number of rows that are trained on."""
        return int(np.count_nonzero(self.times)) if self.times is not None else self.rows


@dataclass(frozen=True, slots=True, eq=False)
class TrainData:
    """The training text: files in the order they are read.

    ``replay_share`` is the share of all tokens of an epoch that ``replay`` shards make up. ``cache`` is a folder that
    outlives runs, for what a trainer makes of each file; without it the run's own working folder serves.
    """

    shards: tuple[Shard, ...]
    replay_share: float = 0.0
    cache: Path | None = None

    @property
    def n(self) -> int:
        """The number of documents that are trained on."""
        return sum(shard.n for shard in self.shards)

    def documents(self, shard: Shard) -> Iterator[list[tuple[str, str, str]]]:
        """Yield (id, text, source) of the documents of a shard that are trained on, some at a time, each once.

        A file without ids has its name and row for them, one without sources an empty text. Raises UserError for a file
        without the column ``text``. For trainers that read text themselves; ``causal_lm`` reads ``train.data``.
        """
        with pq.ParquetFile(shard.path) as file:
            columns = file.schema_arrow.names
            if "text" not in columns:
                raise UserError(shard.name, "has no column 'text'", f"its columns: {', '.join(columns)}")
            wanted = [column for column in ("id", "text", "source") if column in columns]
            at = 0
            for batch in file.iter_batches(batch_size=BATCH, columns=wanted):
                rows = np.arange(at, at + len(batch))
                at += len(batch)
                chosen = np.ones(len(batch), bool) if shard.times is None else shard.times[rows] > 0
                rows, part = rows[chosen], batch.filter(pa.array(chosen))
                ids = part["id"].to_pylist() if "id" in wanted else [f"{shard.name}#{row}" for row in rows]
                sources = part["source"].to_pylist() if "source" in wanted else [""] * len(part)
                yield [
                    (str(id_), text or "", source or "")
                    for id_, text, source in zip(ids, part["text"].to_pylist(), sources, strict=True)
                ]


@dataclass(frozen=True, slots=True)
class Watched:
    """What is measured beside the training: held-out text, ``limit`` tokens of each source, every ``every`` steps and at both ends.

    ``skipped`` are steps (from 1) whose rows are measured but not learned from. ``tracking`` is a folder for trackers.
    """

    limit: int = 200_000
    every: int | None = None
    skipped: tuple[int, ...] = ()
    tracking: Path | None = None


NOTHING = Watched()


@dataclass(frozen=True, slots=True)
class Trained:
    """What a trainer has to say of its run; it goes into the card of the checkpoint."""

    metrics: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    drops: dict[str, int] = field(default_factory=dict)
    device: str = "cpu"
    training: dict[str, Any] = field(default_factory=dict)  # what ``training.json`` holds (datacards.trained)


class Trainer(BaseModel, ABC):
    """A way of training; its fields are the options a recipe may set."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @abstractmethod
    def train(
        self,
        *,
        base: Path,
        data: TrainData,
        out: Path,
        work: Path,
        seed: int,
        where: Where = HERE,
        watched: Watched = NOTHING,
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
