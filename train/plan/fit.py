"""Refuses a run that cannot fit, before its model is loaded, and warns of one that may not."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datacards.errors import UserError
from train.plan.advice import gb, named
from train.plan.estimate import memory
from train.plan.memory import Memory
from train.trainers.causal_lm import CausalLM

logger = logging.getLogger(__name__)
MARGIN = 0.1  # the error that an estimate may have: within it a run is warned of, not refused
GROUPS = Path("/sys/fs/cgroup")
CPU_SHARE = 0.05  # of free memory: what is surely less needs no dry run


def check_fits(needed: Memory, free: int, *, cuda: bool, here: int = 1) -> str | None:
    """Return a sentence of warning when ``needed`` fits barely in ``free`` bytes or perhaps not, None when it fits.

    ``free`` is what one card has or, on a CPU, what all ``here`` processes of this machine share. Raises UserError when
    the estimate exceeds it by more than its own error.
    """
    total = needed.total * (1 if cuda else here)
    place = "each card" if cuda else "the machine"
    told = f"needs {gb(total)} of memory, {place} has {gb(free)} free"
    if total > free * (1 + MARGIN):
        largest = max(needed.items, key=lambda item: item.bytes)
        raise UserError(
            "train",
            f"{named(needed.stage)} {told}",
            f"most of it are {largest.name} ({gb(largest.bytes)})",
            "train plan RECIPE says which stage, how many cards or which options fit",
        )
    if total > free * (1 - MARGIN):
        return f"{named(needed.stage)} {told}: it may not fit (the estimate is good to {MARGIN:.0%})."
    return None


def check_run(
    config: Mapping[str, Any], options: CausalLM, *, cuda: bool, here: int = 1, free: int | None = None
) -> str | None:
    """Do so for the model that ``config`` describes; what is surely small enough is not looked at closer.

    ``here`` is the number of processes on this machine; ``free`` is asked of the machine where it is not given.
    """
    room = free_memory(cuda=cuda) if free is None else free
    if _bound(config, options) * (1 if cuda else here) < CPU_SHARE * room:
        return None
    return check_fits(memory(config, options, cuda=cuda), room, cuda=cuda, here=here)


def warn_of(base: Path, options: CausalLM, *, here: int) -> None:
    """Check a run of the model in the folder ``base`` on this machine: refuse what cannot fit, warn of what may not.

    Rows that are longer than the positions that the model knows are refused first: they may be why it does not fit.
    """
    import torch

    try:
        config = json.loads((base / "config.json").read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(base.name, f"its config.json cannot be read: {error}", todo="name a model") from error
    positions = config.get("max_position_embeddings")
    if positions and options.sequence_length > positions:
        raise UserError(
            "train",
            f"sequence_length = {options.sequence_length:,}",
            f"the base model knows {positions:,} positions",
            "shorten the rows",
        )
    if told := check_run(config, options, cuda=torch.cuda.is_available(), here=here):
        logger.warning("%s", told)


def _bound(config: Mapping[str, Any], options: CausalLM) -> float:
    """Return bytes that a process surely stays below, from the config alone: no class is made for it."""

    def said(*keys: str) -> float:
        return float(max((config.get(key) or 0 for key in keys), default=0))

    width, layers = said("hidden_size", "n_embd"), said("num_hidden_layers", "n_layer")
    if not width or not layers:
        return float("inf")
    inner = max(said("intermediate_size", "n_inner"), 4 * width) * max(
        said("num_local_experts", "num_experts"), 1
    )
    tokens = options.rows_per_device * options.sequence_length
    weights = layers * (6 * width**2 + 4 * width * inner) + 2 * said("vocab_size") * width
    scores = 6 * 4 * min(tokens, options.loss_chunk) * said("vocab_size")
    square = 12 * tokens * options.sequence_length * said("num_attention_heads", "n_head")
    return 30 * weights + 4 * layers * tokens * (40 * width + 8 * inner) + scores + layers * square


def free_memory(*, cuda: bool) -> int:
    """Return the bytes that are free: on the fullest card, or of the machine within its control group."""
    if cuda:
        import torch

        return min(torch.cuda.mem_get_info(n)[0] for n in range(torch.cuda.device_count()))
    import psutil

    free = int(psutil.virtual_memory().available)
    limit, used = (_number(GROUPS / name) for name in ("memory.max", "memory.current"))
    return free if limit is None or used is None else min(free, max(0, limit - used))


def _number(path: Path) -> int | None:
    """Return the number in a file of the control group (cgroup v2), None where it is not there or says ``max``."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
