"""The one place that touches torch, accelerate and DeepSpeed: loads, steps, exports."""

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from datacards.errors import UserError
from train.data.packing import Batch
from train.trainers.attention import attention
from train.trainers.causal_lm import CausalLM, DeepSpeed
from train.trainers.export import check, copy_companions, same_names, write_result
from train.trainers.lora import with_adapters
from train.trainers.loss import NextToken, check_head, loss_kernel, settle
from train.trainers.masters import PREFIX, WEIGHT, Masters
from train.trainers.start import exact_weights
from train.trainers.state import newest
from train.trainers.stored import DTYPES

PATIENCE = timedelta(hours=2)  # for a process that reads or writes its part of a large state


@dataclass(frozen=True, slots=True, eq=False)
class Stepped:
    """What came of a step: summed nats of each of its rows, in their order, and two norms.

    ``update_norm`` is the norm of AdamW's step without weight decay, 0 where there was none.
    """

    losses: NDArray[np.float64]
    grad_norm: float
    update_norm: float


class Engine:
    """A model with its optimizer on one or many processes, as the newest state in ``work`` has it or as ``base`` does."""

    def __init__(self, options: CausalLM, base: Path, work: Path) -> None:
        from accelerate import Accelerator, InitProcessGroupKwargs
        from accelerate.state import AcceleratorState

        self.options = options
        cuda = torch.cuda.is_available()
        if not cuda:
            os.environ.setdefault("DS_ACCELERATOR", "cpu")  # or DeepSpeed warns that it had to find out
        # accelerate keeps the settings of a process's first run; a second one may ask for others.
        AcceleratorState._reset_state(reset_partial_state=True)
        # Created before the model: under ZeRO-3 it is what makes from_pretrained split the weights on arrival.
        self.accelerator: Any = Accelerator(
            cpu=not cuda and not options.deepspeed,  # with both, accelerate silently leaves DeepSpeed out
            mixed_precision="bf16" if options.precision == "bf16" else "no",
            gradient_accumulation_steps=options.turns,
            deepspeed_plugin=_plugin(options, options.deepspeed) if options.deepspeed else None,
            kwargs_handlers=[InitProcessGroupKwargs(backend="nccl" if cuda else "gloo", timeout=PATIENCE)]
            if "WORLD_SIZE" in os.environ
            else [],
        )
        self.world, self.rank = self.accelerator.num_processes, self.accelerator.process_index
        if self.world != options.processes:
            raise UserError(
                "train", f"{self.world} process(es) run", f"the recipe asks for {options.processes}"
            )
        self.is_first = self.accelerator.is_main_process
        self.attention = attention(options.attention, options.precision, cuda=cuda, base=base)
        self.saved = newest(self, work)
        model = self._load(self.saved.folder if self.saved and not options.lora else base)
        if self.saved and not options.lora:
            # A state has the model's own names: transformers shall not take them for those the result is to have.
            model._weight_conversions = None
        if options.lora:
            model = with_adapters(model, options.lora)
        self.vocabulary = int(model.config.vocab_size)
        stage = options.deepspeed.zero_stage if options.deepspeed else 0
        self.loss = loss_kernel(options.loss, cuda=cuda, zero_stage=stage)
        self.plain = NextToken(model, options.loss_chunk, self.loss, split=stage == 3)
        check(options, base, self._trained())
        self.optimizer = torch.optim.AdamW(
            self._groups(),
            lr=options.learning_rate,
            betas=(options.beta1, options.beta2),
            fused=True,  # no temporaries as large as what it steps on; also on the flat shares of ZeRO
        )
        first = exact_weights(self.plain, base, self.saved, adapters=bool(options.lora))
        self.model, self._wrapped = self.accelerator.prepare(self.plain, self.optimizer)
        zero = self._wrapped.optimizer if options.deepspeed else None
        self.masters = Masters(self.plain, self.optimizer, zero, self.rank, self.zero_stage)
        if self.saved:
            self.saved.restore(self.masters)
        elif self.zero_stage:
            self.masters.make_moments({"": 0})
            for name, value in first if options.precision == "bf16" else ():
                self.masters.put(name, WEIGHT, value)
        self.device = self.accelerator.device
        self.device_name: str = torch.cuda.get_device_name() if cuda else "cpu"

    @property
    def zero_stage(self) -> int | None:
        """The stage of ZeRO, None without DeepSpeed."""
        return self.options.deepspeed.zero_stage if self.options.deepspeed else None

    def _load(self, folder: Path) -> Any:
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging

        logging.disable_progress_bar()  # every process would draw its own, for files that load in a moment
        # Code that comes with a checkpoint is never run; left unsaid, transformers would ask on the terminal whether to.
        try:
            model, info = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=torch.float32,
                attn_implementation=self.attention,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
            )
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise UserError(
                folder.name, f"cannot be loaded: {error}", todo="name a native checkpoint"
            ) from error
        if wrong := sorted(str(key) for kind in ("missing_keys", "unexpected_keys") for key in info[kind]):
            raise UserError(folder.name, f"weights and architecture do not agree on {', '.join(wrong[:5])}")
        if self.options.gradient_checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        return model.train()

    def _trained(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of what is trained, by name; ZeRO-3 has taken them away from the parameters."""
        return {
            name.removeprefix(PREFIX): tuple(getattr(parameter, "ds_shape", parameter.shape))
            for name, parameter in self.plain.named_parameters()
            if parameter.requires_grad
        }

    def _groups(self) -> list[dict[str, Any]]:
        """Weight decay is for matrices: norms and biases are left alone, as in the papers' code."""
        matrices: list[torch.nn.Parameter] = []
        others: list[torch.nn.Parameter] = []
        for parameter in self.plain.parameters():
            if not parameter.requires_grad:
                continue
            shape = getattr(parameter, "ds_shape", parameter.shape)  # ZeRO-3 has taken the shape away
            (matrices if len(shape) > 1 else others).append(parameter)
        return [
            {"params": matrices, "weight_decay": self.options.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]

    def check(self) -> None:
        """Prove on this very model that packed documents do not meet and that the loss is the model's own."""
        self.model.eval()
        asked, precision = self.options.attention, self.options.precision
        self.attention = settle(self.model, self.plain, asked, precision, self.device)
        check_head(self.model, self.device, self.vocabulary, type(self.plain.model).__name__)
        self.model.train()

    def begin(self, rate: float, *, seed: int) -> None:
        """Begin a step at a learning rate; ``seed`` fixes what is random in it, if the model has dropout."""
        torch.manual_seed(seed * self.world + self.rank)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self._norm, self._moved = 0.0, True
        self._rows: list[torch.Tensor] = []

    def turn(self, batch: Batch, targets: int) -> None:
        """Run one pass forward and backward; ``targets`` is the number of predictions in the whole step.

        The gradient of a step is that of its mean loss per token: the divisions by processes and by turns that
        the libraries make are undone, because turns do not hold equally many tokens.
        """
        with self.accelerator.accumulate(self.model):
            rows = self._forward(batch)
            self._rows.append(rows.detach())
            self.accelerator.backward(rows.sum() * (self.world * self.options.turns / targets))
            if len(self._rows) == self.options.turns and not self.options.deepspeed:
                # Without a bound the norm is measured all the same.
                bound = self.options.max_grad_norm or float("inf")
                self._norm = float(self.accelerator.clip_grad_norm_(self.plain.parameters(), bound))
                self._moved = bool(np.isfinite(self._norm))
                if not self._moved:
                    return
            self._wrapped.step()
            self._wrapped.zero_grad()

    def finish(self) -> Stepped:
        """Return what came of the step on all processes."""
        if self.options.deepspeed:
            self._norm = float(self.model.get_global_grad_norm() or 0.0)
        # Turns x rows here; the rows of a turn lie on the processes in their order.
        here = torch.stack(self._rows).float()
        everywhere = self.accelerator.gather(here[None]) if self.world > 1 else here[None]
        losses = everywhere.transpose(0, 1).flatten().cpu().numpy().astype(np.float64)
        square = self.masters.update_square() if self._moved else 0.0
        if self.zero_stage:  # without it every process owns all
            square = sum(self.collected([square]))
        rate = float(self.optimizer.param_groups[0]["lr"])
        return Stepped(losses, self._norm, rate * square**0.5)

    def measure(self, batch: Batch) -> NDArray[np.float64]:
        """Return the summed nats of each row of ``batch``, without learning from it, and then of the other processes' rows.

        Every process must call it, with equally many rows; the rows of the first process come first.
        """
        self.model.eval()
        with torch.no_grad():
            rows = self._forward(batch).float()
        self.model.train()
        found = self.accelerator.gather(rows) if self.world > 1 else rows
        return np.asarray(found.cpu().numpy(), np.float64)

    def _forward(self, batch: Batch) -> torch.Tensor:
        arrays = (batch.input_ids, batch.position_ids, batch.labels, batch.borders)
        return self.model(*(torch.from_numpy(array).to(self.device) for array in arrays))

    def unchanged(self, rate: float) -> float:
        """Return the share of the trained weights that a step of AdamW at ``rate`` would leave as they are in bfloat16.

        It is counted on a sample of the weights; see ``Masters.unmoved``.
        """
        counts = np.array(self.collected([self.masters.unmoved(rate)]))
        return float(counts[:, 0].sum() / max(1, counts[:, 1].sum()))

    def peak_memory(self) -> int:
        """Return the most bytes that this process has held: of its card where it has one, else of the machine's memory."""
        if self.device.type == "cuda":
            return int(torch.cuda.max_memory_allocated())
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def wait(self) -> None:
        """Return when every process has come here."""
        if torch.distributed.is_initialized():
            torch.distributed.barrier()

    def collected(self, found: list[Any]) -> list[Any]:
        """Return what all processes have found, those of the first process first."""
        if self.world == 1:
            return found
        from accelerate.utils import gather_object

        return list(gather_object(found))

    @property
    def stem(self) -> str:
        """How the files of saved weights begin: adapters are read under a name of their own."""
        return "adapter_model" if self.options.lora else "model"

    def describe(self, folder: Path) -> list[str]:
        """Write the config that makes weights or adapters in ``folder`` loadable and return its name."""
        model: Any = self.plain.model
        if self.options.lora:
            model.peft_config["default"].save_pretrained(folder)
            return ["adapter_config.json"]
        model.config.save_pretrained(folder)
        return ["config.json"]

    def written(self) -> dict[str, Any]:
        """Return what a saved state says of the processes that wrote it; none of it bears on who can read it."""
        return {
            "processes": self.world,
            "zero_stage": self.zero_stage,
            "precision": self.options.precision,
        }

    def _masters(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield the float32 weights by name, one at a time; every process must take them all: it is a gathering."""
        for name in self.masters.shapes():
            yield name, self.masters.get(name, WEIGHT)

    def save_model(self, folder: Path, state: dict[str, torch.Tensor]) -> None:
        """Write a model folder with ``state`` as its weights."""
        self.plain.model.save_pretrained(folder, state_dict=state, max_shard_size="5GB")

    def export(self, base: Path, out: Path) -> None:
        """Write what the options ask for, from the float32 weights, with the companions of the base, to ``out``."""
        masters, shapes = self._masters(), self.masters.shapes()
        if not self.is_first:
            for _ in masters:
                pass
        elif self.options.lora or same_names(base, shapes):
            write_result(self.options, masters, shapes, base, out)
        else:  # transformers keeps such weights in another form than the files do
            dtype = DTYPES[self.options.weights][0]
            self.save_model(out, {name: value.to("cpu", dtype, copy=True) for name, value in masters})
            copy_companions(base, out, self.options.weights)
        self.wait()


def _plugin(options: CausalLM, zero: DeepSpeed) -> Any:
    from accelerate import DeepSpeedPlugin

    from train.trainers.launch import deepspeed_config

    return DeepSpeedPlugin(hf_ds_config=deepspeed_config(options, zero, cuda=torch.cuda.is_available()))
