"""Document ids as 16-byte keys in NumPy arrays: sorted, searched and compared by the million."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Keys: TypeAlias = npt.NDArray[np.void]
KEY = np.dtype([("high", ">u8"), ("low", ">u8")])
DIGITS = 32  # of an id
_NIBBLES = np.full(256, 255, dtype=np.uint8)
_NIBBLES[np.frombuffer(b"0123456789abcdef", dtype=np.uint8)] = np.arange(16, dtype=np.uint8)


def is_id(column: pa.Array) -> npt.NDArray[np.bool_]:
    """Return which texts of a column are the ids of documents: 32 hexadecimal digits."""
    fits: npt.NDArray[np.bool_] = pc.fill_null(
        pc.match_substring_regex(column, r"\A[0-9a-f]{32}\z"), False
    ).to_numpy(zero_copy_only=False)
    return fits


def keys(column: pa.Array) -> Keys:
    """Return the keys of a column of ids; raise ValueError when one is no id."""
    joined = b"".join(map(str.encode, column.to_pylist()))
    digits = _NIBBLES[np.frombuffer(joined, dtype=np.uint8)]
    if len(digits) != DIGITS * len(column) or (digits == 255).any():
        raise ValueError("an id has 32 hexadecimal digits")
    packed = (digits[0::2] << 4) | digits[1::2]
    return packed.view(KEY)


class KeyTable:
    """Values by key: 24 bytes and more a row; the first value given for a key stays."""

    def __init__(self, found: list[Keys], values: list[npt.NDArray[np.int32]]) -> None:
        every = np.concatenate(found) if found else np.zeros(0, dtype=KEY)
        held = np.concatenate(values) if values else np.zeros(0, dtype=np.int32)
        order = np.lexsort((every["low"].astype(np.uint64), every["high"].astype(np.uint64)))
        self._high = every["high"].astype(np.uint64)[order]
        self._low = every["low"].astype(np.uint64)[order]
        self._values = held[order]

    def get(self, wanted: Keys, default: int) -> npt.NDArray[np.int32]:
        """Return the value of each key, ``default`` where there is none."""
        if not len(self._high):
            return np.full(len(wanted), default, dtype=np.int32)
        high, low = wanted["high"].astype(np.uint64), wanted["low"].astype(np.uint64)
        at = np.searchsorted(self._high, high)
        # Ids that share their first half are rarer than one in a million corpora, but possible: look on.
        while (on := self._passes(at, high, low)).any():
            at = at + on
        at = np.minimum(at, len(self._high) - 1)
        hit = (self._high[at] == high) & (self._low[at] == low)
        return np.where(hit, self._values[at], default).astype(np.int32)

    def _passes(
        self, at: npt.NDArray[np.int64], high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64]
    ) -> npt.NDArray[np.bool_]:
        within = at < len(self._high)
        here = np.minimum(at, len(self._high) - 1)
        on: npt.NDArray[np.bool_] = within & (self._high[here] == high) & (self._low[here] < low)
        return on
