"""The column ``meta``, a JSON object of strings in every row, read into columns without going through rows in Python."""

import json
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

Columns = Mapping[str, pa.Array]


def parsed(texts: pa.ChunkedArray | pa.Array | None, rows: int, fields: Mapping[str, pa.DataType]) -> Columns:
    """Return the asked fields of JSON objects as arrays of ``rows`` values; what is missing or of another type is null."""
    if texts is None:
        return {name: pa.nulls(rows, type_) for name, type_ in fields.items()}
    flat = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    flat = pc.fill_null(pc.cast(flat, pa.string()), "{}")
    flat = pc.if_else(pc.equal(flat, ""), "{}", flat)
    try:
        table = _at_once(flat, fields)
    except pa.ArrowInvalid:
        return _one_by_one(flat, fields)
    if table.num_rows != rows:  # an object over several lines
        return _one_by_one(flat, fields)
    return {name: table[name].combine_chunks() for name in fields}


def _at_once(flat: pa.Array, fields: Mapping[str, pa.DataType]) -> pa.Table:
    lines = pc.binary_join(pa.ListArray.from_arrays([0, len(flat)], flat), "\n")[0].as_buffer()
    return arrow_json.read_json(
        pa.BufferReader(lines),
        read_options=arrow_json.ReadOptions(use_threads=False, block_size=max(len(lines) + 1, 1024)),
        parse_options=arrow_json.ParseOptions(
            explicit_schema=pa.schema(list(fields.items())), unexpected_field_behavior="ignore"
        ),
    )


def _one_by_one(flat: pa.Array, fields: Mapping[str, pa.DataType]) -> Columns:
    """Read objects that break the rule that all values are strings."""
    said = [_object(text) for text in flat.to_pylist()]
    return {
        name: pa.array([_value(one.get(name), type_) for one in said], type_)
        for name, type_ in fields.items()
    }


def _object(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _value(value: object, type_: pa.DataType) -> object:
    if pa.types.is_floating(type_):
        return float(value) if isinstance(value, int | float) else None
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None


def numbers(texts: pa.Array) -> pa.Array:
    """Return texts as doubles, null where one is no number."""
    plain = pc.match_substring_regex(texts, r"^-?\d{1,15}(\.\d{1,15})?$")
    return pc.cast(pc.if_else(plain, texts, None), pa.float64())


def strings(names: Sequence[str]) -> dict[str, pa.DataType]:
    """Return fields of strings for ``parsed``."""
    return dict.fromkeys(names, pa.string())
