"""Computes one block: its parts are read, measured, merged and rounded once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datacards.errors import UserError
from merge.base import Merger, Part, Weights
from merge.kernels import add_vectors
from merge.numbers import STORED, finite, narrow, stochastic
from merge.plan import Target
from merge.streaming.cuts import PIECE, Sees, parts, reads
from merge.streaming.inputs import Inputs
from merge.streaming.sums import Sums


class Rounded(NamedTuple):
    """The stored numbers of a block, the sums of its vectors, and how many numbers are not finite."""

    numbers: NDArray[Any]
    sums: Sums
    bad: int


@dataclass(frozen=True)
class Work:
    """All that a thread needs to compute any block of the result."""

    inputs: Inputs
    mergers: Mapping[str, Merger]
    formats: Mapping[str, str]
    output: str
    rounding: str
    seed: int

    def sees(self, target: Target) -> Sees:
        """Return what the method of a tensor is to see of it."""
        return "pieces" if target.kept else self.mergers[target.name].sees

    def look(self, target: Target, first: int, last: int, number: int, found: Any) -> list[tuple[int, Any]]:
        """Return (place, what the method measures in pass ``number``) of every part of a block."""
        merger = self.mergers[target.name]
        return [
            (start, merger.measure(self._part(target, start, end, found, None), number))
            for start, end in parts(target, merger.sees, first, last)
        ]

    def compute(self, target: Target, first: int, last: int, found: Any) -> Rounded:
        """Return the merged numbers of one block."""
        dtype, sums = self.formats[target.name], Sums(len(self.inputs.roles))
        if target.kept:
            return Rounded(self.inputs.stored(target, first, last), sums, 0)
        numbers = np.empty(last - first, STORED[dtype])
        if (factors := self._factors(target)) is not None:
            bad = self._add(target, first, factors, sums, numbers)
            return Rounded(numbers, sums, numbers.size - finite(numbers, dtype) if bad else 0)
        for start, end in parts(target, self.mergers[target.name].sees, first, last):
            part = self._part(target, start, end, found, sums)
            numbers[start - first : end - first] = self._merge(target, part, dtype)
        return Rounded(numbers, sums, numbers.size - finite(numbers, dtype))

    def _factors(self, target: Target) -> NDArray[np.float64] | None:
        """Return the factors of the vectors where the compiled loop for sums of bfloat16 may do all the work."""
        roles = self.inputs.roles
        plain = all(
            at is not None and at.at.dtype == "BF16" and at.rows is None and not at.vector
            for at in (target.base, *(target.models.get(role) for role in roles))
        )
        if not plain or (self.formats[target.name], self.output, self.rounding) != (
            "BF16",
            "model",
            "nearest",
        ):
            return None
        factors = self.mergers[target.name].coefficients(roles)
        return None if factors is None else np.array([factors[role] for role in roles])

    def _add(
        self,
        target: Target,
        first: int,
        factors: NDArray[np.float64],
        sums: Sums,
        numbers: NDArray[Any],
    ) -> int:
        """Write the sum of base and vectors from ``first`` on to ``numbers``; return 0 when all of it is finite."""
        last = first + numbers.size
        k, strange = len(factors), 0
        stored = np.empty((k + 1, min(PIECE, last - first)), np.uint16)
        dots, counts = np.zeros(1 + k * (k + 1) // 2), np.zeros(k * k, np.int64)
        at = (target.base, *(target.models[role] for role in self.inputs.roles))
        for start in range(first, last, PIECE):
            end = min(start + PIECE, last)
            if end - start < stored.shape[1]:
                stored = np.empty((k + 1, end - start), np.uint16)
            for row, one in zip(stored, at, strict=True):
                self.inputs.files.read_into(one.at, start, row)
            strange += add_vectors(stored, factors, dots, counts, numbers[start - first : end - first])
        sums.count(dots, counts)
        return strange

    def _merge(self, target: Target, part: Part, dtype: str) -> NDArray[Any]:
        merger, shape = self.mergers[target.name], part.base.shape
        alone = self._alone(target, part)
        base = part.base.copy() if self.output == "vector" or alone.any() else part.base
        merged = np.asarray(merger.combine(part))
        if merged.shape != shape or merged.dtype.kind not in "fiu":
            raise UserError(
                target.name,
                f"{type(merger).__name__} gave {merged.dtype} numbers of the shape {list(merged.shape)}",
                f"real numbers of the shape {list(shape)}",
                "correct the method",
            )
        if alone.any():  # a method that moves even what no vector moves does not move these
            merged = np.where(alone.reshape(shape), base, merged)
        if self.output == "vector":
            merged = merged - base
        exact = np.ascontiguousarray(merged, np.float64).reshape(-1)
        if self.rounding == "stochastic":
            exact = stochastic(exact, dtype, part.uniform("rounding").reshape(-1))
        return narrow(exact, dtype)

    @staticmethod
    def _alone(target: Target, part: Part) -> NDArray[np.bool_]:
        """Return which elements of a part lie in rows that the base lacks, flat; nothing where no rows are mapped."""
        if target.base.rows is None:
            return np.zeros(0, np.bool_)
        width = math.prod(target.shape[1:])
        return np.repeat(target.base.rows[part.first // width :][: part.base.size // width] < 0, width)

    def _part(self, target: Target, first: int, last: int, found: Any, sums: Sums | None) -> Part:
        """Return one part as its method sees it, and add its vectors to ``sums``."""
        sees = self.sees(target)
        if sees == "pieces":
            base, vectors = self.inputs.weights(target, first, last)
            if sums:
                sums.measure(base, list(vectors.values()))
        else:
            base, vectors = self._large(
                target, first, last, np.float32 if sees == "tensor" else np.float64, sums
            )
        shape = self._shape(target, sees, last - first)
        return Part(
            tensor=target.name,
            shape=target.shape,
            first=first,
            base=base.reshape(shape),
            vectors={role: vector.reshape(shape) for role, vector in vectors.items()},
            found=found,
            seed=self.seed,
        )

    def _large(
        self, target: Target, first: int, last: int, kind: Any, sums: Sums | None
    ) -> tuple[Weights, dict[str, Weights]]:
        """Return what a method sees of more than a piece, read and measured piece by piece."""
        base = np.empty(last - first, kind)
        vectors = {role: np.empty(last - first, kind) for role in self.inputs.roles}
        for start, end in reads(target, first, last):
            piece, learned = self.inputs.weights(target, start, end)
            if sums:
                sums.measure(piece, list(learned.values()))
            base[start - first : end - first] = piece
            for role, vector in learned.items():
                vectors[role][start - first : end - first] = vector
        return base, vectors

    @staticmethod
    def _shape(target: Target, sees: Sees, n: int) -> tuple[int, ...]:
        if sees == "pieces":
            return (n,)
        if sees == "tensor":
            return target.shape
        width = int(np.prod(target.shape[1:], dtype=np.int64)) if len(target.shape) > 1 else n
        return (n // max(1, width), width)
