"""The training loop: the same for one process and for many, resumable to the bit on one."""

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datacards.errors import UserError
from train.base import Trained
from train.data.packing import Order, Plan, batch, pack
from train.data.tokens import Tokens, read_tokens
from train.progress import progress
from train.trainers.causal_lm import CausalLM
from train.trainers.engine import Engine
from train.trainers.state import Saved, save
from train.watch.monitoring import offer

LOSS = "loss.jsonl"


@dataclass(frozen=True)
class Job:
    """One training run: the options, where the base lies, where the result and the working files go."""

    trainer: CausalLM
    base: Path
    out: Path
    work: Path
    seed: int


@dataclass(frozen=True)
class Step:
    """One line of ``loss.jsonl``; ``tokens`` counts from the beginning of training."""

    step: int
    loss: float
    lr: float
    tokens: int
    grad_norm: float
    update_norm: float


def learning_rate(options: CausalLM, step: int, steps: int) -> float:
    """Return the rate of a step (from 0): a line up over the warm-up, then a line down to 0 after the last."""
    if step < options.warmup_steps:
        return options.learning_rate * (step + 1) / options.warmup_steps
    return options.learning_rate * (steps - step) / (steps - options.warmup_steps)


def run(job: Job) -> Trained:
    """Train to the end, from the last saved step if there is one, and write the model folder."""
    run_ = _Run(job)
    run_.engine.check()
    first = run_.saved.step if run_.saved else 0
    seconds = run_.steps(first)
    run_.engine.export(job.base, job.out)
    return run_.trained(first, seconds)


def _check_length(base: Path, sequence_length: int) -> None:
    """Refuse rows that are longer than the positions that the base model knows."""
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    positions = config.get("max_position_embeddings")
    if positions and sequence_length > positions:
        raise UserError(
            "train", f"sequence_length = {sequence_length:,}", f"the base model knows {positions:,} positions"
        )


class _Run:
    def __init__(self, job: Job) -> None:
        self.job, self.options = job, job.trainer
        self.tokens: Tokens = read_tokens(job.work)
        self.plan: Plan = pack(self.tokens.offsets, self.options.sequence_length)
        self.order = Order(self.plan.n_rows, self.options.rows_per_step, self.options.epochs, job.seed)
        self.n_steps = min(self.order.steps, self.options.max_steps or self.order.steps)
        if self.options.warmup_steps >= self.n_steps:
            raise UserError(
                "train", f"warmup_steps = {self.options.warmup_steps}", f"the run has {self.n_steps} steps"
            )
        _check_length(job.base, self.options.sequence_length)
        self.engine = Engine(self.options, job.base, job.work)
        self.saved: Saved | None = self.engine.saved
        self.log = self._kept_lines()

    def _kept_lines(self) -> list[Step]:
        """Return the lines up to the saved step; what was written after it will be trained again."""
        path, n = self.job.out / LOSS, self.saved.step if self.saved else 0
        if not n:
            return []
        lines = path.read_text(encoding="utf-8").splitlines()[:n]
        return [Step(**json.loads(line)) for line in lines]

    def steps(self, first: int) -> float:
        """Run the steps from ``first`` (from 0) on; return the seconds they took."""
        begun, lines = time.monotonic(), self.job.out / LOSS
        seen = self.log[-1].tokens if self.log else 0
        before = seen
        if self.engine.is_first:
            lines.write_text("".join(json.dumps(asdict(line)) + "\n" for line in self.log), encoding="utf-8")
        if first:
            self._offer(first)
        with progress(self.n_steps, "steps", done=first, shown=self.engine.is_first) as bar:
            for step in range(first, self.n_steps):
                line = self._step(step, seen)
                seen = line.tokens
                self.log.append(line)
                if self.engine.is_first:
                    with lines.open("a", encoding="utf-8") as stream:
                        stream.write(json.dumps(asdict(line)) + "\n")
                speed = (seen - before) / (time.monotonic() - begun)
                bar.set_postfix_str(f"loss {line.loss:.3f}, {speed:,.0f} tokens/s", refresh=False)
                bar.update()
                if (step + 1) % self.options.save_every == 0 and step + 1 < self.n_steps:
                    save(self.engine, self.job.work, step + 1, keep=self.options.keep, beside=[lines])
                    self._offer(step + 1)
        return time.monotonic() - begun

    def _offer(self, step: int) -> None:
        """Let a monitor have a saved state; after a restore too, for the run may have ended between the two."""
        if self.engine.is_first:
            saved = self.job.work / "steps" / str(step)
            offer(saved, self.job.work, step, step // self.options.save_every)

    def _step(self, step: int, seen: int) -> Step:
        rows = self.order.rows(step)
        targets = max(1, int(self.plan.targets()[rows].sum()))
        rate = learning_rate(self.options, step, self.n_steps)
        self.engine.begin(rate, seed=self.job.seed + step)
        n = self.options.rows_per_device
        for turn in range(self.options.turns):
            at = (turn * self.engine.world + self.engine.rank) * n
            self.engine.turn(batch(self.plan, self.tokens.flat, rows[at : at + n], n), targets)
        stepped = self.engine.finish()
        loss, norm = float(stepped.losses.sum()) / targets, stepped.grad_norm
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise self._not_finite(step, loss, norm, rows)
        return Step(
            step + 1, loss, rate, seen + int(self.plan.tokens()[rows].sum()), norm, stepped.update_norm
        )

    def _not_finite(self, step: int, loss: float, norm: float, rows: Any) -> UserError:
        pieces = np.concatenate(
            [self.plan.pieces[self.plan.starts[r] : self.plan.starts[r + 1]] for r in rows]
        )
        documents = self.tokens.documents(self.plan.first[pieces])
        named = ", ".join(documents[:5]) + (f" and {len(documents) - 5} more" if len(documents) > 5 else "")
        return UserError(
            f"step {step + 1}",
            f"the loss is {loss}, the gradient norm {norm}",
            f"both must be finite; the documents of this step: {named}",
            "lower the learning rate, warm up longer, or look at those documents",
        )

    def trained(self, first: int, seconds: float) -> Trained:
        seen = self.log[-1].tokens
        here = seen - (self.log[first - 1].tokens if first else 0)
        return Trained(
            metrics={
                "loss_first": self.log[0].loss,
                "loss_final": self.log[-1].loss,
                "packing_fill": self.plan.fill,
                "tokens_per_second": here / max(seconds, 1e-9),
            },
            counts={
                "documents": len(self.tokens.ids),
                "tokens": len(self.tokens.flat),
                "rows": self.plan.n_rows,
                "steps": len(self.log),
                "tokens_seen": seen,
            },
            drops={"empty_text": self.tokens.dropped} if self.tokens.dropped else {},
            device=str(self.engine.device_name),
        )
