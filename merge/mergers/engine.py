"""Streams three checkpoints through a merge method: memory is bounded by a piece, not by the model.

No piece depends on another and each is summed up on its own, so the bytes of the result are the same for every
number of threads. All arithmetic is float64 and rounded once: it costs little beside the reading and writing,
whereas the same sum in bfloat16 leaves half of all weights different from the exact result.
"""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datacards.errors import UserError
from merge.base import Merger, Weights
from merge.files import Files, Tensor, lay_out, read_index
from merge.fit import check_tensors
from merge.numbers import FLOATS, finite, narrow, widen
from merge.streaming.measured import Measured

PIECE = (
    1 << 16
)  # elements computed at once: the working set of a thread (3 MiB of float64) stays in its cache
BLOCK = 1 << 20  # elements of one task: enough to make the hand-over between threads cheap
ROLES = ("base", "domain", "instruct")


class Done(NamedTuple):
    """What one task measured."""

    tensor: str
    sums: list[NDArray[Any]]
    bad: int  # elements that are not finite


@dataclass(frozen=True)
class Task:
    """One block of one tensor: where its inputs lie and where the result belongs."""

    inputs: dict[str, Tensor]
    output: Tensor
    first: int
    last: int


def merge(
    merger: Merger,
    folders: Mapping[str, Path],
    out: Path,
    *,
    dtype: str,
    shard_bytes: int,
    threads: int | None = None,
) -> list[Measured]:
    """Write the merged weights to ``out`` and return what was measured of the task vectors, one per tensor.

    ``folders`` maps base, domain and instruct to model folders; ``dtype`` is a header's number format.
    Raises UserError where the tensors do not fit together or the result is not finite.
    """
    models = {role: read_index(folders[role]) for role in ROLES}
    check_tensors(models)
    asked = [(t.name, dtype if t.dtype in FLOATS else t.dtype, t.shape) for t in models["base"].values()]
    outputs = lay_out(out, asked, shard_bytes)
    sums: dict[str, list[NDArray[Any]]] = {}
    _keep_freed_memory()
    with Files() as files:
        for tensors in models.values():
            files.open(tensors.values())
        files.open(outputs, write=True)
        work = _Work(merger, files)
        for done in _in_threads(work, _tasks(models, outputs), threads or min(4, os.cpu_count() or 1)):
            if done.bad:
                raise UserError(
                    done.tensor,
                    f"{done.bad:,} merged weights are not finite",
                    todo="check the inputs and weights",
                )
            sums.setdefault(done.tensor, []).extend(done.sums)
    return [
        _measured(tensor, sums.get(tensor.name, []))
        for tensor in sorted(outputs, key=lambda t: t.name)
        if tensor.dtype in FLOATS
    ]


def _sums(base: Weights, domain: Weights, instruct: Weights) -> NDArray[Any]:
    """Return the sums of one piece: dot products, then counts of zeros and of signs."""
    d, i = domain - base, instruct - base
    product = d * i
    # einsum and not @: BLAS would set threads of its own on every piece, whose number would change the last digits.
    squares = [np.einsum("i,i->", one, one) for one in (base, d, i)]
    zeros = [one.size - np.count_nonzero(one) for one in (d, i)]
    return np.array(
        [*squares, product.sum(), *zeros, np.count_nonzero(product > 0), np.count_nonzero(product < 0)]
    )


def _measured(tensor: Tensor, sums: list[NDArray[Any]]) -> Measured:
    base, d, i, dot, d_zeros, i_zeros, agree, differ = (
        map(math.fsum, zip(*sums, strict=True)) if sums else [0.0] * 8
    )
    return Measured(
        tensor=tensor.name,
        shape=tensor.shape,
        n=tensor.n,
        roles=("domain", "instruct"),
        base=base,
        dots=np.array([[d, dot], [dot, i]]),
        zeros=np.array([d_zeros, i_zeros], np.int64),
        agree=np.array([[0, agree], [agree, 0]], np.int64),
        differ=np.array([[0, differ], [differ, 0]], np.int64),
    )


def _keep_freed_memory() -> None:
    """Let the C library keep the memory of one piece for the next, rather than give it back and ask again.

    glibc raises its threshold for giving memory back to the size of what it was last made to give back, and the
    arithmetic on a piece is four times as fast when it need not ask for fresh pages. Elsewhere this does nothing.
    """
    np.empty(16 * PIECE)


def _tasks(models: Mapping[str, Mapping[str, Tensor]], outputs: list[Tensor]) -> Iterator[Task]:
    for output in outputs:
        inputs = {role: models[role][output.name] for role in ROLES}
        for first in range(0, output.n, BLOCK):
            yield Task(inputs, output, first, min(first + BLOCK, output.n))


@dataclass(frozen=True)
class _Work:
    merger: Merger
    files: Files

    def __call__(self, task: Task) -> Done:
        if task.output.dtype not in FLOATS:
            kept = self.files.read(task.inputs["base"], task.first, task.last)
            self.files.write(task.output, task.first, kept)
            return Done(task.output.name, [], 0)
        sums, bad = [], 0
        for first in range(task.first, task.last, PIECE):
            last = min(first + PIECE, task.last)
            piece = {role: widen(self.files.read(t, first, last), t.dtype) for role, t in task.inputs.items()}
            sums.append(_sums(**piece))
            merged = self.merger.combine(**piece)
            rounded = narrow(merged, task.output.dtype)
            bad += rounded.size - finite(rounded, task.output.dtype)
            self.files.write(task.output, first, rounded)
        return Done(task.output.name, sums, bad)


def _in_threads(work: Callable[[Task], Done], tasks: Iterator[Task], threads: int) -> Iterator[Done]:
    """Yield what ``work`` returns, in order of the tasks, with few tasks waiting at any time."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: list[Future[Done]] = [pool.submit(work, task) for task in islice(tasks, 2 * threads)]
        try:
            while waiting:
                yield waiting.pop(0).result()
                waiting.extend(pool.submit(work, task) for task in islice(tasks, 1))
        finally:
            for future in waiting:
                future.cancel()
