"""Tells from the figures of a step whether training went wrong there: a spike, or a number that is none."""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Protocol

from datacards.errors import UserError
from train.trainers.causal_lm import Spikes

NORMAL = 1.4826  # a normal distribution's deviation over its median absolute deviation
READY = 24  # steps before the first verdict: of fewer, chance alone makes deviations look small
#: Figure -> the least deviation that counts as one: what is steadier than this says nothing by a small step.
LEAST = {"loss": 0.005, "grad_norm": 0.1, "update_norm": 0.03}
WORDS = {"loss": "loss", "grad_norm": "gradient norm", "update_norm": "norm of the update at its rate"}
TOLD = 3  # rows with the highest losses that a message names
NAMED = 4  # documents of each


class Line(Protocol):
    """What a step leaves in ``loss.jsonl``, as far as it is watched; a norm that is not known is 0."""

    @property
    def step(self) -> int:
        """The step, from 1."""

    @property
    def loss(self) -> float:
        """Nats per token."""

    @property
    def lr(self) -> float:
        """The learning rate."""

    @property
    def grad_norm(self) -> float:
        """The norm of the gradient before it is clipped."""

    @property
    def update_norm(self) -> float:
        """The norm of what AdamW added to the weights, without decay."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a step that is out of line: ``deviations`` above ``usual``; infinite where it is no number."""

    name: str
    value: float
    usual: float
    deviations: float

    def __str__(self) -> str:
        if not math.isfinite(self.deviations):
            return f"the {WORDS[self.name]} is {self.value}"
        return f"the {WORDS[self.name]} is {self.value:.4g}, {self.deviations:.0f} deviations above {self.usual:.4g}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A step that went wrong: its figures, the farthest out first, and whether the run must not go on."""

    step: int
    figures: tuple[Figure, ...]
    stops: bool

    @property
    def finite(self) -> bool:
        """Whether all figures of the step are numbers."""
        return all(math.isfinite(figure.deviations) for figure in self.figures)


class Suspect(Protocol):
    """A row of a step: its loss in nats per token, and (id, source) of its documents."""

    @property
    def loss(self) -> float:
        """Nats per token."""

    @property
    def named(self) -> Sequence[tuple[str, str]]:
        """(id, source) of the documents, longest piece first."""


class Watcher:
    """Looks at step after step; what it says depends on the last ``window`` lines alone.

    So a resumed run that hands in the lines it kept decides as an undisturbed one does. A figure is compared with
    the median of the newest eighth of the window, which a falling or warming-up curve has not left far behind; a
    deviation is measured between neighboring steps (the median of the differences' sizes, over all the window),
    where a trend cancels out. Both norms are compared as logarithms, the update's after division by its learning rate:
    it moves before the loss does, and the rate moves it by itself. Only what is too high is a spike.
    """

    def __init__(self, options: Spikes | None, lines: Iterable[Line] = ()) -> None:
        """Begin after ``lines``, those of ``loss.jsonl`` so far; without options only numbers that are none are found."""
        self.options = options
        size = options.window if options else 1
        self._seen: deque[dict[str, float]] = deque((_scaled(line) for line in lines), maxlen=size)

    def see(self, line: Line) -> Verdict | None:
        """Return what is wrong with the next step, None where nothing is; it is a part of the window from then on."""
        values = {"loss": line.loss, "grad_norm": line.grad_norm, "update_norm": line.update_norm}
        wrong = [
            Figure(name, value, math.nan, math.inf)
            for name, value in values.items()
            if not math.isfinite(value)
        ]
        if wrong:
            return Verdict(line.step, tuple(wrong), stops=True)
        found = self._spikes(_scaled(line)) if self.options else []
        self._seen.append(_scaled(line))
        if not found or not self.options:
            return None
        ordered = sorted(found, key=lambda figure: -figure.deviations)
        return Verdict(line.step, tuple(ordered), stops=self.options.action == "stop")

    def _spikes(self, now: dict[str, float]) -> list[Figure]:
        options, found = self.options, []
        if not options or len(self._seen) < min(READY, options.window):
            return []
        for name, value in now.items():
            past = [seen[name] for seen in self._seen if name in seen]
            if len(past) < min(READY, options.window):
                continue
            usual = median(past[-max(8, options.window // 8) :])
            between = median(abs(b - a) for a, b in pairwise(past))
            least = LEAST[name] * (max(1.0, abs(usual)) if name == "loss" else 1.0)
            far = (value - usual) / max(NORMAL / math.sqrt(2) * between, least)
            if far >= options.deviations:
                shown = (value, usual) if name == "loss" else (math.exp(value), math.exp(usual))
                found.append(Figure(name, *shown, far))
        return found


def _scaled(line: Line) -> dict[str, float]:
    """Return what is compared of a step; a norm of 0 is one that nobody measured."""
    found = {"loss": line.loss}
    if line.grad_norm > 0:
        found["grad_norm"] = math.log(line.grad_norm)
    if line.update_norm > 0 and line.lr > 0:
        found["update_norm"] = math.log(line.update_norm) - math.log(line.lr)
    return found


def stopped(verdict: Verdict, rows: Sequence[Suspect], label: str = "NAME@VERSION") -> UserError:
    """Return the error that ends a run at a step: its figures, whose documents they may be, and what to do.

    ``rows`` are those of the step; ``label`` is the version being made.
    """
    worst = sorted(rows, key=lambda row: -row.loss if math.isfinite(row.loss) else -math.inf)[:TOLD]
    told = "; ".join(f"loss {row.loss:.4g}: {_documents(row.named)}" for row in worst)
    allowed = (
        "all figures must be numbers" if not verdict.finite else "the recipe stops at spikes (spikes.action)"
    )
    step = verdict.step
    return UserError(
        f"step {step}",
        ", ".join(map(str, verdict.figures)),
        f"{allowed}; its rows with the highest losses: {told}" if told else allowed,
        f"look at them with: train step {label} {step}; then run the same command again with --skip-step {step}, "
        "or make another version with a lower learning_rate or a longer warmup_steps",
    )


def _documents(named: Sequence[tuple[str, str]]) -> str:
    shown = ", ".join(f"{id_} ({source})" if source else id_ for id_, source in named[:NAMED])
    return f"{shown} and {len(named) - NAMED:,} more" if len(named) > NAMED else shown
