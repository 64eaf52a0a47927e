"""Continual pretraining of a causal language model on transformers, accelerate and DeepSpeed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    PrivateAttr,
    model_validator,
)

from datacards.errors import UserError
from train.base import HERE, NOTHING, TrainData, Trained, Trainer, Watched
from train.where import Where

Share = Annotated[float, Field(ge=0, lt=1)]


class DeepSpeed(BaseModel):
    """ZeRO (arXiv 1910.02054): what the processes share: 1 optimizer state, 2 gradients too, 3 weights too.

    ``num_processes`` bears on where a run runs, not on what it computes: ``--processes`` replaces it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    zero_stage: Literal[1, 2, 3] = 3
    num_processes: PositiveInt = 2


class Lora(BaseModel):
    """Low-rank adapters (arXiv 2106.09685) in place of all weights; the result is the model with them added in.

    ``targets`` are names of linear layers; left out, all but the output layer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: PositiveInt = 16
    alpha: PositiveFloat = 32.0
    dropout: Share = 0.0
    targets: tuple[str, ...] | None = Field(default=None, min_length=1)


class Spikes(BaseModel):
    """What counts as a spike: a loss or a gradient norm this many robust deviations above the last ``window`` steps.

    ``stop`` ends the run with the step's documents named and the state before it kept; ``tell`` only notes it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: Annotated[int, Field(ge=8)] = 128
    deviations: PositiveFloat = 12.0
    action: Literal["stop", "tell"] = "tell"


class CausalLM(Trainer):
    """Next-token training on packed rows; documents that share a row do not see each other.

    The float32 weights are always kept: AdamW steps on them, and ``bf16`` only computes in bfloat16. At a
    learning rate of 5e-7 a step is far below what a bfloat16 weight can hold, so a trainer that owned bfloat16
    weights would lose most of what it learns.

    A batch is ``rows_per_step`` rows whatever the number of devices; each device takes ``rows_per_device`` at
    a time and adds up gradients over as many turns as it takes. The learning rate rises over ``warmup_steps``
    and then falls in a line (or a cosine) to ``final_rate`` of its height. ``loss_chunk`` is how many tokens go through the
    output layer at once: the scores of a whole batch over a large vocabulary would not fit beside a large model.

    ``attention`` and ``loss`` name kernels; ``auto`` takes the best that the machine has, and each is proven not to let packed
    documents see each other before the first step. The ``keep`` newest saved states stay until the run ends.
    ``weights`` is the number format of the result, ``vector`` that of its difference from the base, which is written beside it:
    at small rates bfloat16 weights hold little of what was learned, a bfloat16 vector all of it.
    """

    sequence_length: Annotated[int, Field(ge=2)] = 2048
    rows_per_step: PositiveInt = 24
    rows_per_device: PositiveInt = 6
    epochs: PositiveInt = 1
    max_steps: PositiveInt | None = None
    learning_rate: PositiveFloat = 5e-7
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    final_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    beta1: Share = 0.9
    beta2: Share = 0.999
    max_grad_norm: PositiveFloat | None = 1.0
    precision: Literal["fp32", "bf16"] = "bf16"
    gradient_checkpointing: bool = False
    attention: Literal["auto", "sdpa", "eager", "varlen", "flash_attention_2", "flex_attention"] = "auto"
    loss: Literal["auto", "chunked", "liger"] = "auto"
    loss_chunk: PositiveInt = 2048
    lora: Lora | None = None
    spikes: Spikes | None = Spikes()
    trackers: tuple[Literal["tensorboard"], ...] = ()
    save_every: PositiveInt = 500
    keep: PositiveInt = 2
    weights: Literal["fp32", "bf16"] = "fp32"
    vector: Literal["fp32", "bf16"] | None = None
    deepspeed: DeepSpeed | None = None
    _processes: int | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _whole_turns(self) -> Self:
        once = self.rows_per_device * (self.deepspeed.num_processes if self.deepspeed else 1)
        if self.rows_per_step % once:
            raise ValueError(
                f"rows_per_step must be a multiple of rows_per_device x processes = {once}, is {self.rows_per_step}"
            )
        return self

    @property
    def processes(self) -> int:
        """The number of processes that train together."""
        return self._processes or (self.deepspeed.num_processes if self.deepspeed else 1)

    @property
    def turns(self) -> int:
        """Over how many passes a device adds up the gradients of one step."""
        return self.rows_per_step // (self.rows_per_device * self.processes)

    def on(self, processes: int | None) -> Self:
        """Return these options for another number of processes, which compute the same; None leaves it.

        Raises UserError unless they can share the rows of a step equally.
        """
        if processes is None or processes == self.processes:
            return self
        shares = self.rows_per_step // self.rows_per_device
        if self.rows_per_step % self.rows_per_device or shares % processes:
            allowed = ", ".join(str(n) for n in range(1, shares + 1) if shares % n == 0)
            raise UserError(
                "--processes",
                str(processes),
                f"rows_per_step = {self.rows_per_step} in shares of rows_per_device = {self.rows_per_device}:"
                f" {allowed}",
                "take one of these numbers",
            )
        there = self.model_copy()
        there._processes = processes  # private: where a run runs is no part of what is asked
        return there

    def at(self, where: Where) -> Self:
        """Return these options for where they run; raise UserError where that contradicts them."""
        stage = self.deepspeed.zero_stage if self.deepspeed else 0
        if where.stage is not None and where.stage != stage:
            raise UserError(
                "--accelerate",
                f"ZeRO stage {where.stage}" if where.stage else "no DeepSpeed",
                f"the recipe says {f'ZeRO stage {stage}' if stage else 'no DeepSpeed'}",
                "let the two agree; the recipe is what is asked for",
            )
        if where.precision is not None and (where.precision == "bf16") != (self.precision == "bf16"):
            raise UserError(
                "--accelerate", f"mixed_precision: {where.precision}", f"the recipe says {self.precision}"
            )
        there = self.on(where.processes)
        if there.processes % where.machines:
            raise UserError(
                "--machines",
                f"{there.processes} processes on {where.machines} machines",
                "equally many on each",
            )
        return there

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
        """Tokenize once, then train here or, with DeepSpeed or several processes, in those that accelerate launches."""
        from train.data.tokens import tokenize
        from train.plan.fit import warn_of
        from train.trainers.launch import launch, leading
        from train.trainers.loop import Job, run
        from train.watch.trackers import check_trackers

        check_trackers(self.trackers)
        there = self.at(where)
        warn_of(base, there, here=there.processes // where.machines)
        with leading(there, work, where) as others:
            tokenize(base, data, work)
            job = Job(there, base, out, work, seed, watched)
            if there.deepspeed or there.processes > 1:
                return launch(job, where, others)
            return run(job)

    def join(self, *, work: Path, where: Where, asked: Mapping[str, Any]) -> None:
        """Run this machine's share of the processes of a run that machine 0 leads."""
        from train.trainers.launch import follow

        follow(self.at(where), work, where, asked)
