"""CMA-ES over the numbers of a merge: asked for a candidate, told its score, and repeatable from the seed."""

import math
from collections.abc import Sequence

import numpy as np
from cmaes import CMA
from numpy.typing import NDArray

from merge.evolve.vary import Dimension


class Search:
    """Asks and tells a CMA-ES one candidate at a time; every variable's range is 0 to 1 inside of it.

    The search is the ``cmaes`` library's (arXiv 2402.01373): it needs numpy alone, keeps its random numbers to
    itself, holds candidates inside of their bounds and works for one variable as well. What is asked depends on the
    seed and on the scores that were told, so telling recorded scores again leads to where a stopped search was.
    """

    def __init__(
        self, dimensions: Sequence[Dimension], *, sigma: float, seed: int, population: int | None = None
    ) -> None:
        self._dimensions = list(dimensions)
        self._lower = np.array([one.lower for one in dimensions])
        self._range = np.array([one.upper for one in dimensions]) - self._lower
        start = (np.array([one.start for one in dimensions]) - self._lower) / self._range
        self._cma = CMA(
            mean=np.clip(start, 0.0, 1.0),
            sigma=sigma,
            bounds=np.tile([0.0, 1.0], (len(dimensions), 1)),
            seed=seed,
            population_size=population,
        )
        self._told: list[tuple[NDArray[np.float64], float]] = []
        self._asked: NDArray[np.float64] | None = None

    @property
    def generation(self) -> int:
        """How many whole generations were told."""
        return int(self._cma.generation)

    def ask(self) -> dict[str, float]:
        """Return the values of the next candidate by name."""
        self._asked = np.asarray(self._cma.ask(), dtype=np.float64)
        values = np.clip(
            self._lower + self._asked * self._range, self._lower, self._lower + self._range
        ).tolist()
        return {one.name: value for one, value in zip(self._dimensions, values, strict=True)}

    def tell(self, score: float | None) -> None:
        """Take the score of the candidate that was asked for last, higher being better; None is worse than any."""
        if self._asked is None:
            raise ValueError("tell without ask")
        self._told.append((self._asked, math.inf if score is None else -score))
        self._asked = None
        if len(self._told) == self._cma.population_size:
            self._cma.tell(self._told)
            self._told = []
