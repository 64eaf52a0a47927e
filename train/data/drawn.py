"""Numbers that are drawn from names: the same for equal names and seeds, on every machine, without any state."""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]


def key(*words: object) -> int:
    """Return a number of 64 bits for some words."""
    return int.from_bytes(hashlib.sha256(":".join(map(str, words)).encode()).digest()[:8])


def uniform(numbers: Numbers, key: int) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each number and a key: the 53 high bits of SplitMix64 (doi 10.1145/2714064.2660195)."""
    mixed = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def pages(block: pa.Table, sha256: str, first: int) -> Numbers:
    """Return a number for the page that each row is from: of its ``url``, else of its ``id``, else of its place in the file.

    All formats of a page, and the questions and rephrasings that were made of it, carry its address.
    """
    rows = block.num_rows
    names = pa.nulls(rows, pa.string())
    for column in ("id", "url"):
        if column in block.column_names:
            said = pc.cast(block[column].combine_chunks(), pa.string())
            names = pc.coalesce(pc.if_else(pc.equal(said, ""), None, said), names)
    known = names.dictionary_encode()
    numbers = [
        int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())
        for name in known.dictionary.to_pylist()
    ]
    places = np.arange(first, first + rows, dtype=np.uint64) ^ np.uint64(key(sha256))
    if not numbers:
        return places
    found = np.array(numbers, np.uint64)[pc.fill_null(known.indices, 0).to_numpy(zero_copy_only=False)]
    return np.where(known.is_null().to_numpy(zero_copy_only=False), places, found)
