"""The loops that de-duplication spends its time in, compiled by numba; imported only when they are used.

Compiled code is kept beside this file (or where ``NUMBA_CACHE_DIR`` says) and is compiled anew when *this* file
changes. Hence no constant of another module occurs here; what ``corpus.duplicates.minhash`` knows comes as an argument.
All text is UTF-8 or code points, all positions are of 64 bits, and no kernel holds the interpreter's lock.
"""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

_BLOCK = 1024  # shingles: their sums and hashes (12 KiB) and 128 permutations stay in the first-level cache
_POINTS = types.Array(types.uint32, 1, "C", readonly=True)
_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_PLACES = types.Array(types.int64, 1, "C", readonly=True)
_WORDS = types.Array(types.uint64, 1, "C", readonly=True)
_SIGNATURES = types.uint32[:, ::1]
_PERMUTING = (types.int64, _WORDS, _POINTS, _POINTS, _SIGNATURES)  # n, multipliers, a, b, out


@njit(nogil=True)
def _decode(text: NDArray[np.uint8], points: NDArray[np.uint32]) -> int:
    """Write the code points of UTF-8 text to the front of ``points`` and return how many they are.

    Ill-formed text gives some code points, never a read behind its end.
    """
    at, count, end = 0, 0, len(text)
    while at < end:
        lead = np.uint32(text[at])
        left = end - at
        if lead - np.uint32(0xE0) < np.uint32(0x10) and left > 2:
            one, two = np.uint32(text[at + 1] & 0x3F), np.uint32(text[at + 2] & 0x3F)
            points[count] = (lead & np.uint32(0x0F)) << np.uint32(12) | one << np.uint32(6) | two
            at += 3
        elif lead < np.uint32(0x80):
            points[count] = lead
            at += 1
        elif lead < np.uint32(0xE0) and left > 1:
            points[count] = (lead & np.uint32(0x1F)) << np.uint32(6) | np.uint32(text[at + 1] & 0x3F)
            at += 2
        elif left > 3:
            one, two = np.uint32(text[at + 1] & 0x3F), np.uint32(text[at + 2] & 0x3F)
            high = (lead & np.uint32(0x07)) << np.uint32(18) | one << np.uint32(12)
            points[count] = high | two << np.uint32(6) | np.uint32(text[at + 3] & 0x3F)
            at += 4
        else:
            points[count] = lead
            at += 1
        count += 1
    return count


@njit(nogil=True)
def _sums(
    points: NDArray[np.uint32],
    first: int,
    count: int,
    n: int,
    multipliers: NDArray[np.uint64],
    sums: NDArray[np.uint64],
) -> None:
    """Write the multilinear sums of ``count`` n-grams from ``first`` on (see ``corpus.duplicates.minhash``)."""
    sums[:count] = np.uint64(0)
    for j in range(n):  # outside, so that the loop over the shingles is one of vectors whatever n is
        multiplier = multipliers[j]
        shifted = points[first + j : first + j + count]
        for i in range(count):
            sums[i] += multiplier * np.uint64(shifted[i] + np.uint32(1))


@njit(nogil=True)
def _premixed(sums: NDArray[np.uint64], count: int, hashes: NDArray[np.uint32]) -> None:
    """Write the 32-bit hashes of sums, already through the pre-mix of the scheme (MurmurHash3's finalizer)."""
    for i in range(count):
        x = sums[i]
        x ^= x >> np.uint64(32)
        x *= np.uint64(0x9E3779B97F4A7C15)
        h = np.uint32(x >> np.uint64(32))
        h ^= h >> np.uint32(16)
        h = np.uint32(h * np.uint32(0x85EBCA6B))
        h ^= h >> np.uint32(13)
        h = np.uint32(h * np.uint32(0xC2B2AE35))
        h ^= h >> np.uint32(16)
        hashes[i] = h


@njit(nogil=True)
def _permute8(
    hashes: NDArray[np.uint32], a: NDArray[np.uint32], b: NDArray[np.uint32], row: NDArray[np.uint32]
) -> None:
    """Lower ``row`` to the least permuted value of eight hashes, all permutations.

    Eight hashes wait in registers while one vector of permutations after the other passes: as fast as the
    other loop order on long texts, and twice as fast on short ones, because no minimum crosses a vector.
    """
    h0, h1, h2, h3 = hashes[0], hashes[1], hashes[2], hashes[3]
    h4, h5, h6, h7 = hashes[4], hashes[5], hashes[6], hashes[7]
    for p in range(len(row)):
        times, plus, low = a[p], b[p], row[p]
        low = min(low, np.uint32(h0 * times + plus))
        low = min(low, np.uint32(h1 * times + plus))
        low = min(low, np.uint32(h2 * times + plus))
        low = min(low, np.uint32(h3 * times + plus))
        low = min(low, np.uint32(h4 * times + plus))
        low = min(low, np.uint32(h5 * times + plus))
        low = min(low, np.uint32(h6 * times + plus))
        low = min(low, np.uint32(h7 * times + plus))
        row[p] = low


@njit(nogil=True)
def _sign_one(
    points: NDArray[np.uint32],
    n: int,
    multipliers: NDArray[np.uint64],
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    row: NDArray[np.uint32],
    sums: NDArray[np.uint64],
    hashes: NDArray[np.uint32],
) -> None:
    row[:] = np.uint32(0xFFFFFFFF)
    n = min(n, len(points))
    total = len(points) - n + 1
    for first in range(0, total, _BLOCK):
        count = min(_BLOCK, total - first)
        _sums(points, first, count, n, multipliers, sums)
        _premixed(sums, count, hashes)
        whole = (count + 7) // 8 * 8
        hashes[count:whole] = hashes[0]  # once more what is there already: no minimum changes
        for i in range(0, whole, 8):
            _permute8(hashes[i : i + 8], a, b, row)


@njit(types.void(_POINTS, _PLACES, _PLACES, *_PERMUTING), nogil=True, cache=True)
def sign_points(
    points: NDArray[np.uint32],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    n: int,
    multipliers: NDArray[np.uint64],
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    out: NDArray[np.uint32],
) -> None:
    """Write the signatures of the texts ``points[starts[i]:ends[i]]`` to the rows of ``out``."""
    sums, hashes = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint32)
    row = np.empty(len(a), np.uint32)
    for i in range(len(starts)):
        _sign_one(points[starts[i] : ends[i]], n, multipliers, a, b, row, sums, hashes)
        out[i, :] = row


@njit(types.void(_BYTES, _PLACES, _PLACES, *_PERMUTING), nogil=True, cache=True)
def sign_utf8(
    text: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    n: int,
    multipliers: NDArray[np.uint64],
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    out: NDArray[np.uint32],
) -> None:
    """Write the signatures of the UTF-8 texts ``text[starts[i]:ends[i]]`` to the rows of ``out``."""
    sums, hashes = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint32)
    row = np.empty(len(a), np.uint32)
    longest = 0
    for i in range(len(starts)):
        longest = max(longest, ends[i] - starts[i])
    points = np.empty(longest, np.uint32)
    for i in range(len(starts)):
        count = _decode(text[starts[i] : ends[i]], points)
        _sign_one(points[:count], n, multipliers, a, b, row, sums, hashes)
        out[i, :] = row


@njit(nogil=True)
def _place(
    table: NDArray[np.int32],
    bits: int,
    keys: NDArray[np.uint64],
    points: NDArray[np.uint32],
    key: np.uint64,
    n: int,
    gram: NDArray[np.uint32],
) -> np.int64:
    """Return the slot of an n-gram in an open-addressing table of positions + 1, or of its empty place."""
    slot = np.int64(key * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(64 - bits))
    while table[slot]:
        at = table[slot] - 1
        if keys[at] == key:
            j = 0
            while j < n and points[at + j] == gram[j]:
                j += 1
            if j == n:
                break
        slot = (slot + 1) & ((1 << bits) - 1)
    return slot


@njit(nogil=True)
def _bits(count: int) -> int:
    """Return the binary logarithm of a table's size that stays at most a quarter full with ``count`` entries."""
    bits = 4
    while 1 << bits < 4 * count:
        bits += 1
    return bits


@njit(nogil=True)
def _added(
    table: NDArray[np.int32], bits: int, keys: NDArray[np.uint64], points: NDArray[np.uint32], at: int, n: int
) -> int:
    """Put the n-gram at a position of a text into the text's table; return 1 if it is new, else 0."""
    slot = _place(table, bits, keys, points, keys[at], n, points[at:])
    if table[slot]:
        return 0
    table[slot] = at + 1
    return 1


@njit(nogil=True)
def _taken_in(
    text: NDArray[np.uint8],
    n: int,
    multipliers: NDArray[np.uint64],
    points: NDArray[np.uint32],
    keys: NDArray[np.uint64],
    table: NDArray[np.int32],
) -> tuple[int, int, int]:
    """Decode a text, sum its n-grams, empty its table; return the n, how many n-grams, and the table's bits."""
    count = _decode(text, points)
    n = min(n, count)
    total = count - n + 1
    _sums(points, 0, total, n, multipliers, keys)
    bits = _bits(total)
    table[: 1 << bits] = 0
    return n, total, bits


@njit(
    types.float64[::1](_BYTES, _PLACES, _PLACES, _PLACES, _PLACES, types.int64, _WORDS),
    nogil=True,
    cache=True,
)
def jaccard_pairs(
    text: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    n: int,
    multipliers: NDArray[np.uint64],
) -> NDArray[np.float64]:
    """Return the Jaccard similarities of the n-gram sets of pairs of texts (see ``corpus.duplicates.similarity``)."""
    result = np.empty(len(left), np.float64)
    longest = 0
    for i in range(len(left)):
        longest = max(longest, ends[left[i]] - starts[left[i]], ends[right[i]] - starts[right[i]])
    points, others = np.empty(longest, np.uint32), np.empty(longest, np.uint32)
    keys, other_keys = np.empty(longest + 1, np.uint64), np.empty(longest + 1, np.uint64)
    table, other_table = np.empty(1 << _bits(longest), np.int32), np.empty(1 << _bits(longest), np.int32)
    met = np.empty(longest + 1, np.int64)  # the last pair in which the left n-gram at a position was met
    held, size, bits, distinct = -1, 0, 0, 0
    for pair in range(len(left)):
        if left[pair] != held:
            held = left[pair]
            size, total, bits = _taken_in(
                text[starts[held] : ends[held]], n, multipliers, points, keys, table
            )
            met[:total] = -1
            distinct = 0
            for i in range(total):
                distinct += _added(table, bits, keys, points, i, size)
        other = text[starts[right[pair]] : ends[right[pair]]]
        other_size, total, other_bits = _taken_in(other, n, multipliers, others, other_keys, other_table)
        alone, common = 0, 0
        for i in range(total):
            at = -1
            if size == other_size:
                at = table[_place(table, bits, keys, points, other_keys[i], size, others[i:])] - 1
            if at < 0:
                alone += _added(other_table, other_bits, other_keys, others, i, other_size)
            else:
                common += met[at] != pair
                met[at] = pair
        result[pair] = common / (distinct + alone)
    return result
