"""How a tensor is cut: into blocks, the tasks of threads, and those into the parts that a method sees."""

import math
from collections.abc import Iterator, Sequence
from typing import Literal

from merge.plan import Target

PIECE = 1 << 16  # elements: the working set of a thread (a few MiB of float64) stays in its second cache
BLOCK = 1 << 20  # elements of one task: enough to make the hand-over between threads cheap
BATCH = (
    1 << 28
)  # elements whose passes follow one another: few enough that their inputs stay in the page cache
Sees = Literal["pieces", "rows", "tensor"]


def elements(target: Target) -> int:
    """Return the number of elements of a tensor."""
    return math.prod(target.shape)


def blocks(target: Target, sees: Sees) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of every block of a tensor."""
    n = elements(target)
    step = n if sees == "tensor" else _whole(BLOCK, target, sees)
    for first in range(0, n, max(1, step)):
        yield first, min(first + step, n)


def parts(target: Target, sees: Sees, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of every part of one block."""
    if sees != "pieces":
        yield first, last
        return
    step = _whole(PIECE, target, sees)
    for start in range(first, last, step):
        yield start, min(start + step, last)


def reads(target: Target, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield what is read at once of a part that is larger than a piece."""
    step = _whole(PIECE, target, "pieces")
    for start in range(first, last, step):
        yield start, min(start + step, last)


def batches(targets: Sequence[Target]) -> Iterator[list[Target]]:
    """Yield the tensors in batches of about ``BATCH`` elements, in their order."""
    batch: list[Target] = []
    size = 0
    for target in targets:
        if batch and size + elements(target) > BATCH:
            yield batch
            batch, size = [], 0
        batch.append(target)
        size += elements(target)
    if batch:
        yield batch


def _whole(step: int, target: Target, sees: Sees) -> int:
    """Return ``step``, rounded to whole rows where rows matter: a method sees them, or they are mapped."""
    mapped = any(at.rows is not None for at in (target.base, *target.models.values()))
    if sees == "pieces" and not mapped:
        return step
    if len(target.shape) < 2 and sees == "rows":
        return max(1, elements(target))
    width = max(1, math.prod(target.shape[1:]))
    return max(1, step // width) * width
