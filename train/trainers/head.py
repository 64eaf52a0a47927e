"""The output layer and its cross entropy in one step: scores are computed once and never kept for the backward pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

from train.data.packing import IGNORE

NEAR = 1 << 21  # scores, 8 MiB of them: on a CPU not more are computed at once, for those stay in its caches
FEWEST = 256  # tokens at once all the same, for adding up the gradient of the weights has a price of its own


def fits(head: Any) -> bool:
    """Return whether ``losses_of`` may stand for ``head``: a plain layer that nothing else hooks into."""
    return type(head) is nn.Linear


def losses_of(head: nn.Linear, hidden: Tensor, wanted: Tensor, chunk: int, near: int | None = NEAR) -> Tensor:
    """Return the cross entropy of each token in nats, 0 where ``wanted`` is IGNORE.

    ``hidden`` is of shape (tokens, width); at most ``chunk`` tokens go through the layer at once, on a CPU not many more
    than make ``near`` scores. In the format of autocast where that is on.
    """
    device = hidden.device.type
    if device == "cpu" and near:
        chunk = min(chunk, max(FEWEST, near // head.out_features))
    low = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
    learns = torch.is_grad_enabled()
    compute: Any = _Losses.apply
    with torch.autocast(device, enabled=False):
        found: Tensor = compute(hidden, head.weight, head.bias, _Way(wanted, chunk, low, learns))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """What is computed, how much of it at once, in which number format, and whether for gradients."""

    wanted: Tensor
    chunk: int
    low: torch.dtype
    learns: bool


class _Losses(torch.autograd.Function):
    """Computes gradients in the forward pass, while the scores of a chunk are there, as if all losses were added up.

    That is how training uses them, up to a factor; what weighs them unequally gets its gradients from a second run.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, way: _Way) -> Tensor:
        ctx.way, ctx.asked = way, [way.learns and needed for needed in ctx.needs_input_grad[:3]]
        found, ctx.gradients = _run((hidden, weight, bias), way, ctx.asked, None)
        ctx.save_for_backward(hidden, weight, bias)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        (by,) = upstream
        gradients, ctx.gradients = ctx.gradients, None
        if gradients and by.stride() == (0,):  # one number for all, spread out
            return *(one if one is None else one.mul_(by[0]) for one in gradients), None
        return *_run(ctx.saved_tensors, ctx.way, ctx.asked, by)[1], None


def _run(
    given: Sequence[Any], way: _Way, asked: Sequence[bool], by: Tensor | None
) -> tuple[Tensor, list[Tensor | None]]:
    """Return the losses, and the gradients of their sum, each ``by`` a weight, by hidden states, weights and bias if ``asked``."""
    low: list[Any] = [None if one is None else one.to(way.low) for one in given]
    hidden, weight, bias = low
    found, ahead = [], []
    sums: list[Tensor | None] = [None, None]
    for first in range(0, len(hidden), way.chunk):
        part = slice(first, first + way.chunk)
        wanted, words = way.wanted[part], hidden[part]
        counts = wanted != IGNORE
        at = wanted.where(counts, 0)[:, None]
        logs = linear(words, weight, bias).log_softmax(1, dtype=torch.float32)
        chosen = logs.gather(1, at)
        found.append(-chosen.squeeze(1).where(counts, 0))
        if not any(asked):
            continue
        # The gradient by the scores is softmax - 1 at the wanted token; what a token counts is left to the narrow factors.
        slope = logs.exp_().scatter_(1, at, chosen.exp() - 1).to(way.low)
        del logs
        scale = (counts if by is None else counts * by[part])[:, None].to(way.low)
        if asked[0]:
            ahead.append((slope @ weight).mul_(scale).to(given[0].dtype))
        factors = words * scale, scale
        for i in (0, 1):
            if asked[i + 1]:
                sums[i] = _added(sums[i], slope, factors[i], given[i + 1].dtype)
    if sums[1] is not None:
        sums[1] = sums[1].squeeze(1)
    return torch.cat(found), [torch.cat(ahead) if ahead else None, *sums]


def _added(total: Tensor | None, slope: Tensor, factor: Tensor, dtype: torch.dtype) -> Tensor:
    """Return ``total`` and the product of ``slope``, turned, with ``factor``, in one pass over it where formats agree."""
    if total is None:
        return (slope.T @ factor).to(dtype)
    return total.addmm_(slope.T, factor) if slope.dtype == dtype else total.add_(slope.T @ factor)
