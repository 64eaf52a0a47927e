"""What a training leaves in its version: what it has seen, what held-out text says of it, and how it ran."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from datacards.card import Ref
from datacards.merged import Finite, Share

TRAINING = "training.json"
LOSS = "loss.jsonl"  # one object per optimizer step
VALIDATION = "validation.jsonl"  # {step, losses: {label: nats per token}, tokens: {label: number}}
MONITOR = "monitor.jsonl"  # {step, scores: {name: value}}

Count = Annotated[int, Field(ge=0)]
Role = Literal["corpus", "replay", "validate"]


class Input(Finite):
    """A dataset version and what it was read for: trained on, trained on against forgetting, only measured."""

    ref: Ref
    role: Role = "corpus"


class Seen(Finite):
    """What training has read of one group of documents: ``tokens`` counts every reading, ``documents`` each once."""

    corpus: str
    format: str
    source: str
    documents: Count
    tokens: Count


class HeldOut(Finite):
    """Mean loss (nats per token) on ``tokens`` tokens that were not trained on, before the first and after the last step.

    ``measured_only`` says that they are of a version that training has read nothing of.
    """

    label: str
    tokens: Count
    before: float | None = None
    after: float | None = None
    measured_only: bool = False

    @property
    def change(self) -> float | None:
        """By which share the perplexity has changed: -0.1 is a tenth less."""
        if self.before is None or self.after is None:
            return None
        return math.expm1(min(self.after - self.before, 700.0))


class Spike(Finite):
    """One figure of a step that was out of line."""

    step: Annotated[int, Field(ge=1)]
    figure: str
    value: float
    usual: float
    deviations: float


class Processes(Finite):
    """How many processes trained from a step (from 1) on, and on what."""

    step: Annotated[int, Field(ge=1)]
    number: Annotated[int, Field(ge=1)]
    device: str = ""


class Training(Finite):
    """What a training tells of itself, in ``training.json``; every part may be missing."""

    base: Ref | None = None
    tokenizer: str = ""  # SHA-256 of its files
    inputs: tuple[Input, ...] = ()
    seen: tuple[Seen, ...] = ()
    held_out: tuple[HeldOut, ...] = ()
    precision: str = ""
    attention: str = ""
    loss: str = ""  # the kernel that computes it
    processes: tuple[Processes, ...] = ()
    packing_fill: Share | None = None
    spikes: tuple[Spike, ...] = ()
    skipped: tuple[int, ...] = ()  # steps that were left out, from 1
    monitor: dict[str, float] = Field(default_factory=dict)  # the last score of each name
    notes: tuple[str, ...] = ()  # sentences in plain English

    def to_json(self) -> str:
        """Return the text of ``training.json``: the same record gives the same bytes."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"

    def by(self, key: Literal["corpus", "format", "source"]) -> list[tuple[str, int, int]]:
        """Return (name, documents, tokens) of what was seen, summed by a key, most tokens first."""
        found: dict[str, tuple[int, int]] = {}
        for one in self.seen:
            name = getattr(one, key)
            documents, tokens = found.get(name, (0, 0))
            found[name] = (documents + one.documents, tokens + one.tokens)
        return sorted(((name, *both) for name, both in found.items()), key=lambda row: (-row[2], row[0]))


def held_out(lines: Sequence[Mapping[str, Any]], measured_only: Sequence[str] = ()) -> tuple[HeldOut, ...]:
    """Return from the lines of ``validation.jsonl`` what each label had at the first and at the last of them.

    ``measured_only`` are the labels of versions that training reads nothing of.
    """
    if not lines:
        return ()
    first, last = lines[0], lines[-1]
    labels = dict.fromkeys((*first.get("losses", {}), *last.get("losses", {})))
    return tuple(
        HeldOut(
            label=label,
            tokens=last.get("tokens", {}).get(label) or first.get("tokens", {}).get(label) or 0,
            before=first.get("losses", {}).get(label) if len(lines) > 1 and not first.get("step") else None,
            after=last.get("losses", {}).get(label),
            measured_only=label in measured_only,
        )
        for label in labels
    )


def write_training(folder: Path, training: Training) -> None:
    """Write ``training.json`` into the folder of a version."""
    (folder / TRAINING).write_text(training.to_json(), encoding="utf-8")


def read_training(folder: Path) -> Training | None:
    """Return what the ``training.json`` in a folder says, None where there is none or where it is another's."""
    try:
        return Training.model_validate_json((folder / TRAINING).read_bytes())
    except (OSError, ValidationError):
        return None


def read_figures(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a ``.jsonl`` file that are objects with a whole ``step``; none where it cannot be read.

    Trainers are plug-ins: what they leave beside the weights is read as it may be.
    """
    try:
        text = path.read_text(encoding="utf-8")
        said = [json.loads(line) for line in text.split("\n") if line.strip()]
    except (OSError, ValueError, RecursionError):
        return []
    return [one for one in said if isinstance(one, dict) and type(one.get("step")) is int]


def numbers(said: object) -> dict[str, float]:
    """Return the entries of an object that are finite numbers."""
    if not isinstance(said, dict):
        return {}
    return {
        str(name): float(value)
        for name, value in said.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
