"""How far judgments of the same answers agree: between repeats of one judge, and between two judges."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_DRAWS, _SEED = 2000, 0


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its standard error and its 95 % interval, by bootstrap over clusters of answers; None where undefined."""

    value: float | None
    stderr: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Figures of agreement over ``answers`` that were judged at least twice, in ``pairs`` of judgments.

    ``exact`` and ``within_one`` are shares of pairs; ``pearson`` their correlation; ``kappa`` is Cohen's with quadratic
    weights (1968), ``alpha`` Krippendorff's for intervals. ``difference`` is the mean of second less first: 0 between
    repeats, which have no order. ``noise`` is the standard deviation of one judgment around the mean of its answer's, in
    points, and ``stderr_of_mean`` what that adds to the standard error of a mean over these answers, each judged once.
    """

    answers: int
    pairs: int
    exact: Figure
    within_one: Figure
    pearson: Figure
    kappa: Figure
    alpha: Figure
    difference: Figure
    noise: Figure
    stderr_of_mean: float | None


def agreement(
    scores: Sequence[Sequence[float | None]], *, ordered: bool = False, clusters: Sequence[str] = ()
) -> Agreement:
    """Return the agreement of judgments: a row per answer with its scores, None where a judgment failed.

    ``ordered`` says that the columns are different judges, two of them; otherwise they are repeats, and every pair counts in
    both orders. ``clusters`` names what answers belong together (both turns of a question); by default each is by itself.
    """
    if ordered and any(len(row) != 2 for row in scores):
        raise ValueError("two judges have two columns")
    rows = [np.array([one for one in row if one is not None], dtype=float) for row in scores]
    names = list(clusters) if clusters else [str(n) for n in range(len(rows))]
    table = [(row, name) for row, name in zip(rows, names, strict=True) if len(row) > 1]
    if not table:
        none = Figure(None)
        return Agreement(0, 0, none, none, none, none, none, none, none, None)
    sums = np.stack([_sums(row, ordered=ordered) for row, _ in table])
    _, places = np.unique([name for _, name in table], return_inverse=True)
    parts = np.zeros((places.max() + 1, sums.shape[1]))
    np.add.at(parts, places, sums)
    drawn = np.random.default_rng(_SEED).multinomial(
        len(parts), np.full(len(parts), 1 / len(parts)), size=_DRAWS
    )
    whole, again = parts.sum(axis=0)[None], drawn.astype(float) @ parts
    noise = _figure(_noise, whole, again, len(parts))
    return Agreement(
        answers=len(table),
        pairs=int(whole[0, _PAIRS]) // (1 if ordered else 2),
        exact=_figure(lambda s: s[:, _EXACT] / s[:, _PAIRS], whole, again, len(parts)),
        within_one=_figure(lambda s: s[:, _NEAR] / s[:, _PAIRS], whole, again, len(parts)),
        pearson=_figure(_pearson, whole, again, len(parts)),
        kappa=_figure(_kappa, whole, again, len(parts)),
        alpha=_figure(_alpha, whole, again, len(parts)),
        difference=_figure(lambda s: (s[:, _Y] - s[:, _X]) / s[:, _PAIRS], whole, again, len(parts)),
        noise=noise,
        stderr_of_mean=None if noise.value is None else noise.value / len(table) ** 0.5,
    )


# The sums that all figures are made of; one row of them per answer, and of rows their sum.
_PAIRS, _EXACT, _NEAR, _X, _Y, _XX, _YY, _XY, _DD = range(9)  # over pairs of judgments
_N, _S, _SS, _DO, _WITHIN, _FREE = range(9, 15)  # over judgments


def _sums(values: Floats, *, ordered: bool) -> Floats:
    """Return the sums of one answer."""
    m = len(values)
    left, right = (np.array([0]), np.array([1])) if ordered else np.nonzero(~np.eye(m, dtype=bool))
    x, y = values[left], values[right]
    gap = np.abs(x - y)
    spread = (
        2 * m * (values**2).sum() - 2 * values.sum() ** 2
    )  # of squared differences over pairs in both orders
    within = ((values - values.mean()) ** 2).sum()
    return np.array(
        [
            len(x), (gap == 0).sum(), (gap <= 1).sum(), x.sum(), y.sum(), (x**2).sum(), (y**2).sum(), (x * y).sum(),
            (gap**2).sum(), m, values.sum(), (values**2).sum(), spread / (m - 1), within, m - 1,
        ],
        dtype=float,
    )  # fmt: skip


def _pearson(s: Floats) -> Floats:
    n = s[:, _PAIRS]
    together = s[:, _XY] / n - s[:, _X] * s[:, _Y] / n**2
    return together / np.sqrt(_variance(s, _X, _XX) * _variance(s, _Y, _YY))


def _kappa(s: Floats) -> Floats:
    """Return 1 less the mean squared difference over that of judgments put together by chance."""
    n = s[:, _PAIRS]
    by_chance = _variance(s, _X, _XX) + _variance(s, _Y, _YY) + ((s[:, _X] - s[:, _Y]) / n) ** 2
    return 1 - s[:, _DD] / n / by_chance


def _variance(s: Floats, first: int, second: int) -> Floats:
    n = s[:, _PAIRS]
    found: Floats = np.maximum(s[:, second] / n - (s[:, first] / n) ** 2, 0.0)
    return found


def _alpha(s: Floats) -> Floats:
    """Return Krippendorff's alpha for intervals (Content Analysis, 4th ed., 12.3): 1 - observed / expected difference."""
    n = s[:, _N]
    expected = 2 * (n * s[:, _SS] - s[:, _S] ** 2) / (n * (n - 1))
    return 1 - s[:, _DO] / n / expected


def _noise(s: Floats) -> Floats:
    found: Floats = np.sqrt(s[:, _WITHIN] / s[:, _FREE])
    return found


def _figure(of: Callable[[Floats], Floats], whole: Floats, again: Floats, clusters: int) -> Figure:
    """Return a figure of the whole with what it is in the draws; undefined draws (no spread at all) are left out."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value, drawn = float(of(whole)[0]), of(again)
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value):
        return Figure(None)
    if clusters < 2 or len(drawn) < _DRAWS // 2:
        return Figure(value)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Figure(value, float(drawn.std(ddof=1)), float(low), float(high))
