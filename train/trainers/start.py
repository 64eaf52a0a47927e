"""The exact float32 weights that a run begins with, where DeepSpeed would keep what bfloat16 leaves of them."""

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from datacards.errors import UserError
from train.trainers.masters import PREFIX
from train.trainers.state import Saved


def exact_weights(
    plain: torch.nn.Module, base: Path, saved: Saved | None, *, adapters: bool
) -> Iterator[tuple[str, Tensor]]:
    """Return (name, float32 tensor) of what is trained and would be rounded; call it before DeepSpeed takes the model.

    With DeepSpeed the weights become bfloat16 first and the float32 weights are made of those: at the rates of continual
    pretraining that is a larger change than many steps. Adapters, which no file of the base holds, are kept as they are made,
    or filled from the state ``saved``. Raises UserError, when read, where a float32 base has other names than its model.
    """
    trained = {name.removeprefix(PREFIX): p for name, p in plain.named_parameters() if p.requires_grad}
    if not adapters:
        return _of_base(base, set(trained))
    if saved:
        with torch.no_grad():
            for name, value in saved.tensors("weight", trained):
                trained[name].copy_(value)
    return iter([(name, p.detach().clone()) for name, p in trained.items()])


def _of_base(base: Path, missing: set[str]) -> Iterator[tuple[str, Tensor]]:
    rounded = False
    for path in sorted(base.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118 (it is no dict)
                exact = file.get_slice(name).get_dtype() == "BF16"
                rounded |= not exact
                if name in missing:
                    missing.discard(name)
                    if not exact:
                        yield name, file.get_tensor(name).float()
    if rounded and missing:
        raise UserError(
            base.name,
            f"holds float32 weights, but none under the name {min(missing)}",
            "with DeepSpeed and bf16 the weights must bear the names that the model gives them",
            "save it once with transformers, or in bfloat16",
        )
