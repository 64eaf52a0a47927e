"""Streams the tensors of several models through their merge methods: memory is bounded by parts, not by the model.

No part depends on another and each is summed up on its own, in order of place, so the bytes of the result are the
same for every number of threads. All arithmetic is float64 (float32 for methods that see whole tensors) and rounded
once: it costs little beside the reading and writing, whereas the same sum in bfloat16 leaves half of all weights
different from the exact result.
"""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from datacards.errors import UserError
from merge.base import Merger
from merge.files import ASK, Files
from merge.fit import some
from merge.plan import Plan, Target
from merge.streaming.cuts import PIECE, batches, blocks, elements
from merge.streaming.inputs import Inputs
from merge.streaming.journal import Journal, Written, fingerprint
from merge.streaming.measured import Measured
from merge.streaming.sinks import Sink, stored_as
from merge.streaming.sums import Sums
from merge.streaming.work import Rounded, Work

Output = Literal["model", "vector"]
Rounding = Literal["nearest", "stochastic"]
Item = TypeVar("Item")
Result = TypeVar("Result")


class Task(NamedTuple):
    """One block of one tensor."""

    target: Target
    first: int
    last: int


class Done(NamedTuple):
    """What became of one task: its sums, and whether it was written before already."""

    task: Task
    written: Written
    rounded: Rounded | None


@dataclass
class _Run:
    work: Work
    sink: Sink
    journal: Journal
    threads: int
    bar: "tqdm[Any]"
    sums: dict[str, Sums] = field(default_factory=dict)


def merge(
    plan: Plan,
    mergers: Mapping[str, Merger],
    sink: Sink,
    *,
    dtype: str,
    output: Output = "model",
    rounding: Rounding = "nearest",
    seed: int = 0,
    threads: int | None = None,
    journal: Path | None = None,
    show: bool = False,
) -> list[Measured]:
    """Write the merged tensors of ``plan`` to ``sink`` and return what was measured of those that are no buffers.

    ``mergers`` holds the method of every tensor that is not kept; ``dtype`` is a header's number format. With a
    ``journal``, a merge that was stopped goes on where it was. Raises UserError where the result is not finite or
    a method gives back another shape.
    """
    _keep_freed_memory()
    wanted = sum(elements(target) for target in plan.targets)
    about = repr([(t.name, t.shape, t.kept, tuple(t.models)) for t in plan.targets])
    with (
        Files() as files,
        Journal(journal, f"{dtype} {output} {rounding} {seed} {mergers!r} {about}") as log,
        threadpool_limits(1),  # BLAS would split sums by the number of its threads, and does not see ours
        tqdm(
            total=wanted, unit="weights", unit_scale=True, desc="merge", disable=None if show else True
        ) as bar,
    ):
        files.open(at.at for target in plan.targets for at in (target.base, *target.models.values()))
        roles = plan.roles or tuple(dict.fromkeys(role for target in plan.targets for role in target.models))
        work = Work(Inputs(files, roles), mergers, stored_as(plan, dtype), output, rounding, seed)
        run = _Run(work, sink, log, threads or min(8, os.cpu_count() or 1), bar)
        for batch in batches(plan.targets):
            _batch(run, batch)
    nothing = Sums(len(roles))  # of a tensor without elements
    return [
        run.sums.get(target.name, nothing).measured(target, roles)
        for target in plan.targets
        if not target.kept
    ]


def _batch(run: _Run, batch: Sequence[Target]) -> None:
    found = _passes(run, [target for target in batch if not _is_written(run, target)])
    for done in _in_threads(lambda task: _write(run, task, found), _expected(run, batch), run.threads):
        target, first, last = done.task
        _check_finite(run, done)
        run.journal.note(target.name, first, last, done.written)
        if not target.kept:
            k = len(run.work.inputs.roles)
            run.sums.setdefault(target.name, Sums(k)).add(Sums.of(k, done.written.sums))
        run.bar.update(last - first)


def _check_finite(run: _Run, done: Done) -> None:
    """Raise UserError where a model or the result has weights that are no numbers, naming which.

    The result alone does not show it: a method that elects or drops may leave the weight of a model out.
    """
    base, dots, *_ = done.written.sums
    sizes = (base, *(dots[at][at] for at in range(len(dots))))
    n = done.rounded.bad if done.rounded else 0
    if n or not all(map(math.isfinite, sizes)):
        raise _not_finite(run, done.task, n)


def _not_finite(run: _Run, task: Task, n: int) -> UserError:
    """Return an error that names the model with a weight that is no number, or else the format that is too narrow."""
    name, dtype = some([task.target.name]), run.work.formats[task.target.name]
    with np.errstate(over="ignore", invalid="ignore"):
        base, vectors = run.work.inputs.weights(*task)
    for role, numbers in {"base": base, **vectors}.items():
        if bad := int(np.count_nonzero(~np.isfinite(numbers))):
            return UserError(
                f"the {role} model", f"{bad:,} weights of {name} are not finite", "weights are numbers", ASK
            )
    if not n:
        return UserError(name, "has weights whose squares no number holds", "weights of ordinary size", ASK)
    return UserError(
        name, f"{n:,} merged weights are not finite in {dtype}, though those of all models are",
        "F16 holds numbers up to 65,504" if dtype == "F16" else "",
        "take a wider dtype or smaller weights in the recipe",
    )  # fmt: skip


def _tasks(run: _Run, targets: Iterable[Target]) -> Iterator[Task]:
    for target in targets:
        for first, last in blocks(target, run.work.sees(target)):
            yield Task(target, first, last)


def _expected(run: _Run, targets: Iterable[Target]) -> Iterator[Task]:
    """Yield the tasks as they are handed to threads, a few ahead of the work: until then the disk may read."""
    for task in _tasks(run, targets):
        run.work.inputs.expect(*task)
        yield task


def _is_written(run: _Run, target: Target) -> bool:
    return all(
        task in run.journal.known
        for task in ((t.target.name, t.first, t.last) for t in _tasks(run, [target]))
    )


def _passes(run: _Run, batch: Sequence[Target]) -> dict[str, Any]:
    """Make the passes over whole tensors that their methods ask for, and return what was found by tensor."""
    found: dict[str, Any] = {}
    mergers = {target.name: run.work.mergers[target.name] for target in batch if not target.kept}
    for number in range(max((merger.passes for merger in mergers.values()), default=0)):
        asked = [target for target in batch if not target.kept and number < mergers[target.name].passes]
        totals: dict[str, Any] = {}

        def look(task: Task, number: int = number) -> tuple[Task, list[tuple[int, Any]]]:
            with np.errstate(over="ignore", invalid="ignore"):
                return task, run.work.look(*task, number, found.get(task.target.name))

        for task, measured in _in_threads(look, _expected(run, asked), run.threads):
            name = task.target.name
            for first, one in measured:
                totals[name] = mergers[name].join(totals.get(name), first, one, number)
        for target in asked:
            name = target.name
            found[name] = mergers[name].settle(totals.get(name), number, elements(target), found.get(name))
    return found


def _write(run: _Run, task: Task, found: Mapping[str, Any]) -> Done:
    target, first, last = task
    if known := run.journal.known.get((target.name, first, last)):
        if fingerprint(run.sink.read(target.name, first, last)) == known.fingerprint:
            return Done(task, known, None)
        if target.name not in found and not target.kept and run.work.mergers[target.name].passes:
            found = _passes(_Run(run.work, run.sink, run.journal, 1, run.bar), [target])
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told with its place
        rounded = run.work.compute(target, first, last, found.get(target.name))
    run.sink.write(target.name, first, rounded.numbers)
    written = Written(fingerprint(rounded.numbers), rounded.sums.plain())
    return Done(task, written, rounded)


def _keep_freed_memory() -> None:
    """Let the C library keep the memory of one piece for the next, rather than give it back and ask again.

    glibc raises its threshold for giving memory back to the size of what it was last made to give back, and the
    arithmetic on a piece is four times as fast when it need not ask for fresh pages. Elsewhere this does nothing.
    """
    np.empty(16 * PIECE)


def _in_threads(work: Callable[[Item], Result], tasks: Iterator[Item], threads: int) -> Iterator[Result]:
    """Yield what ``work`` returns, in order of the tasks, with few tasks waiting at any time."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque(pool.submit(work, task) for task in islice(tasks, 2 * threads))
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(work, task) for task in islice(tasks, 1))
        finally:
            for future in waiting:
                future.cancel()
