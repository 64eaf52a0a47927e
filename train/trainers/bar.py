"""What a run shows while it trains: a bar with rate, utilization and time left, and the trackers."""

import json
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from train.data.packing import Rows
from train.plan.flops import Work, peak_flops
from train.progress import progress
from train.watch.trackers import Trackers

if TYPE_CHECKING:
    from train.trainers.loop import Step, Training


class Bar:
    """The bar of one process: only the first one draws.

    MFU is the arithmetic of the model (see ``train.plan.flops``) over what the cards could do at most in the time; it is shown
    for cards whose peak is known.
    """

    def __init__(self, training: "Training", trackers: Trackers) -> None:
        self._training, self._trackers = training, trackers
        self._bar: Any = progress(
            training.n_steps, "steps", done=training.first, shown=training.engine.is_first
        )
        config = json.loads((training.job.base / "config.json").read_text(encoding="utf-8"))
        peak = peak_flops(training.engine.device_name, training.options.precision)
        self._peak = peak * training.engine.world if peak else None
        self._work = Work.of(config) if peak else None
        self._tokens, self._flops, self._begun, self._step = 0, 0.0, time.monotonic(), 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def stepped(self, line: "Step", rows: Rows) -> None:
        """Show a step that is done."""
        seconds = max(time.monotonic() - self._begun, 1e-9)
        self._tokens += int(rows.tokens().sum())
        values = {
            "loss": line.loss, "learning_rate": line.lr, "grad_norm": line.grad_norm,
            "update_norm": line.update_norm, "tokens_per_second": self._tokens / seconds, "mfu": self.mfu(rows, seconds),
        }  # fmt: skip
        used = f", MFU {values['mfu']:.1%}" if values["mfu"] else ""
        self._bar.set_postfix_str(
            f"loss {line.loss:.3f}, {self._tokens / seconds:,.0f} tokens/s{used}", refresh=False
        )
        self._bar.update()
        self._trackers.log(values, line.step)

    def mfu(self, rows: Rows, seconds: float) -> float | None:
        """Return the utilization from the beginning to the end of a step with these rows, None where no peak is known."""
        if not self._work or not self._peak:
            return None
        self._flops += self._work.step(rows.length)
        return self._flops / seconds / self._peak

    def measured(self, step: int, losses: dict[str, float]) -> None:
        """Show what held-out text says after a step."""
        self._trackers.log({f"held_out/{label}": loss for label, loss in losses.items()}, step)
        if self._training.engine.is_first:
            mean = sum(losses.values()) / len(losses)
            self._bar.write(f"step {step}: held-out loss {mean:.4f}, the mean over {len(losses)} sources")
