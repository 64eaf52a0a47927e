"""Where merged weights go: into the files of a new checkpoint, or into arrays in memory."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from merge.files import Files, Tensor
from merge.numbers import STORED
from merge.plan import Plan


class Sink(Protocol):
    """Takes the stored numbers of each tensor of the result, in any order and from any thread."""

    def write(self, name: str, first: int, numbers: NDArray[Any]) -> None:
        """Take the elements of a tensor from ``first`` on, as they are stored."""

    def read(self, name: str, first: int, last: int) -> NDArray[Any]:
        """Return elements as they were written."""


def stored_as(plan: Plan, dtype: str) -> dict[str, str]:
    """Return the number format of every tensor of the result: what is kept keeps its own."""
    return {target.name: target.base.at.dtype if target.kept else dtype for target in plan.targets}


class Memory:
    """Flat arrays of stored numbers by tensor; bfloat16 is held as its 16 bits."""

    def __init__(self, plan: Plan, dtype: str) -> None:
        formats = stored_as(plan, dtype)
        self.arrays = {
            target.name: np.empty(int(np.prod(target.shape, dtype=np.int64)), STORED[formats[target.name]])
            for target in plan.targets
        }

    def write(self, name: str, first: int, numbers: NDArray[Any]) -> None:
        """Take the elements of a tensor from ``first`` on."""
        self.arrays[name][first : first + numbers.size] = numbers

    def read(self, name: str, first: int, last: int) -> NDArray[Any]:
        """Return a view of elements."""
        return self.arrays[name][first:last]


class Laid:
    """The files of a new checkpoint, laid out already, open for writing by position."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self._files = Files()

    def __enter__(self) -> Self:
        self._files.open(self._tensors.values(), write=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.__exit__(kind, error, trace)

    def write(self, name: str, first: int, numbers: NDArray[Any]) -> None:
        """Write the elements of a tensor from ``first`` on."""
        self._files.write(self._tensors[name], first, numbers)

    def read(self, name: str, first: int, last: int) -> NDArray[Any]:
        """Read elements back."""
        return self._files.read(self._tensors[name], first, last)
