"""The number formats of stored weights: widened to float64 exactly, narrowed with exactly one rounding."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from merge.base import Weights
from merge.kernels import narrow_bfloat16, widen_bfloat16

# The name in a safetensors header -> how numpy holds it. bfloat16 is held as its 16 bits.
STORED: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
FLOATS = ("F64", "F32", "F16", "BF16")
# The bits of a number behind its leading one, and the smallest normal number.
KEPT = {"F32": (23, 2.0**-126), "F16": (10, 2.0**-14), "BF16": (7, 2.0**-126)}
DTYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}  # the name in a recipe -> in a header


def widen(stored: NDArray[Any], dtype: str) -> Weights:
    """Return stored numbers of the header's ``dtype`` as float64; every value of the four formats fits."""
    if dtype != "BF16":
        return stored.astype(np.float64)
    exact = np.empty(stored.size)
    widen_bfloat16(stored, exact)
    return exact


def narrow(exact: Weights, dtype: str) -> NDArray[Any]:
    """Return float64 numbers in ``dtype``, rounded once to the nearest, ties to even."""
    if dtype == "BF16":
        stored = np.empty(exact.size, np.uint16)
        narrow_bfloat16(exact, stored)
        return stored
    with np.errstate(over="ignore"):
        return exact.astype(STORED[dtype])


def stochastic(exact: Weights, dtype: str, uniform: NDArray[np.float32]) -> Weights:
    """Return float64 numbers moved to one of their two neighbors in ``dtype``, to each as often as it is near.

    ``uniform`` holds a number in [0, 1) for each: the mean over many is the exact number, so that vectors which are
    smaller than the distance between two stored numbers survive as a whole. What is not finite stays as it is, and so
    does a number whose farther neighbor is infinite: it is rounded to the nearest.
    """
    kept, smallest = KEPT[dtype]
    dropped = 52 - kept
    bits = exact.view(np.uint64) + (uniform.astype(np.float64) * 2**dropped).astype(np.uint64)
    bits &= ~np.uint64((1 << dropped) - 1)
    moved, size = bits.view(np.float64), np.abs(exact)
    if (
        small := size < smallest
    ).any():  # below the smallest normal number all neighbors are equally far apart
        step = smallest * 2.0**-kept
        moved[small] = np.copysign(np.floor(size[small] / step + uniform[small]) * step, exact[small])
    largest = (2 - 2.0**-kept) * 2 / smallest
    # The bits of a NaN may carry into those of a plain number, so it is the exact number that is asked.
    return np.where((np.abs(moved) <= largest) & np.isfinite(exact), moved, exact)


def finite(stored: NDArray[Any], dtype: str) -> int:
    """Return how many of the stored numbers are neither infinite nor NaN."""
    if dtype == "BF16":
        return int(np.count_nonzero((stored & 0x7F80) != 0x7F80))
    return int(np.count_nonzero(np.isfinite(stored)))
