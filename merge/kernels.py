"""The loops that a merge spends its time in, compiled by numba; imported only when weights are merged.

Each is a loop over flat arrays of one type that the compiler turns into vector instructions; larger ones, or ones
that mix widths of integers, it does not. No kernel holds the interpreter's lock. Compiled code is kept beside this
file (or where ``NUMBA_CACHE_DIR`` says) and is compiled anew when this file changes.
"""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

_F4 = types.Array(types.float32, 1, "C")
_F8 = types.Array(types.float64, 1, "C")
_I8 = types.Array(types.int64, 1, "C")
_U2_2D = types.Array(types.uint16, 2, "C")
_U2 = types.Array(types.uint16, 1, "C")
_LARGEST = 0x7F7F8000  # the bits of the smallest float32 number that no finite bfloat16 is nearest to
STRIP = 512  # elements that a kernel works on at a time: its buffers stay in the first cache


@njit(nogil=True)
def _to_double(stored: NDArray[np.uint16], out: NDArray[np.float64]) -> None:
    for i in range(len(out)):
        out[i] = np.uint32(np.uint32(stored[i]) << np.uint32(16)).view(np.float32)


@njit(types.void(_U2, _F8), nogil=True, cache=True)
def widen_bfloat16(stored: NDArray[np.uint16], out: NDArray[np.float64]) -> None:
    """Write bfloat16 numbers, held as their bits, to ``out`` as float64."""
    _to_double(stored, out)


@njit(nogil=True)
def _to_single(exact: NDArray[np.float64], bits: NDArray[np.uint32]) -> None:
    """Round to float32, but never into the middle between two bfloat16 numbers: there, to the side where it was."""
    for i in range(len(bits)):
        single = np.float32(exact[i])
        was, now, found = abs(exact[i]), abs(np.float64(single)), single.view(np.uint32)
        middle = np.uint32(np.uint32(found & np.uint32(0xFFFF)) == np.uint32(0x8000))
        moved = np.uint32(np.uint32(was > now) - np.uint32(was < now))
        bits[i] = np.uint32(found + np.uint32(middle * moved))


@njit(nogil=True)
def _to_nearest(bits: NDArray[np.uint32], out: NDArray[np.uint16]) -> int:
    """Round float32 numbers to bfloat16; return the largest of their magnitudes, as its bits."""
    largest = np.uint32(0)
    for i in range(len(out)):
        largest = max(largest, np.uint32(bits[i] & np.uint32(0x7FFFFFFF)))
        odd = np.uint32(np.uint32(bits[i] >> np.uint32(16)) & np.uint32(1))
        out[i] = np.uint16(np.uint32(bits[i] + np.uint32(0x7FFF) + odd) >> np.uint32(16))
    return int(largest)


@njit(types.int64(_F8, _U2), nogil=True, cache=True)
def narrow_bfloat16(exact: NDArray[np.float64], out: NDArray[np.uint16]) -> int:
    """Write float64 numbers to ``out`` as the nearest bfloat16, ties to even; return 0 when all of them are finite.

    Going by way of float32 rounds twice: a number just off the middle between two bfloat16 numbers would first be
    rounded into the middle, and then perhaps to the wrong side. NaN becomes the quiet one.
    """
    bits = np.empty(STRIP, np.uint32)
    strange = np.int64(0)
    for first in range(0, len(exact), STRIP):
        last = min(first + STRIP, len(exact))
        _to_single(exact[first:last], bits[: last - first])
        strange += np.int64(_to_nearest(bits[: last - first], out[first:last]) >= _LARGEST)
    if strange:
        for i in range(len(exact)):
            if np.isnan(exact[i]):
                out[i] = np.uint16(0x7FC0)
    return int(strange)


@njit(types.float64(_F8, _F8), nogil=True, cache=True, fastmath={"reassoc", "contract"})
def dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the inner product of two float64 arrays; its order of summation is that of the compiled loop, always."""
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@njit(types.int64(_F8), nogil=True, cache=True)
def zeros(a: NDArray[np.float64]) -> int:
    """Return how many elements are zero."""
    count = np.int64(0)
    for i in range(len(a)):
        count += np.int64(a[i] == 0.0)
    return int(count)


@njit(types.UniTuple(types.int64, 2)(_F8, _F8), nogil=True, cache=True)
def signs(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[int, int]:
    """Return how many elements have the same sign in both, and how many opposite ones; zeros are in neither."""
    same, opposite = np.int64(0), np.int64(0)
    for i in range(len(a)):
        product = a[i] * b[i]
        same += np.int64(product > 0.0)
        opposite += np.int64(product < 0.0)
    return int(same), int(opposite)


@njit(nogil=True, fastmath={"reassoc", "contract"})
def _own(a: NDArray[np.float64]) -> tuple[float, int]:
    total, count = 0.0, np.int64(0)
    for i in range(len(a)):
        total += a[i] * a[i]
        count += np.int64(a[i] == 0.0)
    return total, int(count)


@njit(nogil=True, fastmath={"reassoc", "contract"})
def _common(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, int, int]:
    total, same, opposite = 0.0, np.int64(0), np.int64(0)
    for i in range(len(a)):
        product = a[i] * b[i]  # of differences of bfloat16 numbers: too large to become 0
        total += product
        same += np.int64(product > 0.0)
        opposite += np.int64(product < 0.0)
    return total, int(same), int(opposite)


@njit(nogil=True)
def _add_first(
    stored: NDArray[np.uint16],
    base: NDArray[np.float64],
    factor: float,
    vector: NDArray[np.float64],
    merged: NDArray[np.float64],
) -> None:
    """Write the vector of the first model, and the base plus ``factor`` times it."""
    for i in range(len(vector)):
        learned = np.float64(np.uint32(np.uint32(stored[i]) << np.uint32(16)).view(np.float32)) - base[i]
        vector[i] = learned
        merged[i] = base[i] + factor * learned


@njit(nogil=True)
def _add_next(
    stored: NDArray[np.uint16],
    base: NDArray[np.float64],
    factor: float,
    vector: NDArray[np.float64],
    merged: NDArray[np.float64],
) -> None:
    """Write the vector of a further model, and add ``factor`` times it."""
    for i in range(len(vector)):
        learned = np.float64(np.uint32(np.uint32(stored[i]) << np.uint32(16)).view(np.float32)) - base[i]
        vector[i] = learned
        merged[i] += factor * learned


@njit(types.int64(_U2_2D, _F8, _F8, _I8, _U2), nogil=True, cache=True)
def add_vectors(
    stored: NDArray[np.uint16],
    factors: NDArray[np.float64],
    dots: NDArray[np.float64],
    counts: NDArray[np.int64],
    out: NDArray[np.uint16],
) -> int:
    """Write ``base + sum(factor * (model - base))`` in bfloat16 to ``out`` and return 0 when all numbers are finite.

    ``stored`` (k + 1, n) holds the bits of the base and of k models, ``factors`` (k,) theirs. To ``dots`` is added the
    base's sum of squares and for i <= j the inner product of the vectors i and j; to ``counts`` for every i the zeros of
    vector i, followed for every j > i by how many signs are the same and how many opposite. The same numbers come out
    as from the other kernels one after another, in a third of the time: a strip of all models stays in the first cache.
    """
    k, size = stored.shape[0] - 1, stored.shape[1]
    bits = np.empty(STRIP, np.uint32)
    bases, sums, vectors = np.empty(STRIP), np.empty(STRIP), np.empty((k, STRIP))
    strange = np.int64(0)
    for first in range(0, size, STRIP):
        last = min(first + STRIP, size)
        n = last - first
        base, merged = bases[:n], sums[:n]
        _to_double(stored[0, first:last], base)
        dots[0] += dot(base, base)
        _add_first(stored[1, first:last], base, factors[0], vectors[0, :n], merged)
        for i in range(1, k):
            _add_next(stored[i + 1, first:last], base, factors[i], vectors[i, :n], merged)
        at, seen = 1, 0
        for i in range(k):
            product, count = _own(vectors[i, :n])
            dots[at] += product
            counts[seen] += count
            at, seen = at + 1, seen + 1
            for j in range(i + 1, k):
                product, same, opposite = _common(vectors[i, :n], vectors[j, :n])
                dots[at] += product
                counts[seen] += same
                counts[seen + 1] += opposite
                at, seen = at + 1, seen + 2
        _to_single(merged, bits[:n])
        strange += np.int64(_to_nearest(bits[:n], out[first:last]) >= _LARGEST)
    if strange:
        for i in range(size):
            if (out[i] & np.uint16(0x7F80)) == np.uint16(0x7F80) and (out[i] & np.uint16(0x7F)) != 0:
                out[i] = np.uint16(0x7FC0)
    return int(strange)


@njit(types.void(types.uint64, types.uint64, _F4), nogil=True, cache=True)
def uniform(key: np.uint64, first: np.uint64, out: NDArray[np.float32]) -> None:
    """Write to ``out`` the numbers ``first``, ``first + 1``, ... of the stream ``key``, each in [0, 1).

    SplitMix64 (https://doi.org/10.1145/2660193.2660195), which finds any number of its stream without those before; the
    upper 24 bits of each, since a float32 holds so many.
    """
    for i in range(len(out)):
        word = key + (first + np.uint64(i) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        out[i] = np.float32((word ^ (word >> np.uint64(31))) >> np.uint64(40)) * np.float32(2.0**-24)
