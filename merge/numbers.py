"""The number formats of stored weights: widened to float64 exactly, narrowed with exactly one rounding."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from merge.base import Weights

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
DTYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}  # the name in a recipe -> in a header


def widen(stored: NDArray[Any], dtype: str) -> Weights:
    """Return stored numbers of the header's ``dtype`` as float64; every value of the four formats fits."""
    if dtype == "BF16":
        stored = (stored.astype(np.uint32) << 16).view(np.float32)
    return stored.astype(np.float64)


def narrow(exact: Weights, dtype: str) -> NDArray[Any]:
    """Return float64 numbers in ``dtype``, rounded once to the nearest, ties to even.

    Going to bfloat16 by way of float32 rounds twice: a number just off the middle between two bfloat16 numbers
    is first rounded into the middle, and then perhaps to the wrong side. Those are found and set right.
    """
    if dtype != "BF16":
        with np.errstate(over="ignore"):
            return exact.astype(STORED[dtype])
    with np.errstate(over="ignore"):
        single = exact.astype(np.float32)
    bits = single.view(np.uint32)
    middle = np.flatnonzero(single.view("<u2")[::2] == 0x8000)  # the lower half of each number
    if middle.size:
        was, now = np.abs(exact[middle]), np.abs(single[middle])
        bits[middle] += (was > now).astype(np.uint32) - (was < now).astype(np.uint32)
    rounded = bits >> 16
    rounded &= 1
    rounded += 0x7FFF
    rounded += bits
    rounded >>= 16
    if (nan := np.isnan(exact)).any():
        rounded[nan] = 0x7FC0
    return rounded.astype(np.uint16)


def finite(stored: NDArray[Any], dtype: str) -> int:
    """Return how many of the stored numbers are neither infinite nor NaN."""
    if dtype == "BF16":
        return int(np.count_nonzero((stored & 0x7F80) != 0x7F80))
    return int(np.count_nonzero(np.isfinite(stored)))
