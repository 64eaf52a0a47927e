"""Rows as numbers: beside the keys of their ids 64-bit digests of other columns, and what only one of two versions has."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from datacards.keys import KEY, Keys

Records = npt.NDArray[np.bytes_]  # of dtype S24: a key and a digest
Digests = npt.NDArray[np.uint64]

RECORD = np.dtype("S24")
#: What a row says beside its text and its address, which its id stands for.
COLUMNS = (
    "title", "language", "event_at", "published_at", "available_at", "captured_at", "license", "attribution",
    "redistribution", "made_from", "meta", "cluster_size", "text_sha256", "split",
)  # fmt: skip
_BLOCK = 1 << 17  # records that are compared at once
_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_SHIFT = np.uint64(33)


def records(ids: Keys, digests: Digests) -> Records:
    """Return the records of rows: a key, and the digest of all columns that the key does not stand for."""
    packed = np.empty((len(ids), RECORD.itemsize), np.uint8)
    packed[:, : KEY.itemsize] = _bytes(ids)
    packed[:, KEY.itemsize :] = _bytes(whole(digests).astype(">u8"))
    return packed.reshape(-1).view(RECORD)


def keys_in(found: Records) -> Keys:
    """Return the keys of records."""
    return np.ascontiguousarray(_bytes(found)[:, : KEY.itemsize]).reshape(-1).view(KEY)


def _bytes(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), values.dtype.itemsize)


def digests(batch: pa.RecordBatch, split: str) -> Digests:
    """Return a digest for each row and each of ``COLUMNS``, as (rows, columns); equal values have equal ones.

    Texts are hashed by this process's own ``hash``, which is keyed: digests mean nothing to another process, and
    nobody can write two values that collide.
    """
    found = np.zeros((batch.num_rows, len(COLUMNS)), np.uint64)
    for number, name in enumerate(COLUMNS):
        if name == "split":
            found[:, number] = np.uint64(hash(split) % 2**64)
        elif name in batch.schema.names:
            found[:, number] = _mixed(_digest(batch.column(name)) + np.uint64(number + 1))
    return found


def whole(found: Digests) -> Digests:
    """Return one digest for each row."""
    salts = np.arange(1, len(COLUMNS) + 1, dtype=np.uint64) * _ODD[0]
    return _mixed(found ^ salts).sum(axis=1, dtype=np.uint64)


def _mixed(values: Digests) -> Digests:
    """Return the numbers with their bits well mixed: the finalizer of MurmurHash3, of which this is all."""
    values = (values ^ values >> _SHIFT) * _ODD[1]
    values = (values ^ values >> _SHIFT) * _ODD[2]
    mixed: Digests = values ^ values >> _SHIFT
    return mixed


def _digest(column: pa.Array) -> Digests:
    kind = column.type
    if pa.types.is_dictionary(kind):
        known = np.append(_digest(column.dictionary), np.uint64(0))
        at = column.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)
        taken: Digests = known[at]
        return taken
    if pa.types.is_list(kind):
        return _lists(column)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return np.fromiter(map(hash, column.to_pylist()), np.int64, len(column)).view(np.uint64)
    plain = column.cast(pa.int8()) if pa.types.is_boolean(kind) else column
    plain = plain.cast(pa.int32()) if pa.types.is_date32(kind) else plain
    numbers = plain.cast(pa.int64()).fill_null(np.iinfo(np.int64).min).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(numbers).view(np.uint64)


def _lists(column: pa.Array) -> Digests:
    """Return a digest of each list of spans: of what stands in it, in order."""
    ends = column.offsets.to_numpy().astype(np.int64)
    inner = column.values.slice(ends[0], ends[-1] - ends[0])
    ends = ends - ends[0]
    each = np.arange(len(inner), dtype=np.uint64) - np.repeat(ends[:-1], np.diff(ends)).astype(np.uint64)
    for number in range(inner.type.num_fields):
        each = _mixed(each * _ODD[0] + _digest(inner.field(number)))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(each, dtype=np.uint64)])
    return _mixed(sums[ends[1:]] - sums[ends[:-1]] + np.diff(ends).astype(np.uint64))


def only(a: Records, b: Records) -> tuple[Records, Records]:
    """Return the records that only one of two sorted arrays has, each as often as it has it more, sorted.

    Besides what it returns, memory is that of a block.
    """
    left: list[Records] = [np.zeros(0, RECORD)]
    right: list[Records] = [np.zeros(0, RECORD)]
    at = start = 0
    while at < len(a) or start < len(b):
        end, stop = _block(a, b, at, start)
        one, other = _surplus(a[at:end], b[start:stop])
        left.append(one)
        right.append(other)
        at, start = end, stop
    return np.concatenate(left), np.concatenate(right)


def _block(a: Records, b: Records, at: int, start: int) -> tuple[int, int]:
    """Return where a block of both arrays ends, so that equal records are never in two blocks."""
    bounds = [rows[first + _BLOCK] for rows, first in ((a, at), (b, start)) if first + _BLOCK < len(rows)]
    if not bounds:
        return len(a), len(b)
    bound = np.array([min(bounds)], RECORD)
    end, stop = (int(np.searchsorted(rows, bound, "left")[0]) for rows in (a, b))
    if (end, stop) == (at, start):  # more than a block of one record
        end, stop = (int(np.searchsorted(rows, bound, "right")[0]) for rows in (a, b))
    return end, stop


def _surplus(a: Records, b: Records) -> tuple[Records, Records]:
    one, ones = _counted(a)
    other, others = _counted(b)
    at = np.searchsorted(one, other)
    same = np.zeros(len(other), bool)
    inside = at < len(one)
    same[inside] = one[at[inside]] == other[inside]
    here = at[same]
    shared = np.minimum(ones[here], others[same])
    ones[here] -= shared
    others[same] -= shared
    return np.repeat(one, ones), np.repeat(other, others)


def _counted(rows: Records) -> tuple[Records, npt.NDArray[np.int64]]:
    """Return the records of a sorted array, each once, and how often each is there."""
    first = np.ones(len(rows), bool)
    first[1:] = rows[1:] != rows[:-1]
    starts = np.flatnonzero(first)
    return rows[starts], np.diff(np.append(starts, len(rows)))


def joined(parts: Sequence[Keys]) -> Keys:
    """Return keys in order, each once."""
    return np.unique(np.concatenate([np.zeros(0, KEY), *parts]))
