"""MinHash signatures of the character n-grams of texts, bit for bit those of datasketch 2's scheme ``affine32``.

A shingle of code points c_0 ... c_m-1 has the sum S = k_0 (c_0 + 1) + ... + k_m-1 (c_m-1 + 1) modulo 2^64, where
k_j is the j-th output of the generator SplitMix64 (Steele, Lea and Flood 2014) started at 0, made odd: a
multilinear hash (Lemire and Kaser 2014), of which no two shingles that differ in one character share a value. Its
32-bit hash is the upper half of (S xor S >> 32) * 0x9E3779B97F4A7C15 modulo 2^64. Given to datasketch as
``hashfunc`` (``shingle_hash``), that hash makes exactly our signatures.
"""

from collections.abc import Iterator, Sequence
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

SCHEME = "affine32"  # of datasketch 2; signatures of different schemes cannot be compared
_MIX = np.uint64(0x9E3779B97F4A7C15)
_BATCH = 1 << 16  # code points that are signed in one go: their 256 KiB are used again, not asked for anew
_BLOCK = 1024  # shingles that the NumPy twin permutes in one go


def kernels() -> ModuleType | None:
    """Return the compiled loops, or None where numba cannot be loaded; loads (once: compiles) them when called."""
    try:
        from corpus.duplicates import kernels as compiled
    except (
        ImportError,
        RuntimeError,
    ):  # RuntimeError: numba found no folder that it may keep compiled code in
        return None
    return compiled


def multipliers(count: int) -> NDArray[np.uint64]:
    """Return the first ``count`` odd outputs of SplitMix64 from state 0."""
    x = np.arange(1, count + 1, dtype=np.uint64) * _MIX
    x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return (x ^ x >> np.uint64(31)) | np.uint64(1)


def shingle_hash(shingle: bytes) -> int:
    """Return the 32-bit hash of one shingle of UTF-8 text, of any length: datasketch's ``hashfunc``."""
    points = _points(shingle.decode("utf-8", "surrogatepass"))
    return int(_hashes(points, len(points), multipliers(len(points)))[0])


def band_keys(signatures: NDArray[np.uint32], bands: int, rows: int) -> NDArray[np.uint64]:
    """Return the (n, bands) keys of signatures (n, permutations): equal where the ``rows`` values of a band are.

    A key is the multilinear sum of the band's values (as of a shingle's code points), its bits mixed. Two bands
    that differ in one value never share a key, others with a probability near 2^-64. The same on every machine.
    ValueError when the bands need more permutations than there are.
    """
    if bands * rows > signatures.shape[1]:
        raise ValueError(
            f"{bands} bands of {rows} rows need {bands * rows} values, not {signatures.shape[1]}"
        )
    keys = np.empty((len(signatures), bands), np.uint64)
    for first in range(0, len(signatures), 1024):  # a block that stays in the cache
        part = signatures[first : first + 1024, : bands * rows]
        sums = np.zeros((len(part), bands), np.uint64)
        for row, multiplier in enumerate(multipliers(rows)):
            sums += (part[:, row::rows].astype(np.uint64) + np.uint64(1)) * multiplier
        sums = (sums ^ sums >> np.uint64(32)) * _MIX
        keys[first : first + 1024] = sums ^ sums >> np.uint64(32)
    return keys


class MinHasher:
    """Makes MinHash signatures (Broder 1997) of the sets of character n-grams of texts.

    ``permutations`` values of 32 bits, of the permutations that datasketch draws for ``seed``. Texts are taken as
    they are (give them as ``corpus.duplicates.compared.comparable`` returns them); one shorter than ``ngram`` is its own only
    shingle. ``compiled=False`` asks for the NumPy twin, which returns the same and is used where numba is missing.
    """

    def __init__(
        self, permutations: int = 128, ngram: int = 5, seed: int = 1, *, compiled: bool = True
    ) -> None:
        self.permutations, self.ngram, self.seed, self.compiled = permutations, ngram, seed, compiled
        draw = np.random.RandomState(seed)  # its stream is frozen; the order of draws is datasketch's
        self._a = draw.randint(0, 1 << 31, permutations, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
        self._b = draw.randint(0, 1 << 32, permutations, dtype=np.uint32)
        self._multipliers = multipliers(ngram)

    def sign(self, text: str) -> NDArray[np.uint32]:
        """Return the signature of one text."""
        points, out = _points(text), np.empty((1, self.permutations), np.uint32)
        self._sign(points, np.array([0, len(points)]), out)
        return out[0]

    def sign_many(self, texts: Sequence[str]) -> NDArray[np.uint32]:
        """Return the signatures (n, permutations) of texts; beside them it holds a few MiB or the longest text."""
        out = np.empty((len(texts), self.permutations), np.uint32)
        for first, last in _batches(texts):
            offsets = np.zeros(last - first + 1, np.int64)
            np.cumsum([len(text) for text in texts[first:last]], out=offsets[1:])
            self._sign(_points("".join(texts[first:last])), offsets, out[first:last])
        return out

    def sign_utf8(
        self, buffer: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.uint32]:
        """Return the signatures (n, permutations) of the texts ``buffer[starts[i]:ends[i]]`` of valid UTF-8.

        So texts come without a copy from an Arrow array (``offsets[:-1]``, ``offsets[1:]``) or a mapped file.
        ValueError when a place is outside the buffer.
        """
        starts, ends = inside(buffer, starts, ends)
        if self.compiled and (loops := kernels()):
            out = np.empty((len(starts), self.permutations), np.uint32)
            loops.sign_utf8(buffer, starts, ends, self.ngram, self._multipliers, self._a, self._b, out)
            return out
        places = zip(starts.tolist(), ends.tolist(), strict=True)
        return self.sign_many([buffer[i:j].tobytes().decode("utf-8", "surrogatepass") for i, j in places])

    def _sign(self, points: NDArray[np.uint32], offsets: NDArray[np.int64], out: NDArray[np.uint32]) -> None:
        starts, ends = offsets[:-1], offsets[1:]
        if self.compiled and (loops := kernels()):
            loops.sign_points(points, starts, ends, self.ngram, self._multipliers, self._a, self._b, out)
            return
        for row, start, end in zip(out, starts.tolist(), ends.tolist(), strict=True):
            hashes = _premixed(_hashes(points[start:end], self.ngram, self._multipliers))
            row[:] = np.uint32(0xFFFFFFFF)
            for first in range(0, len(hashes), _BLOCK):
                permuted = hashes[first : first + _BLOCK] * self._a[:, None]
                permuted += self._b[:, None]
                np.minimum(row, permuted.min(axis=1), out=row)


def inside(
    buffer: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places as contiguous arrays of 64 bits; ValueError when one is outside the buffer."""
    starts, ends = np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(ends, np.int64)
    if len(starts) != len(ends) or np.any(starts < 0) or np.any(ends < starts) or np.any(ends > len(buffer)):
        raise ValueError(
            f"every text must start before it ends, inside the {len(buffer)} bytes of the buffer"
        )
    return starts, ends


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the bounds of slices of ``texts`` of about ``_BATCH`` code points, at least one text each."""
    first, size = 0, 0
    for at, text in enumerate(texts):
        if size and size + len(text) > _BATCH:
            yield first, at
            first, size = at, 0
        size += len(text)
    if first < len(texts):
        yield first, len(texts)


def _points(text: str) -> NDArray[np.uint32]:
    """Return the code points of a text; a lone surrogate counts as the code point that it is."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32, copy=False)


def _hashes(points: NDArray[np.uint32], n: int, factors: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Return the 32-bit hashes of all n-grams of a text, in order; one shorter than n has one."""
    n = min(n, len(points))
    total = len(points) - n + 1
    values = points.astype(np.uint64) + np.uint64(1)
    sums = np.zeros(total, np.uint64)
    for j in range(n):
        sums += values[j : j + total] * factors[j]
    return ((sums ^ sums >> np.uint64(32)) * _MIX >> np.uint64(32)).astype(np.uint32)


def _premixed(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return hashes through the finalizer of MurmurHash3, as the scheme does before it permutes."""
    hashes = (hashes ^ hashes >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    hashes = (hashes ^ hashes >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return hashes ^ hashes >> np.uint32(16)
