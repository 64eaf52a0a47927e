"""Reads one part of one tensor from every model: the base's weights and the task vectors, as float64."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from merge.base import Weights
from merge.files import Files
from merge.numbers import widen
from merge.plan import Input, Target


@dataclass(frozen=True)
class Inputs:
    """The open files of all models, by the roles of ``roles`` in their order.

    A model that is a task vector may lack a tensor, which counts as zero.
    """

    files: Files
    roles: tuple[str, ...]

    def stored(self, target: Target, first: int, last: int) -> NDArray[Any]:
        """Return elements of a tensor that is kept, as the base stores them."""
        return self.files.read(target.base.at, first, last)

    def expect(self, target: Target, first: int, last: int) -> None:
        """Let the system begin to read elements of a tensor from all models; rows that are mapped may lie anywhere."""
        for at in (target.base, *target.models.values()):
            if at.rows is None:
                self.files.expect(at.at, first, last)

    def weights(self, target: Target, first: int, last: int) -> tuple[Weights, dict[str, Weights]]:
        """Return the base's elements ``first`` to ``last`` and those of every vector, flat, in float64.

        Where rows are mapped the elements must be whole rows. A model's vector is 0 in a row that it lacks. A row that
        the base lacks is that of the model that has it, and no vector has anything there; a row of none is 0.
        """
        base, lacking = self._rows(target, target.base, first, last)
        vectors = {}
        for role in self.roles:
            if (at := target.models.get(role)) is None:
                vectors[role] = np.zeros_like(base)
                continue
            vector, missing = self._rows(target, at, first, last)
            if lacking is not None and not at.vector:
                _fill(base, lacking, vector, missing)
            if not at.vector:
                vector -= base
            for rows in (missing, lacking):
                if rows is not None:
                    vector.reshape(len(rows), -1)[rows] = 0
            vectors[role] = vector
        return base, vectors

    def _rows(
        self, target: Target, at: Input, first: int, last: int
    ) -> tuple[Weights, NDArray[np.bool_] | None]:
        """Return elements in float64 and, where rows are mapped, which rows this model lacks (they are 0)."""
        if at.rows is None:
            return widen(self.files.read(at.at, first, last), at.at.dtype), None
        width = math.prod(target.shape[1:])
        wanted = at.rows[first // width : last // width]
        found = np.zeros((len(wanted), width))
        for start, end in _runs(wanted):
            row = int(wanted[start])
            numbers = self.files.read(at.at, row * width, (row + end - start) * width)
            found[start:end] = widen(numbers, at.at.dtype).reshape(-1, width)
        return found.reshape(-1), wanted < 0


def _fill(
    base: Weights, lacking: NDArray[np.bool_], model: Weights, missing: NDArray[np.bool_] | None
) -> None:
    given = lacking if missing is None else lacking & ~missing
    base.reshape(len(lacking), -1)[given] = model.reshape(len(lacking), -1)[given]


def _runs(rows: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return (start, end) of every run of consecutive rows that are there, to read each at once."""
    if not len(rows):
        return []
    breaks = np.flatnonzero((np.diff(rows) != 1) | (rows[1:] < 0)) + 1
    edges = [0, *breaks.tolist(), len(rows)]
    return [(start, end) for start, end in pairwise(edges) if rows[start] >= 0]
