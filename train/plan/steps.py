"""How many rows and steps a run has, packed and with every document in a row of its own, and how far its rates carry."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.data.fitting import layout
from train.data.packing import lengths as of_length
from train.plan.amount import Lengths
from train.trainers.causal_lm import CausalLM

SUMMED = 20_000  # steps of which every rate is added; of more, as many places in equal distances


@dataclass(frozen=True, slots=True)
class Steps:
    """Rows of one epoch and steps of all, with what the learning rates of those steps amount to.

    ``fill`` is the share of places that hold a token. ``rate_sum`` is how far Adam can move a weight at most, ``walk`` how far
    (root mean square) when every step moves it by its rate in a direction of its own. ``computed`` are the places that are
    computed in all, tokens or not.
    """

    rows: int
    fill: float
    steps: int
    computed: int
    rate_sum: float
    walk: float


def packed(lengths: Lengths, options: CausalLM, *, times: float = 1.0) -> Steps:
    """Return the run on packed rows; ``times`` is how often an epoch reads the documents."""
    width = options.sequence_length
    once = np.ones(len(lengths), np.int32)
    n_rows = layout(of_length(once, np.asarray(lengths, np.int32), width), width).n_rows
    fill = float(lengths.sum() / (n_rows * width)) if n_rows else 0.0
    return _steps(round(n_rows * times), fill, options)


def padded(lengths: Lengths, options: CausalLM, *, times: float = 1.0) -> Steps:
    """Return the run with documents apart, long ones cut, each piece filled up to the length of a row."""
    rows = int((-(-lengths // options.sequence_length)).sum())
    fill = float(lengths.sum() / (rows * options.sequence_length)) if rows else 0.0
    return _steps(round(rows * times), fill, options)


def _steps(rows: int, fill: float, options: CausalLM) -> Steps:
    steps = -(-rows * options.epochs // options.rows_per_step)
    all_rows = rows * options.epochs
    if options.max_steps is not None and options.max_steps < steps:
        steps = options.max_steps
        all_rows = steps * options.rows_per_step
    rates = _rates(options, steps)
    each = steps / max(len(rates), 1)
    return Steps(
        rows=rows,
        fill=fill,
        steps=steps,
        computed=all_rows * options.sequence_length,
        rate_sum=float(rates.sum() * each),
        walk=float(np.sqrt((rates**2).sum() * each)),
    )


def _rates(options: CausalLM, steps: int) -> NDArray[np.float64]:
    from train.trainers.rates import learning_rate

    if steps <= options.warmup_steps:  # refused by the trainer; here it is told
        return np.zeros(0)
    chosen = range(steps) if steps <= SUMMED else np.linspace(0, steps - 1, SUMMED).astype(int).tolist()
    return np.array([learning_rate(options, step, steps) for step in chosen])
