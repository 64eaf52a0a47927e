"""The loops of the merge methods that select elements, compiled by numba; imported only when they are used.

Compiled code is kept beside this file (or where ``NUMBA_CACHE_DIR`` says) and is compiled anew when *this* file
changes, so no constant of another module occurs here. No loop holds the interpreter's lock. A magnitude is known by
its bits: those of the float32 number nearest to it, whose order is that of the magnitudes.
"""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

LOW = 17  # of the 31 bits of a magnitude, those that the first histogram leaves to the second
_LOW = np.uint32(LOW)
_MAGNITUDE = np.uint32(0x7FFFFFFF)
_BLOCK = 1024  # elements whose sums stay in the first-level cache
_SIGN = 2.0**-40  # a sum below this share of its terms' magnitudes is zero but for rounding
_VECTOR = types.Array(types.float64, 1, "C")
_DRAWN = types.Array(types.float32, 1, "C")


@njit(types.Tuple((types.uint16[::1], types.uint32[::1]))(_VECTOR), nogil=True, cache=True)
def coarse(vector: NDArray[np.float64]) -> tuple[NDArray[np.uint16], NDArray[np.uint32]]:
    """Return which values the upper 14 bits of the magnitudes have, in order, and how often each occurs."""
    counts = np.zeros(1 << (31 - LOW), np.uint32)
    for i in range(len(vector)):
        bits = np.float32(vector[i]).view(np.uint32) & _MAGNITUDE
        counts[bits >> _LOW] += np.uint32(1)
    held = 0
    for value in range(len(counts)):
        held += counts[value] > 0
    values, found = np.empty(held, np.uint16), np.empty(held, np.uint32)
    held = 0
    for value in range(len(counts)):
        if counts[value]:
            values[held], found[held] = value, counts[value]
            held += 1
    return values, found


@njit(types.uint32[::1](_VECTOR, types.uint32), nogil=True, cache=True)
def within(vector: NDArray[np.float64], bucket: np.uint32) -> NDArray[np.uint32]:
    """Return the bits of the magnitudes whose upper 14 bits are ``bucket``, in order of place."""
    held = 0
    for i in range(len(vector)):
        held += (np.float32(vector[i]).view(np.uint32) & _MAGNITUDE) >> _LOW == bucket
    found = np.empty(held, np.uint32)
    held = 0
    for i in range(len(vector)):
        bits = np.float32(vector[i]).view(np.uint32) & _MAGNITUDE
        if bits >> _LOW == bucket:
            found[held] = bits
            held += 1
    return found


@njit(types.void(_VECTOR, types.uint32, types.int64), nogil=True, cache=True)
def keep(vector: NDArray[np.float64], least: np.uint32, ties: int) -> None:
    """Set to zero what is smaller than ``least``, and what is equal to it but for the first ``ties``."""
    if ties <= 0 or ties >= len(vector):
        least += np.uint32(ties <= 0)
        for i in range(len(vector)):
            bits = np.float32(vector[i]).view(np.uint32) & _MAGNITUDE
            vector[i] = vector[i] if bits >= least else 0.0
        return
    for i in range(len(vector)):
        bits = np.float32(vector[i]).view(np.uint32) & _MAGNITUDE
        if bits < least or (bits == least and ties <= 0):
            vector[i] = 0.0
        ties -= bits == least


@njit(types.void(_VECTOR, _DRAWN, types.float64, types.float64), nogil=True, cache=True)
def draw(vector: NDArray[np.float64], drawn: NDArray[np.float32], share: float, factor: float) -> None:
    """Multiply by ``factor`` where the number drawn is below ``share``; set the rest to zero."""
    for i in range(len(vector)):
        vector[i] = vector[i] * factor if drawn[i] < share else 0.0


@njit(nogil=True)
def _sum(
    stack: NDArray[np.float64], first: int, total: NDArray[np.float64], least: NDArray[np.float64]
) -> None:
    """Write the sums of the vectors to ``total``, and to ``least`` how large they must be to have a sign."""
    total[:], least[:] = 0.0, 0.0
    for row in range(len(stack)):
        vector = stack[row, first : first + len(total)]
        for i in range(len(total)):
            total[i] += vector[i]
            least[i] += abs(vector[i])
    for i in range(len(total)):
        least[i] *= _SIGN


@njit(
    types.void(types.float64[:, ::1], _VECTOR, _VECTOR, types.boolean, _VECTOR),
    nogil=True,
    cache=True,
)
def elect(
    stack: NDArray[np.float64],
    factors: NDArray[np.float64],
    weights: NDArray[np.float64],
    mean: bool,
    out: NDArray[np.float64],
) -> None:
    """Write the sum of those rows of ``stack`` that have the sign of the sum of all rows, or their mean.

    Rows are multiplied by their ``factors`` when they are merged, and weighted by ``weights`` in the mean.
    """
    total, least, divisor = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    for first in range(0, len(out), _BLOCK):
        count = min(_BLOCK, len(out) - first)
        merged = out[first : first + count]
        _sum(stack, first, total[:count], least[:count])
        merged[:], divisor[:count] = 0.0, 0.0
        for row in range(len(stack)):
            vector, factor, weight = stack[row, first : first + count], factors[row], weights[row]
            for i in range(count):
                value = vector[i]
                same = (value > 0.0 and total[i] > least[i]) or (value < 0.0 and -total[i] > least[i])
                merged[i] += value * factor if same else 0.0
                divisor[i] += weight if same else 0.0
        if mean:
            for i in range(count):
                merged[i] /= divisor[i] if divisor[i] > 0.0 else 1.0
