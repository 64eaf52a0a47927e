"""What a merge method sees and gives back: one part of one tensor at a time, never files or threads."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from datacards.errors import UserError
from merge import kernels

Weights = NDArray[Any]  # float64 in pieces and rows, float32 in whole tensors


@dataclass(frozen=True, slots=True)
class Part:
    """One part of one tensor: the base's weights and what each model learned, all of one shape.

    ``base`` and ``vectors`` are flat pieces, blocks of whole rows (2-D; a vector counts as one row) or the whole
    tensor, as the method's ``sees`` asks; ``shape`` is always that of the whole tensor and ``first`` the flat place of
    the part's first element in it. ``vectors`` are the task vectors ``model - base`` of arXiv 2212.04089 by role, in
    the recipe's order. Every array may be overwritten. ``found`` is what ``settle`` made of the last pass.
    """

    tensor: str
    shape: tuple[int, ...]
    first: int
    base: Weights
    vectors: dict[str, Weights]
    found: Any = None
    seed: int = 0

    def model(self, role: str) -> Weights:
        """Return the weights of one model, ``base + vector``."""
        return self.base + self.vectors[role]

    def uniform(self, role: str) -> NDArray[np.float32]:
        """Return a random number in [0, 1) for every element, shaped like ``base``.

        It depends on the seed, the role, the tensor and the element's place alone: not on threads, cuts or shards.
        """
        name = f"{self.seed}\0{role}\0{self.tensor}".encode()
        key = int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little")
        numbers = np.empty(self.base.size, np.float32)
        kernels.uniform(np.uint64(key), np.uint64(self.first), numbers)
        return numbers.reshape(self.base.shape)


class Merger(BaseModel, ABC):
    """A merge method; its fields are the options that a recipe may set, and ``combine`` is all it must have.

    The engine cuts tensors into parts, so that memory is bounded by a part whatever the size of the model, gives
    float64 numbers (float32 for whole tensors) and rounds the result once. A method that must know something of the
    whole tensor first says how many ``passes`` it needs: ``measure`` sees every part in each, ``settle`` makes one
    thing of what was measured, and the next pass, or ``combine``, has it as ``part.found``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sees: ClassVar[Literal["pieces", "rows", "tensor"]] = "pieces"
    passes: ClassVar[int] = 0

    @abstractmethod
    def combine(self, part: Part) -> Weights:
        """Return the merged weights, shaped like ``part.base``."""

    def measure(self, part: Part, number: int) -> Any:
        """Return what pass ``number`` (from 0) must know of one part."""
        raise NotImplementedError

    def join(self, total: Any, first: int, measured: Any, number: int) -> Any:
        """Add to ``total`` (None at first) what was measured of the part at ``first``; parts come in order of place.

        As it is, all are kept in a list of (first, measured). A method that measures much adds it up instead.
        """
        del number
        total = [] if total is None else total
        total.append((first, measured))
        return total

    def settle(self, total: Any, number: int, n: int, found: Any) -> Any:
        """Return what pass ``number`` found out about a tensor of ``n`` elements.

        ``total`` is what ``join`` made of all parts; ``found`` is what the pass before settled.
        """
        raise NotImplementedError

    def check(self, roles: Sequence[str]) -> None:
        """Raise UserError when the options do not fit the models that are merged, by role without the base."""

    def coefficients(self, roles: Sequence[str]) -> dict[str, float] | None:
        """Return a factor for every role when ``merged = base + sum(factor * vector)``, None when it is no such sum.

        The engine then computes such a sum in one compiled loop wherever it can, and gives the same numbers.
        """
        del roles
        return None


class Weighted(Merger):
    """A method that weighs each model; a model that ``weights`` does not name has the weight 1."""

    weights: dict[str, float] = Field(default_factory=dict)

    def weight(self, role: str) -> float:
        """Return the weight of one model."""
        return self.weights.get(role, 1.0)

    def check(self, roles: Sequence[str]) -> None:
        """Raise UserError for a weight of a model that is not merged."""
        check_roles("weights", self.weights, roles)


def check_roles(option: str, named: Iterable[str], roles: Sequence[str]) -> None:
    """Raise UserError when an option names a model that is not merged."""
    if unknown := sorted(set(named) - set(roles)):
        raise UserError(
            "merge", f"{option} name {unknown[0]!r}", f"merged are: {', '.join(roles)}", "correct the recipe"
        )
