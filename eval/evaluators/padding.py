"""Rows of unlike length in one batch: how they are padded, and whether a model reads them as if alone."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from eval.evaluators.loading import takes


def left_padded(rows: Sequence[Sequence[int]], device: Any) -> tuple[Tensor, Tensor]:
    """Return tokens (rows, width), zeros on the left of shorter rows, and the mask that is 1 on tokens."""
    width = max(map(len, rows))
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    for place, row in enumerate(rows):
        ids[place, width - len(row) :] = torch.tensor(row)
        mask[place, width - len(row) :] = 1
    return ids.to(device), mask.to(device)


def pads(model: Any) -> bool:
    """Return whether ``model`` gives a row that is padded on the left the scores that it gives the row alone.

    Models with recurrent parts and models that count positions from the left edge do not. It is tried on two rows.
    """
    size = int(model.get_input_embeddings().num_embeddings)
    tokens = [(7 * n + 3) % size for n in range(12)]
    ids, mask = left_padded([tokens[:5], tokens], model.device)
    options: dict[str, Any] = {"attention_mask": mask}
    if takes(model, "position_ids"):
        options["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)
    beside = model(input_ids=ids, use_cache=False, **options).logits[0, -1].float()
    alone = model(input_ids=ids[:1, -5:], use_cache=False).logits[0, -1].float()
    return close(beside, alone, model.dtype)


def close(one: Tensor, other: Tensor, dtype: Any) -> bool:
    """Return whether two sets of scores differ by rounding alone."""
    return bool((one - other).abs().max() <= rounding(dtype) * max(1.0, float(other.abs().max()) / 10))


def rounding(dtype: Any) -> float:
    """Return by how much scores may differ through rounding where the same is computed in another order."""
    return {torch.float16: 0.05, torch.bfloat16: 0.25}.get(dtype, 1e-4)
