"""The one place that touches torch, accelerate and DeepSpeed: loads, steps, exports."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch

from datacards.errors import UserError
from train.data.packing import Batch
from train.trainers.attention import attention
from train.trainers.causal_lm import CausalLM, DeepSpeed
from train.trainers.export import check, copy_companions, same_names, write_result
from train.trainers.lora import with_adapters
from train.trainers.loss import NextToken, check_head, check_isolation
from train.trainers.state import Saved
from train.trainers.stored import DTYPES

PATIENCE = timedelta(hours=2)  # for each other, at most: while one writes a large model, the others wait
PREFIX = "model."  # of every parameter name, because the model is wrapped with its loss


class Engine:
    """A model with its optimizer on one or many processes."""

    def __init__(self, options: CausalLM, base: Path, saved: Saved | None) -> None:
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
        self.attention = attention(options.attention, options.precision, cuda=cuda)
        model = self._load(saved.weights if saved else base)
        if options.lora:
            model = with_adapters(model, options.lora)
        self.vocabulary = int(model.config.vocab_size)
        self.plain = NextToken(model, options.loss_chunk)
        check(options, base, self._trained())
        self.optimizer = torch.optim.AdamW(
            self._groups(),
            lr=options.learning_rate,
            betas=(options.beta1, options.beta2),
            fused=not options.deepspeed,
        )
        self.model, self._wrapped = self.accelerator.prepare(self.plain, self.optimizer)
        self._check_masters()
        if saved:
            saved.restore(self.optimizer, self.owned(), self.rank)
        self.device = self.accelerator.device
        self.device_name = torch.cuda.get_device_name() if cuda else "cpu"
        self._turn = 0
        self._total = torch.zeros((), device=self.device)

    def _load(self, folder: Path) -> Any:
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging

        logging.disable_progress_bar()  # every process would draw its own, for files that load in a moment
        # Code that comes with a checkpoint is never run: transformers loads native classes alone by default.
        try:
            model, info = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=torch.float32,
                attn_implementation=self.attention,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
            )
        except (OSError, ValueError, KeyError) as error:
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

    def _check_masters(self) -> None:
        owned = {tensor.dtype for tensor in self.owned()}
        if owned != {torch.float32}:
            raise UserError("train", f"the optimizer owns {owned}", "it must own float32 weights")

    def owned(self) -> list[torch.Tensor]:
        """Return the tensors AdamW steps on: the weights, or under ZeRO this process's flat share of them."""
        zero = getattr(self._wrapped.optimizer, "fp32_partitioned_groups_flat", None)  # stage 3 hides them
        return list(zero or (p for group in self.optimizer.param_groups for p in group["params"]))

    def check(self) -> None:
        """Prove on this very model that packed documents do not meet and that the loss is the model's own."""
        self.model.eval()
        check_isolation(self.model, self.device, self.vocabulary)
        if not (self.options.deepspeed and self.options.deepspeed.zero_stage == 3):
            check_head(self.accelerator.unwrap_model(self.model), self.device, self.vocabulary)
        self.model.train()

    def begin(self, rate: float, *, seed: int) -> None:
        """Begin a step at a learning rate; ``seed`` fixes what is random in it, if the model has dropout."""
        torch.manual_seed(seed * self.world + self.rank)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self._turn, self._norm = 0, 0.0
        self._total = torch.zeros((), device=self.device)

    def turn(self, batch: Batch, targets: int) -> None:
        """Run one pass forward and backward; ``targets`` is the number of predictions in the whole step.

        The gradient of a step is that of its mean loss per token: the divisions by processes and by turns that
        the libraries make are undone, because turns do not hold equally many tokens.
        """
        self._turn += 1
        last = self._turn == self.options.turns
        arrays = (batch.input_ids, batch.position_ids, batch.labels, batch.borders)
        with self.accelerator.accumulate(self.model):
            rows = self.model(*(torch.from_numpy(array).to(self.device) for array in arrays))
            loss = rows.sum()
            self.accelerator.backward(loss * (self.world * self.options.turns / targets))
            if last and self.options.max_grad_norm and not self.options.deepspeed:
                norm = self.accelerator.clip_grad_norm_(self.plain.parameters(), self.options.max_grad_norm)
                self._norm = float(norm)
                if not torch.isfinite(norm):
                    self._total += loss.detach()
                    return
            self._wrapped.step()
            self._wrapped.zero_grad()
        self._total += loss.detach()

    def finish(self) -> tuple[float, float]:
        """Return the summed loss of the step over all processes, and the norm of its gradient."""
        if self.options.deepspeed:
            self._norm = float(self.model.get_global_grad_norm() or 0.0)
        return float(self.accelerator.reduce(self._total, "sum")), self._norm

    def wait(self) -> None:
        """Return when every process has come here."""
        if torch.distributed.is_initialized():
            torch.distributed.barrier()

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the weights as they compute, by the names of the model; on the first process, else empty."""
        state = self.accelerator.get_state_dict(self.model) or {}
        return {name.removeprefix(PREFIX): value for name, value in state.items()}

    def _masters(self) -> dict[str, torch.Tensor]:
        if not self.options.deepspeed:
            return self.weights()
        from deepspeed.utils import safe_get_full_fp32_param

        found = {}
        for name, parameter in self.plain.named_parameters():  # every process must ask: it is a gathering
            value = safe_get_full_fp32_param(parameter)
            if self.is_first:
                found[name.removeprefix(PREFIX)] = value.detach().to("cpu", torch.float32).clone()
        return found

    def save_model(self, folder: Path, state: dict[str, torch.Tensor]) -> None:
        """Write a model folder with ``state`` as its weights; the first process alone does."""
        if self.is_first:
            self.plain.model.save_pretrained(folder, state_dict=state, max_shard_size="5GB")

    def export(self, base: Path, out: Path) -> None:
        """Write what the options ask for, from the float32 weights, with the companions of the base, to ``out``."""
        masters = self._masters()
        if self.is_first:
            shapes = {name: tuple(value.shape) for name, value in masters.items()}
            if self.options.lora or same_names(base, shapes):
                write_result(self.options, masters.items(), shapes, base, out)
            else:  # transformers keeps such weights in another form than the files do
                dtype = DTYPES[self.options.weights][0]
                self.save_model(out, {name: value.to(dtype) for name, value in masters.items()})
                copy_companions(base, out, self.options.weights)
        self.wait()


def _plugin(options: CausalLM, zero: DeepSpeed) -> Any:
    from accelerate import DeepSpeedPlugin

    from train.trainers.launch import deepspeed_config

    return DeepSpeedPlugin(hf_ds_config=deepspeed_config(options, zero, cuda=torch.cuda.is_available()))
