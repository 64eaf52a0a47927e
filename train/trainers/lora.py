"""Low-rank adapters: put into a model before training, added into its weights after."""

from typing import Any

from datacards.errors import UserError
from train.trainers.causal_lm import Lora


def with_adapters(model: Any, options: Lora) -> Any:
    """Return the model with adapters, which alone are trained."""
    raise UserError("lora", f"rank {options.rank}")
