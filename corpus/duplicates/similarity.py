"""The exact Jaccard similarity of texts, as sets of character n-grams, for the many pairs that signatures suggest.

A shingle is found by the 64-bit sum that ``corpus.duplicates.minhash`` describes and then compared character by character,
so the result does not depend on a hash: it is the value that Python's sets of strings give, to the last bit.
"""

import numpy as np
from numpy.typing import NDArray

from corpus.duplicates.minhash import inside, kernels, multipliers


def jaccard(a: str, b: str, n: int) -> float:
    """Return |A & B| / |A | B| for the sets of n-grams of two texts, each as ``corpus.duplicates.compared.comparable`` has it.

    A text shorter than n is its own only shingle.
    """
    one, other = (text.encode("utf-8", "surrogatepass") for text in (a, b))
    ends = np.array([len(one), len(one) + len(other)])
    starts = np.array([0, len(one)])
    buffer = np.frombuffer(one + other, np.uint8)
    return float(jaccard_pairs(buffer, starts, ends, np.array([0]), np.array([1]), n)[0])


def jaccard_pairs(  # noqa: PLR0917 - texts, then pairs of them: their order is plain
    buffer: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    n: int,
    *,
    compiled: bool = True,
) -> NDArray[np.float64]:
    """Return the similarities of the texts ``left[i]`` and ``right[i]`` of a buffer of valid UTF-8.

    Text k is ``buffer[starts[k]:ends[k]]``; the buffer may be a mapped file. The set of a left text is kept while
    consecutive pairs share it: sort pairs by their left text. Memory is up to 100 bytes for each character of the longest text.
    ``compiled=False`` computes with Python's sets, as it is done where numba is missing. ValueError when a place
    is outside the buffer, IndexError when there is no such text.
    """
    starts, ends = inside(buffer, starts, ends)
    left, right = np.ascontiguousarray(left, np.int64), np.ascontiguousarray(right, np.int64)
    for side in (left, right):
        if len(side) and not 0 <= int(side.min()) <= int(side.max()) < len(starts):
            raise IndexError(f"a pair names a text outside 0 ... {len(starts) - 1}")
    if compiled and (loops := kernels()):
        similarities: NDArray[np.float64] = loops.jaccard_pairs(
            buffer, starts, ends, left, right, n, multipliers(n)
        )
        return similarities
    held, grams = -1, frozenset[str]()
    out = np.empty(len(left))
    for pair, (one, other) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if one != held:
            held, grams = one, _grams(buffer[starts[one] : ends[one]], n)
        others = _grams(buffer[starts[other] : ends[other]], n)
        common = len(grams & others)
        out[pair] = common / (len(grams) + len(others) - common)
    return out


def _grams(utf8: NDArray[np.uint8], n: int) -> frozenset[str]:
    text = utf8.tobytes().decode("utf-8", "surrogatepass")
    return frozenset(text[at : at + n] for at in range(max(1, len(text) - n + 1)))
