"""The training loop: the same for one process and for many, resumable to the bit on one."""

import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacards.errors import UserError
from datacards.trained import LOSS, VALIDATION
from train.base import NOTHING, Trained, Watched
from train.data.measured import held_out, repeated
from train.data.packing import Rows, batch
from train.data.schedule import Schedule
from train.data.tokens import Tokens, read_tokens
from train.trainers.bar import Bar
from train.trainers.causal_lm import CausalLM
from train.trainers.engine import Engine, Stepped
from train.trainers.lines import ROWS, Lines
from train.trainers.rates import learning_rate
from train.trainers.state import save
from train.trainers.telling import lost, told
from train.watch.monitoring import offer
from train.watch.rows import highest, row_losses, step_rows
from train.watch.spikes import TOLD, Verdict, Watcher, stopped
from train.watch.trackers import Trackers

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One training run: the options, where the base lies, where the result and the working files go, what is watched."""

    trainer: CausalLM
    base: Path
    out: Path
    work: Path
    seed: int
    watched: Watched = NOTHING


@dataclass(frozen=True)
class Step:
    """One line of ``loss.jsonl``.

    ``loss`` is in nats per token, ``tokens`` counts from the beginning of training, the norms are of the gradient before it is
    clipped and of AdamW's step. ``batch`` begins a SHA-256 over the tokens of this step and what it was before: equal where and
    only where all steps so far have read equal tokens in equal order.
    """

    step: int
    loss: float
    lr: float
    tokens: int
    grad_norm: float
    update_norm: float
    batch: str


def run(job: Job) -> Trained:
    """Train to the end, from the last saved step if there is one, and write the model folder."""
    training = Training(job)
    training.engine.check()
    training.steps()
    training.engine.export(job.base, job.out)
    if training.engine.is_first and not training.held_out:
        training.losses.path.unlink()
    return training.trained()


class Training:
    """A run in one process: what it reads, the engine that learns, the files that it leaves."""

    def __init__(self, job: Job) -> None:
        self.job, self.options = job, job.trainer
        self.tokens: Tokens = read_tokens(job.work)
        self.order = Schedule.make(
            self.tokens,
            width=self.options.sequence_length,
            rows_per_step=self.options.rows_per_step,
            epochs=self.options.epochs,
            seed=job.seed,
        )
        self.n_steps = min(self.order.steps, self.options.max_steps or self.order.steps)
        _check(self.options, self.n_steps)
        self.held_out = held_out(self.tokens, self.options.sequence_length, job.watched.limit)
        self.engine = Engine(self.options, job.base, job.work)
        self.repeated = repeated(self.tokens, self.held_out) if self.engine.is_first else {}
        saved = self.engine.saved
        self.first: int = saved.step if saved else 0
        self.lines, self.rows, self.losses = (
            Lines(job.out / name, saved=self.first, writes=self.engine.is_first)
            for name in (LOSS, ROWS, VALIDATION)
        )
        if len(self.lines.kept) < self.first:
            raise UserError(
                LOSS,
                f"has {len(self.lines.kept)} lines",
                f"the saved state is that after {self.first} steps",
                "restore it, or delete the draft to begin again",
            )
        _check_skipped(job.watched.skipped, self.rows.kept, self.n_steps)
        self.watcher = Watcher(self.options.spikes)
        self.found: list[Verdict] = []
        for line, beside in zip(self.lines.kept, self.rows.kept, strict=True):
            self._see(Step(**line), skipped=bool(beside.get("skipped")))
        self.processes = _processes(job.work, self.engine, self.first)
        self.seconds = 0.0
        self.unchanged = self.engine.unchanged(self.options.learning_rate)
        if (
            self.engine.is_first
            and self.unchanged > 0.5
            and self.options.weights == "bf16"
            and not self.options.vector
        ):
            logger.warning("%s", lost(self.unchanged, self.options.learning_rate))

    def steps(self) -> None:
        """Run the steps that are left, measuring and saving as often as was asked."""
        if self.first:
            self._offer(self.first)
        tracking = self.job.watched.tracking or self.job.work
        trackers = Trackers(self.options.trackers, tracking, begun=self.first, first=self.engine.is_first)
        begun = time.monotonic()
        with Bar(self, trackers) as bar:
            if not self.first and self.held_out:
                bar.measured(0, self._measure(0))
            for step in range(self.first, self.n_steps):
                rows = self.order.rows(step)
                line, stepped = self._step(step, rows)
                bar.stepped(line, rows)
                self._judge(line, stepped, rows)
                done = step + 1
                last = done == self.n_steps
                if self.held_out and (
                    last or (self.job.watched.every and done % self.job.watched.every == 0)
                ):
                    bar.measured(done, self._measure(done))
                if done % self.options.save_every == 0 and not last:
                    self._save(done)
        trackers.close()
        self.seconds = time.monotonic() - begun

    def _step(self, step: int, rows: Rows) -> tuple[Step, Stepped]:
        targets = max(1, int(rows.targets().sum()))
        rate = learning_rate(self.options, step, self.n_steps)
        stepped = (
            self._measured(rows)
            if step + 1 in self.job.watched.skipped
            else self._learned(step, rows, rate, targets)
        )
        before: dict[str, Any] = self.lines.kept[-1] if self.lines.kept else {"tokens": 0, "batch": ""}
        line = Step(
            step + 1,
            float(stepped.losses.sum()) / targets,
            rate,
            before["tokens"] + int(rows.tokens().sum()),
            stepped.grad_norm,
            stepped.update_norm,
            self._chain(before["batch"], rows),
        )
        return line, stepped

    def _learned(self, step: int, rows: Rows, rate: float, targets: int) -> Stepped:
        self.engine.begin(rate, seed=self.job.seed + step)
        n = self.options.rows_per_device
        for turn in range(self.options.turns):
            at = (turn * self.engine.world + self.engine.rank) * n
            self.engine.turn(batch(rows, self.tokens, slice(at, at + n), n), targets)
        return self.engine.finish()

    def _measured(self, rows: Rows) -> Stepped:
        """Return the losses of the rows without learning from them."""
        return Stepped(self._losses(rows), 0.0, 0.0)

    def _losses(self, rows: Rows) -> NDArray[np.float64]:
        """Return the summed nats of each row, measured by all processes together."""
        n = self.options.rows_per_device
        found = []
        for first in range(0, rows.n, n * self.engine.world):
            at = first + self.engine.rank * n
            found.append(self.engine.measure(batch(rows, self.tokens, slice(at, at + n), n)))
        return np.concatenate(found)[: rows.n]

    def _chain(self, before: str, rows: Rows) -> str:
        if not self.engine.is_first:
            return ""
        chain = hashlib.sha256(before.encode())
        for first, n in zip(rows.first.tolist(), rows.length.tolist(), strict=True):
            chain.update(self.tokens.read(first, n).tobytes())
        return chain.hexdigest()[:16]

    def _judge(self, line: Step, stepped: Stepped, rows: Rows) -> None:
        """Write what a step left, and end the run where it must not go on."""
        losses: list[float] = stepped.losses[: rows.n].tolist()
        skips = line.step in self.job.watched.skipped
        verdict = self._see(line, skipped=skips)
        if verdict and verdict.stops:
            worst = highest(row_losses(rows, losses), TOLD)
            raise stopped(verdict, step_rows(self.tokens, rows, losses, chosen=worst), self.job.out.name)
        self.lines.add(asdict(line))
        groups = {str(group): n for group, n in rows.groups().items()}
        skipped = {"skipped": True} if skips else {}
        self.rows.add(
            {
                "step": line.step,
                "losses": [float(f"{one:.7g}") for one in losses],
                "groups": groups,
                **skipped,
            }
        )

    def _see(self, line: Step, *, skipped: bool) -> Verdict | None:
        """Return what is wrong with a step and keep it; nothing can be with one that was left out."""
        verdict = None if skipped else self.watcher.see(line)
        if verdict:
            self.found.append(verdict)
        return verdict

    def _measure(self, step: int) -> dict[str, float]:
        """Measure what is held out, note and return it: nats per token by label."""
        found, counts = {}, {}
        for label, held in self.held_out.items():
            counts[label] = int(held.targets().sum())
            found[label] = float(self._losses(held).sum()) / max(1, counts[label])
        self.losses.add({"step": step, "losses": found, "tokens": counts})
        return found

    def _save(self, step: int) -> None:
        beside = [lines.path for lines in (self.lines, self.rows, self.losses)]
        save(self.engine, self.job.work, step, keep=self.options.keep, beside=beside)
        self._offer(step)

    def _offer(self, step: int) -> None:
        """Let a monitor have a saved state; after a restore too, for the run may have ended between the two."""
        if self.engine.is_first:
            saved = self.job.work / "steps" / str(step)
            offer(saved, self.job.work, step, step // self.options.save_every)

    def seen(self) -> Counter[int]:
        """Return how many tokens of each group all steps have read."""
        total: Counter[int] = Counter()
        for line in self.rows.kept:
            if not line.get("skipped"):
                total.update({int(group): n for group, n in line["groups"].items()})
        return total

    def trained(self) -> Trained:
        """Return what the card says of the run."""
        return told(self)


def _processes(work: Path, engine: Engine, first: int) -> list[dict[str, Any]]:
    """Return on what the run has trained from which step (from 1) on, this time included, and note it for the next.

    A run that goes on as it was, after a kill, is not told of.
    """
    path = work / "processes.json"
    told = json.loads(path.read_bytes()) if path.is_file() else []
    now = {"step": first + 1, "number": engine.world, "device": engine.device_name}
    found = [one for one in told if one["step"] <= first]
    if not found or any(found[-1][key] != now[key] for key in ("number", "device")):
        found.append(now)
    engine.wait()
    if engine.is_first:
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(found), encoding="utf-8")
        draft.replace(path)
    return found


def _check_skipped(skipped: Sequence[int], kept: Sequence[Mapping[str, Any]], n_steps: int) -> None:
    """Refuse to leave out steps that the run has not, and steps that the saved state has learned from."""
    for step in skipped:
        if step > n_steps:
            raise UserError("--skip-step", str(step), f"the run has {n_steps:,} steps")
        if step <= len(kept) and not kept[step - 1].get("skipped"):
            raise UserError(
                "--skip-step",
                str(step),
                f"the saved state is that after {len(kept):,} steps and has learned from it",
                "name a later step, or ask for another version",
            )


def _check(options: CausalLM, n_steps: int) -> None:
    """Refuse a warm-up without an end."""
    if options.warmup_steps >= n_steps:
        raise UserError(
            "train",
            f"warmup_steps = {options.warmup_steps}",
            f"the run has {n_steps} steps",
            "shorten the warm-up",
        )
