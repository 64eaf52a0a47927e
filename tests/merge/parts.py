"""Runs a merge method on tensors in memory as the engine does on files: in parts, pass by pass."""

from typing import Any

import numpy as np
import torch

from merge.base import Merger, Part

Vectors = dict[str, Any]
SEED = 7


def bfloat16(numbers: Any) -> Any:
    """The numbers rounded to bfloat16, as float64."""
    return torch.from_numpy(np.ascontiguousarray(numbers, np.float64)).bfloat16().double().numpy()


def tensors(shape: tuple[int, ...], roles: int = 3, seed: int = 0) -> tuple[Any, Vectors]:
    """A base and task vectors as bfloat16 checkpoints give them: many elements unchanged, many ties."""
    rng = np.random.default_rng(seed)
    base = bfloat16(rng.normal(0, 0.02, shape))
    steps = {"domain": 1e-4, "instruct": 6e-4, "math": 3e-4, "law": 2e-3}
    common = rng.normal(0, 2e-4, shape)
    return base, {
        role: bfloat16(base + common + rng.normal(0, step, shape)) - base
        for role, step in list(steps.items())[:roles]
    }


def merge(
    merger: Merger,
    base: Any,
    vectors: Vectors,
    size: int | None = None,
    *,
    tensor: str = "t",
    seed: int = SEED,
) -> Any:
    """Run a method as the engine does, in parts of ``size`` elements (of whole rows for those that see rows)."""
    merger.check(list(vectors))
    shape, n = base.shape, base.size
    columns = shape[-1] if len(shape) > 1 else n
    size = n if size is None else size if merger.sees == "pieces" else max(1, size // columns) * columns
    found: Any = None

    def part(first: int) -> Part:
        cut = (-1, columns) if merger.sees == "rows" else (-1,)
        one, *rest = (a.ravel()[first : first + size].reshape(cut).copy() for a in (base, *vectors.values()))
        return Part(tensor, shape, first, one, dict(zip(vectors, rest, strict=True)), found, seed)

    for number in range(merger.passes):
        total: Any = None
        for first in range(0, n, size):
            total = merger.join(total, first, merger.measure(part(first), number), number)
        found = merger.settle(total, number, n, found)
    merged = [merger.combine(part(first)).ravel() for first in range(0, n, size)]
    return np.concatenate(merged).reshape(shape)
