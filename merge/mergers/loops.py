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
_COUNTS = types.UniTuple(types.uint32[::1], 2)
_VECTOR = types.Array(types.float64, 1, "C")
_ROWS = types.Array(types.float64, 2, "C")
_DRAWN = types.Array(types.float32, 1, "C")


@njit(nogil=True)
def _listed(counts: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    held = 0
    for value in range(len(counts)):
        held += counts[value] > 0
    values, found = np.empty(held, np.uint32), np.empty(held, np.uint32)
    held = 0
    for value in range(len(counts)):
        if counts[value]:
            values[held], found[held] = value, counts[value]
            held += 1
    return values, found


@njit(_COUNTS(_VECTOR), nogil=True, cache=True)
def coarse(vector: NDArray[np.float64]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return which values the upper 14 bits of the magnitudes have, in order, and how often each occurs."""
    counts = np.zeros(1 << (31 - LOW), np.uint32)
    for i in range(len(vector)):
        bits = np.float32(vector[i]).view(np.uint32) & _MAGNITUDE
        counts[bits >> _LOW] += np.uint32(1)
    return _listed(counts)


@njit(_COUNTS(_VECTOR, types.uint32), nogil=True, cache=True)
def fine(vector: NDArray[np.float64], bucket: np.uint32) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return which values the lower 17 bits have where the upper ones are ``bucket``, and how often each occurs."""
    counts = np.zeros(1 << LOW, np.uint32)
    for i in range(len(vector)):
        bits = np.float32(vector[i]).view(np.uint32) & _MAGNITUDE
        if bits >> _LOW == bucket:
            counts[bits & ((np.uint32(1) << _LOW) - np.uint32(1))] += np.uint32(1)
    return _listed(counts)


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
def _rank(row: NDArray[np.float64], keys: NDArray[np.uint64], room: NDArray[np.uint64]) -> None:
    """Write the columns of a row to the lower halves of ``keys``, that of the smallest magnitude first, of ties the lowest.

    The upper halves are the bits of the magnitudes: a radix sort, a byte at a time; ``room`` is as long as ``keys``.
    """
    starts = np.empty(256, np.int64)
    for column in range(len(row)):
        bits = np.float32(row[column]).view(np.uint32) & _MAGNITUDE
        keys[column] = np.uint64(bits) << np.uint64(32) | np.uint64(column)
    for shift in range(32, 64, 8):
        by = np.uint64(shift)
        starts[:] = 0
        for column in range(len(row)):
            starts[(keys[column] >> by) & np.uint64(0xFF)] += 1
        before = 0
        for byte in range(256):
            here = int(starts[byte])
            starts[byte] = before
            before += here
        for column in range(len(row)):
            digit = np.int64((keys[column] >> by) & np.uint64(0xFF))
            room[starts[digit]] = keys[column]
            starts[digit] += 1
        keys, room = room, keys  # an even number of times: they end where they began


@njit(
    types.void(_ROWS, types.float32[:, ::1], types.float64, types.float64, types.boolean),
    nogil=True,
    cache=True,
)
def draw_ranked(
    rows: NDArray[np.float64], drawn: NDArray[np.float32], share: float, epsilon: float, rescale: bool
) -> None:
    """Keep an element where the number drawn is below its probability, which rises with its rank in its row.

    The ranks are those of the magnitudes. What is kept is divided by its probability if ``rescale``.
    """
    columns = rows.shape[1]
    keys, room = np.empty(columns, np.uint64), np.empty(columns, np.uint64)
    for row in range(len(rows)):
        _rank(rows[row], keys, room)
        for rank in range(columns):
            column = np.int64(keys[rank] & np.uint64(0xFFFFFFFF))
            likely = share + epsilon * ((2 * rank) / (columns - 1) - 1.0) if columns > 1 else share
            left = rows[row, column] / likely if rescale else rows[row, column]
            rows[row, column] = left if drawn[row, column] < likely else 0.0


@njit(nogil=True)
def _signs(
    stack: NDArray[np.float64], first: int, signs: NDArray[np.float64], size: NDArray[np.float64]
) -> None:
    """Write the sign of the sum of the rows to ``signs``: -1, 0 or 1; ``size`` is room of the same length."""
    signs[:], size[:] = 0.0, 0.0
    for row in range(len(stack)):
        vector = stack[row, first : first + len(signs)]
        for i in range(len(signs)):
            signs[i] += vector[i]
            size[i] += abs(vector[i])
    for i in range(len(signs)):
        signs[i] = np.copysign(1.0, signs[i]) if abs(signs[i]) > size[i] * _SIGN else 0.0


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
    signs, divisor = np.empty(_BLOCK), np.empty(_BLOCK)
    for first in range(0, len(out), _BLOCK):
        count = min(_BLOCK, len(out) - first)
        merged = out[first : first + count]
        _signs(stack, first, signs[:count], divisor[:count])
        merged[:], divisor[:count] = 0.0, 0.0
        for row in range(len(stack)):
            vector, factor, weight = stack[row, first : first + count], factors[row], weights[row]
            for i in range(count):
                same = vector[i] * signs[i] > 0.0  # the signs are powers of two: nothing is rounded
                merged[i] += vector[i] * factor if same else 0.0
                divisor[i] += weight if same else 0.0
        if mean:
            for i in range(count):
                merged[i] /= divisor[i] if divisor[i] > 0.0 else 1.0
