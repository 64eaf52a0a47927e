"""How many rows and steps a run has, packed and with every document in a row of its own, and how far its rates carry."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.data.fitting import layout
from train.plan.amount import Amount
from train.trainers.causal_lm import CausalLM
from train.trainers.rates import learning_rate

SUMMED = 20_000  # steps of which every rate is added; of more, as many places in equal distances


@dataclass(frozen=True, slots=True)
class Steps:
    """Rows of one epoch and steps of all, with what the learning rates of those steps amount to.

    ``fill`` is the share of places that hold a token. ``rate_sum`` is how far Adam can move a weight at most, ``walk`` how far
    (root mean square) when every step moves it by its rate in a direction of its own. ``epochs`` are those that the steps
    get through, ``computed`` the places that are computed in all, tokens or not; ``squares`` the squares of the lengths of all
    pieces of one epoch.
    """

    rows: int
    fill: float
    steps: int
    epochs: float
    computed: int
    squares: float
    rate_sum: float
    walk: float


def packed(amount: Amount, options: CausalLM) -> Steps:
    """Return the run on packed rows; documents that are read a part of a time count as that part of one."""
    width = options.sequence_length
    pieces = _pieces(amount, width)
    rows = layout(np.round(pieces).astype(np.int64), width).n_rows
    return _steps(rows, pieces, options)


def padded(amount: Amount, options: CausalLM) -> Steps:
    """Return the run with documents apart, long ones cut, each piece filled up to the length of a row."""
    pieces = _pieces(amount, options.sequence_length)
    return _steps(round(float(pieces.sum())), pieces, options)


def _pieces(amount: Amount, width: int) -> NDArray[np.float64]:
    """Return how many pieces of each length, 0 to ``width``, an epoch has on average."""
    whole, rest = np.divmod(amount.lengths, width)
    found = np.bincount(rest, amount.times, minlength=width + 1).astype(np.float64)
    found[0] = 0
    found[width] = float(whole.astype(np.float64) @ amount.times)
    return found


def _steps(rows: int, pieces: NDArray[np.float64], options: CausalLM) -> Steps:
    width = options.sequence_length
    sizes = np.arange(width + 1, dtype=np.float64)
    steps = -(-rows * options.epochs // options.rows_per_step)
    all_rows = rows * options.epochs
    if options.max_steps is not None and options.max_steps < steps:
        steps = options.max_steps
        all_rows = steps * options.rows_per_step
    rates = _rates(options, steps)
    each = steps / max(len(rates), 1)
    return Steps(
        rows=rows,
        fill=float(pieces @ sizes) / max(rows * width, 1),
        steps=steps,
        epochs=all_rows / max(rows, 1),
        computed=all_rows * width,
        squares=float(pieces @ sizes**2),
        rate_sum=float(rates.sum() * each),
        walk=float(np.sqrt((rates**2).sum() * each)),
    )


def _rates(options: CausalLM, steps: int) -> NDArray[np.float64]:
    if steps <= options.warmup_steps:  # refused by the trainer; here it is told
        return np.zeros(0)
    chosen = range(steps) if steps <= SUMMED else np.linspace(0, steps - 1, SUMMED).astype(int).tolist()
    return np.array([learning_rate(options, step, steps) for step in chosen])
