"""What every monitor is: it looks at the states that a training saves, beside it, and gives each some figures."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, StringConstraints, ValidationError

from datacards.card import Record, Ref
from datacards.errors import UserError
from datacards.store import Store

GROUP = "kanagura.monitors"
MONITOR = "monitor.jsonl"  # in a checkpoint: one object per state that was looked at, in order of steps
Device = Annotated[str, StringConstraints(pattern=r"^(cpu|cuda:[0-9]{1,3})$")]


class Point(Record):
    """One state: its step (0 is the base) and its figures by name or, where it could not be looked at, why (``error``)."""

    model_config = ConfigDict(allow_inf_nan=False)

    step: Annotated[int, Field(ge=0)]
    scores: dict[str, float] = Field(default_factory=dict)
    error: str = ""

    def line(self) -> str:
        """Return the line of ``monitor.jsonl``: no time is in it, so that equal runs have equal files."""
        told = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(told, ensure_ascii=False, sort_keys=True) + "\n"


def read_points(path: Path) -> list[Point]:
    """Return the points in ``path``, none where there is no such file; raise UserError for a line that is none."""
    if not path.is_file():
        return []
    try:
        return [Point.model_validate_json(line) for line in path.read_bytes().splitlines()]
    except ValidationError as error:
        raise UserError(
            path.name, "has a line that is no point", todo="restore it or make it again"
        ) from error


def write_points(path: Path, points: Iterable[Point], work: Path) -> None:
    """Put ``points`` into ``path``, in order of steps: all at once, by way of ``work`` on the same disk."""
    text = "".join(point.line() for point in sorted(points, key=lambda point: point.step))
    new = work / f".{path.name}"
    new.write_text(text, encoding="utf-8")
    new.replace(path)


@dataclass(frozen=True)
class Ready:
    """What a monitor needs, found and verified: it goes into the card, and ``folders`` to every ``measure``.

    ``options`` are the monitor's own with every input as its Ref; ``note`` is a sentence for the card on what the scores
    are of, and which tests are none any more for who picks a step by them.
    """

    refs: tuple[Ref, ...] = ()
    folders: dict[str, Path] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    note: str = ""


class Monitor(BaseModel, ABC):
    """A way to look at a training while it runs; the fields of a subclass are its options in the recipe.

    Plug-ins are found through the entry points of the group ``kanagura.monitors``. Any stage may offer one, and training
    need not know which: they meet here. ``every`` looks at each so-manieth saved state alone (the base and the final weights
    are always looked at). It computes in a process of its own on ``device``, with ``threads`` threads of it, by default as many
    as torch takes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    every: PositiveInt = 1
    device: Device = "cpu"
    threads: PositiveInt | None = None

    @abstractmethod
    def prepare(self, store: Store, base: Path) -> Ready:
        """Find and verify all inputs; ``base`` is the folder of the model that will be trained.

        Raises UserError, before training starts, when no state could be looked at.
        """

    @abstractmethod
    def measure(self, base: Path, saved: Path, work: Path, folders: dict[str, Path]) -> dict[str, float]:
        """Return the figures of one state by name, higher being better.

        ``base`` and ``saved`` are whole model folders of one architecture and tokenizer, not to be written to; ``work`` is
        an empty folder; ``folders`` are those of ``prepare``. Raises UserError for a state that has no figures.
        """
