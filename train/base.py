"""The one method of a trainer: a base model and training text in, a checkpoint and its figures out."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class TrainData:
    """The training text: Parquet files with the columns ``id`` and ``text``, in the order they are read."""

    shards: tuple[Path, ...]


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
    def train(self, *, base: Path, data: TrainData, out: Path, work: Path, seed: int) -> Trained:
        """Train the model in ``base`` and write a model folder with ``loss.jsonl`` to ``out``.

        ``loss.jsonl`` holds one object per optimizer step: ``step`` (from 1), ``loss`` (nats per token), ``lr``,
        ``tokens`` (seen so far). ``work`` holds what a later call with the same arguments goes on from after
        this one was killed. Raises UserError for what a user can mend.
        """
