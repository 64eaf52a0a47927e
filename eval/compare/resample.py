"""Standard errors, intervals and tests over clusters: linearized, and held to what a paired bootstrap says of t."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from datacards.evaluated import Figure
from eval.compare.figures import Floats, Ints, gradient_of, value_of

DRAWS = 2000
MOST_CLUSTERS = 5_000  # with more than these the central limit needs no bootstrap to confirm it
CELLS = 2_000_000  # draws times clusters that are held at a time


class Term(NamedTuple):
    """One figure in a contrast: which columns its sums are in, and what it is multiplied by."""

    figure: Figure
    columns: slice
    factor: float


@dataclass(frozen=True, eq=False)
class Contrast:
    """A sum of figures times factors over the same clusters: one figure, or the difference of two.

    ``sums`` (clusters, columns) are the sums of the parts within every cluster; ``strata`` numbers the stratum of every
    cluster, all zero where there is one.
    """

    sums: Floats
    terms: tuple[Term, ...]
    strata: Ints

    def value(self, totals: Floats) -> Floats:
        """Return the contrast of each row of ``totals`` (..., columns)."""
        found: Floats = np.zeros(totals.shape[:-1])
        for term in self.terms:
            found = found + term.factor * value_of(totals[..., term.columns], term.figure)
        return found

    def gradient(self, totals: Floats) -> Floats:
        """Return the derivative of the contrast by each of ``totals``."""
        found = np.zeros_like(totals)
        for term in self.terms:
            found[..., term.columns] += term.factor * gradient_of(totals[..., term.columns], term.figure)
        return found

    def alone(self, totals: Floats) -> Floats | None:
        """Return what is to be added to the influence of each cluster where a group has one cluster, else None.

        Such a group would seem to have no error at all, as it does not vary about its own mean: it varies about the mean
        of all groups instead (Lumley 2010, section 2.3, "adjust").
        """
        found: Floats | None = None
        for term in self.terms:
            above, below = np.hsplit(self.sums[:, term.columns], 2)
            lonely = np.flatnonzero((below != 0).sum(axis=0) == 1)
            if term.figure != "groups" or not len(lonely):
                continue
            found = np.zeros(len(self.sums)) if found is None else found
            share = term.factor / (below != 0).any(axis=0).sum()
            mean = float(value_of(totals[term.columns], term.figure))
            for column in lonely:
                at = int(below[:, column].argmax())
                found[at] += share * (above[at, column] / below[at, column] - mean)
        return found


@dataclass(frozen=True)
class Estimate:
    """A contrast with its standard error over ``clusters``; None where a single cluster tells none.

    ``df`` are the degrees of freedom of t, ``scale`` what t is divided by: 1 or more, as the bootstrap found its tails.
    """

    value: float
    stderr: float | None
    df: int
    scale: float
    clusters: int

    def interval(self, *, level: float = 0.95) -> tuple[float, float] | None:
        """Return the interval, symmetric about the value."""
        if self.stderr is None:
            return None
        half = self.scale * float(stdtrit(self.df, 0.5 + level / 2)) * self.stderr
        return self.value - half, self.value + half

    def p(self) -> float:
        """Return the two-sided p of no difference; 1 where there is no standard error."""
        return min(1.0, 2 * min(self.p_above(0.0), self.p_below(0.0)))

    def p_above(self, bound: float) -> float:
        """Return the one-sided p of the truth being ``bound`` or less."""
        return self._tail(self.value - bound)

    def p_below(self, bound: float) -> float:
        """Return the one-sided p of the truth being ``bound`` or more."""
        return self._tail(bound - self.value)

    def _tail(self, distance: float) -> float:
        if self.stderr is None:
            return 1.0
        if self.stderr == 0:
            return 0.0 if distance > 0 else 1.0
        return float(stdtr(self.df, -distance / (self.stderr * self.scale)))


def contrast(
    parts: Sequence[Floats], figures: Sequence[Figure], factors: Sequence[float], clusters: Ints, strata: Ints
) -> Contrast:
    """Return the contrast of several figures of the same items; ``strata`` numbers each item's.

    Strata serve where every cluster lies in one of them and each holds two clusters at least; else they are one.
    """
    codes, clusters = np.unique(clusters, return_inverse=True)
    wide = np.hstack(list(parts))
    sums = np.zeros((len(codes), wide.shape[1]))
    for place in range(wide.shape[1]):
        sums[:, place] = np.bincount(clusters, weights=wide[:, place], minlength=len(codes))
    terms, start = [], 0
    for array, figure, factor in zip(parts, figures, factors, strict=True):
        terms.append(Term(figure, slice(start, start + array.shape[1]), factor))
        start += array.shape[1]
    return Contrast(sums, tuple(terms), _strata(clusters, strata, len(codes)))


def _strata(clusters: Ints, strata: Ints, number: int) -> Ints:
    first = np.zeros(number, dtype=np.int64)
    first[clusters] = strata
    nested = bool((first[clusters] == strata).all())
    _, codes, sizes = np.unique(first, return_inverse=True, return_counts=True)
    return codes if nested and sizes.min() > 1 else np.zeros(number, dtype=np.int64)


def estimate(asked: Contrast, *, draws: int = DRAWS, seed: int = 0) -> Estimate:
    """Return the contrast, its standard error over clusters and how far t must be stretched.

    The standard error is that of the linearized figure (delta method), with clusters over clusters less one for every
    stratum. t has clusters less strata degrees of freedom. ``draws`` paired bootstraps over clusters, each with the
    standard error of its own, say where the middle 95 % of t lie (bootstrap-t, symmetric: Hall 1992, section 3.6);
    where that is farther out than t's own quantile, as with few or uneven clusters, t is divided by the ratio.
    """
    totals = asked.sums.sum(axis=0)
    value = float(asked.value(totals))
    number = len(asked.sums)
    df = number - len(np.unique(asked.strata))
    if df < 1:
        return Estimate(value, None, 0, 1.0, number)
    influence = asked.sums @ asked.gradient(totals)
    alone = asked.alone(totals)
    if alone is not None:
        influence, draws = influence + alone, 0  # a draw tells nothing of a group of one
    stderr = float(np.sqrt(_variance(influence[None], np.ones((1, number)), asked.strata)[0]))
    if stderr <= 1e-12:
        return Estimate(value, 0.0, df, 1.0, number)
    scale = 1.0
    if draws and number <= MOST_CLUSTERS:
        drawn = _studentized(asked, value, draws, np.random.default_rng(seed))
        scale = max(1.0, float(np.quantile(np.abs(drawn), 0.95)) / float(stdtrit(df, 0.975)))
    return Estimate(value, stderr, df, scale, number)


def _studentized(asked: Contrast, value: float, draws: int, rng: np.random.Generator) -> Floats:
    """Return t of every draw; draws in which nothing varies are left out."""
    found = []
    step = max(1, CELLS // len(asked.sums))
    for start in range(0, draws, step):
        counts = drawn(asked.strata, min(step, draws - start), rng)
        totals = counts @ asked.sums
        influence = asked.gradient(totals) @ asked.sums.T
        stderr = np.sqrt(_variance(influence, counts, asked.strata))
        varied = stderr > 1e-12
        found.append((asked.value(totals)[varied] - value) / stderr[varied])
    return np.concatenate(found) if sum(map(len, found)) else np.zeros(1)


def drawn(strata: Ints, draws: int, rng: np.random.Generator) -> Floats:
    """Return how often each cluster is drawn (draws, clusters): with replacement, as many of a stratum as it has."""
    counts = np.zeros((draws, len(strata)))
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        size = len(members)
        picked = rng.integers(0, size, (draws, size)) + np.arange(draws)[:, None] * size
        counts[:, members] = np.bincount(picked.ravel(), minlength=draws * size).reshape(draws, size)
    return counts


def _variance(influence: Floats, counts: Floats, strata: Ints) -> Floats:
    """Return the variance of every row: clusters weigh ``counts``, and vary about the mean of their stratum."""
    found: Floats = np.zeros(len(influence))
    for stratum in np.unique(strata):
        members = strata == stratum if strata.any() else slice(None)
        part, weights = influence[:, members], counts[:, members]
        size = part.shape[1]
        weighted = weights * part
        spread = np.einsum("ij,ij->i", weighted, part) - weighted.sum(axis=1) ** 2 / size
        found += np.maximum(spread, 0.0) * size / (size - 1)
    return found
