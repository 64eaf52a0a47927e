"""Rolling hashes of character n-grams, and the fast search of a text for those that are wanted."""

import importlib
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from corpus.folding import Codes, Places

Hashes = NDArray[np.uint64]

_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_BLOCK = 1 << 20  # characters looked at together without numba: bounds the memory


def hashes(codes: Codes, n: int) -> Hashes:
    """Return the hash of every window of ``n`` codes: a polynomial modulo 2**64, so that it can roll."""
    count = len(codes) - n + 1
    if count <= 0:
        return np.empty(0, np.uint64)
    out, length = (
        codes.astype(np.uint64),
        1,
    )  # windows of the bits of n from the highest down: doubled, one longer
    for bit in f"{n:b}"[1:]:
        out = out[:-length] * _power(length) + out[length:]
        length *= 2
        if bit == "1":
            out = out[:-1] * _BASE + codes[length:]
            length += 1
    return out


def _power(exponent: int) -> np.uint64:
    return np.uint64(pow(int(_BASE), exponent, 1 << 64))


def own_ngrams(
    codes: Codes, bounds: Places, n: int, maximum: int
) -> tuple[NDArray[np.bool_], Hashes, Places, Places]:
    """Return which codes n-grams in at most ``maximum`` texts cover, and these: sorted hashes, firsts and postings.

    ``bounds`` are the texts [start, end) among ``codes``. The n-gram ``hashes[k]`` begins at
    ``postings[firsts[k]:firsts[k + 1]]``; of one that a text holds several times only the first place is kept.
    """
    keys = hashes(codes, n)
    inside = np.concatenate(
        [np.empty(0, np.int64), *(np.arange(start, max(start, end - n + 1)) for start, end in bounds)]
    )
    keys, text = keys[inside], np.searchsorted(bounds[:, 0], inside, side="right") - 1
    order = np.lexsort((inside, text, keys))
    keys, text, inside = keys[order], text[order], inside[order]
    new_key = np.append(True, keys[1:] != keys[:-1])[: len(keys)]
    new = new_key | np.append(True, text[1:] != text[:-1])[: len(keys)]
    group = np.cumsum(new_key) - 1
    rare = (np.bincount(group, new) <= maximum)[group] if len(group) else np.empty(0, np.bool_)
    steps = np.zeros(len(codes) + 1, np.int64)
    np.add.at(steps, inside[rare], 1)
    np.add.at(steps, inside[rare] + n, -1)
    kept = rare & new
    found, counts = np.unique(keys[kept], return_counts=True)
    return np.cumsum(steps)[:-1] > 0, found, np.concatenate([[0], np.cumsum(counts)]), inside[kept]


def sieve(keys: Hashes) -> Hashes:
    """Return a Bloom filter of ``keys`` in words of 64 bits, two bits of one word each, about 16 bits a key."""
    words = 1 << max(4, int(np.ceil(np.log2(max(1, len(keys)) / 4))))
    table = np.zeros(words, np.uint64)
    word, bits = _places(keys, words)
    np.bitwise_or.at(table, word, bits)
    return table


def _places(keys: Hashes, words: int) -> tuple[NDArray[np.int64], Hashes]:
    mixed = (keys ^ (keys >> np.uint64(32))) * _MIX
    word = (mixed >> np.uint64(65 - words.bit_length())).astype(np.int64)
    one = np.uint64(1)
    bits = (one << (mixed & np.uint64(63))) | (one << ((mixed >> np.uint64(6)) & np.uint64(63)))
    return word, bits


def candidates(codes: Codes, n: int, table: Hashes) -> tuple[Places, Hashes]:
    """Return where windows of ``n`` codes begin that may be among the keys of ``table``, and their hashes.

    With numba about 3 ns a character on one core, without it about 50; both find the same.
    """
    if len(codes) < n:
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    if (compiled := _compiled()) is None:
        return candidates_plain(codes, n, table)
    places, found = np.empty(len(codes) - n + 1, np.int64), np.empty(len(codes) - n + 1, np.uint64)
    count = compiled(codes, n, table, places, found)
    return places[:count].copy(), found[:count].copy()


def candidates_plain(codes: Codes, n: int, table: Hashes) -> tuple[Places, Hashes]:
    """Return the same as ``candidates`` with NumPy alone."""
    places, found = [], []
    for first in range(0, max(1, len(codes) - n + 1), _BLOCK):
        keys = hashes(codes[first : first + _BLOCK + n - 1], n)
        word, bits = _places(keys, len(table))
        at = np.flatnonzero(table[word] & bits == bits)
        places.append(at + first)
        found.append(keys[at])
    return np.concatenate(places), np.concatenate(found)


@lru_cache(maxsize=1)
def _compiled() -> Callable[..., int] | None:
    try:
        numba = importlib.import_module("numba")
    except ImportError:
        return None
    compiled: Callable[..., int] = numba.njit(cache=True, nogil=True)(_scan)
    return compiled


def _scan(codes: Codes, n: int, table: Hashes, places: Places, found: Hashes) -> int:
    # Compiled by numba: every number is an unsigned one of 64 bits, or numba would turn the sums into floats.
    one, low, six, half = np.uint64(1), np.uint64(63), np.uint64(6), np.uint64(32)
    base, mix, down = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93), np.uint64(64)
    words = len(table)
    while words > 1:
        words >>= 1
        down -= one
    highest = one
    for _ in range(n):
        highest *= base
    key = np.uint64(0)
    for at in range(n - 1):
        key = key * base + np.uint64(codes[at])
    count = 0
    for at in range(n - 1, len(codes)):
        key = key * base + np.uint64(codes[at])
        if at >= n:
            key -= highest * np.uint64(codes[at - n])
        mixed = (key ^ (key >> half)) * mix
        bits = (one << (mixed & low)) | (one << ((mixed >> six) & low))
        if table[np.int64(mixed >> down)] & bits == bits:
            places[count] = at - n + 1
            found[count] = key
            count += 1
    return count
