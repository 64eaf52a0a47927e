"""Document ids as 16-byte keys in NumPy arrays: sorted, searched and compared by the million."""

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Keys = npt.NDArray[np.bytes_]  # of dtype S16
KEY = np.dtype("S16")
_HEX = re.compile("[0-9a-f]{32}")
_NIBBLES = np.full(256, 255, np.uint8)
_NIBBLES[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)


def is_id(column: pa.Array) -> npt.NDArray[np.bool_]:
    """Return which texts of a column are ids of documents: 32 hexadecimal digits."""
    fits = pc.fill_null(pc.match_substring_regex(column, r"\A[0-9a-f]{32}\z"), False)
    told: npt.NDArray[np.bool_] = fits.to_numpy(zero_copy_only=False)
    return told


def key_of(text: str) -> bytes:
    """Return the 16 bytes of an id of 32 hexadecimal digits; of any other text a hash."""
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def keys(texts: Iterable[str]) -> Keys:
    """Return the keys of texts."""
    return np.frombuffer(b"".join(map(key_of, texts)), KEY)


def column_keys(ids: pa.Array) -> Keys:
    """Return the keys of a column of ids; what is none is as empty."""
    count = len(ids)
    if count and not ids.null_count and ids.type == pa.string():
        ends = np.frombuffer(ids.buffers()[1], np.int32)[ids.offset : ids.offset + count + 1]
        if (np.diff(ends) == 32).all():
            digits = _NIBBLES[np.frombuffer(ids.buffers()[2], np.uint8)[ends[0] : ends[-1]]].reshape(
                count, 32
            )
            if digits.max() < 16:
                packed = np.ascontiguousarray(digits[:, ::2] << 4 | digits[:, 1::2])
                return packed.reshape(-1).view(KEY)
    return keys(one or "" for one in ids.to_pylist())


def hex_of(known: Keys, at: int) -> str:
    """Return the key at a place as 32 hexadecimal digits: the id that it was, unless that was none."""
    return bytes(known[at]).ljust(KEY.itemsize, b"\0").hex()


def among(wanted: Keys, known: Keys) -> npt.NDArray[np.int64]:
    """Return for each key its place in the sorted keys ``known``, -1 where it is none of them."""
    at = np.searchsorted(known, wanted)
    found = np.full(len(wanted), -1, np.int64)
    inside = np.flatnonzero(at < len(known))
    hits = inside[known[at[inside]] == wanted[inside]]
    found[hits] = at[hits]
    return found


class KeyTable:
    """Values by key, the first that was given for each: 20 bytes a row, and as many again while it is made."""

    def __init__(self, found: Sequence[Keys], values: Sequence[npt.NDArray[np.int32]]) -> None:
        self._keys, first = np.unique(np.concatenate([np.zeros(0, KEY), *found]), return_index=True)
        self._values = np.concatenate([np.zeros(0, np.int32), *values])[first]

    def get(self, wanted: Keys, default: int) -> npt.NDArray[np.int32]:
        """Return the value of each key, ``default`` where there is none."""
        at = among(wanted, self._keys)
        told = np.full(len(wanted), default, np.int32)
        told[at >= 0] = self._values[at[at >= 0]]
        return told
