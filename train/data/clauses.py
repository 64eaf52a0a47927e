"""What documents are chosen by: a key of theirs and values that fit; what fits no document is refused."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from datacards.errors import UserError
from datacards.profile.blocks import blocks
from datacards.profile.meta import parsed, strings
from train.base import Shard

Mask = NDArray[np.bool_]
NAMED = 20  # values that a message names
HELD = 10_000  # different values of one key that are counted, for the message alone
ABSENT = ""  # what a document says of a key that it lacks; no value fits it


class Clause(NamedTuple):
    """One key and the values of which a document must have one; ``where`` is its place in the recipe."""

    where: str
    key: str
    values: tuple[str, ...]

    def fits(self, name: str) -> bool:
        """Tell whether what a document says of the key is one of the values."""
        return name != ABSENT and any(fnmatchcase(name, value) for value in self.values)


class Clauses:
    """The clauses of a recipe and what documents say of their keys, as far as it was read; bounded memory."""

    def __init__(self, clauses: Sequence[Clause]) -> None:
        self.clauses = clauses
        self.seen = {clause: Counter[str]() for clause in clauses}

    def columns(self, shard: Shard) -> list[str]:
        """Return the columns of a shard that the clauses need; ``meta`` may be as large as the text."""
        keys = {clause.key for clause in self.clauses}
        lacking = keys - {"format"} - set(pq.read_schema(shard.path).names)
        return [*keys, *(["meta"] if lacking else [])]

    def fit(self, block: pa.Table, shard: Shard) -> dict[Clause, Mask]:
        """Return for every clause which rows of a block fit."""
        return {clause: self._fit(block, shard, clause) for clause in self.clauses}

    def _fit(self, block: pa.Table, shard: Shard, clause: Clause) -> Mask:
        words = _said(block, shard, clause).dictionary_encode()
        places = words.indices.to_numpy()
        names = words.dictionary.to_pylist()
        fits = np.array([clause.fits(name) for name in names], np.bool_)
        seen = self.seen[clause]
        count = np.bincount(places, minlength=len(names))
        for name, fit, number in zip(names, fits.tolist(), count.tolist(), strict=True):
            if name in seen or len(seen) < HELD or fit:
                seen[name] += number
        return fits[places]

    def check(self, shards: Sequence[Shard]) -> None:
        """Raise UserError for a key or a value that no document has, with those that there are.

        A misspelled source would otherwise train on less, or on more, than was asked for.
        """
        for clause in self.clauses:
            there = self.seen[clause]
            if not set(there) - {ABSENT}:
                said = f"documents have: {', '.join(_keys(shards))}"
                raise UserError(clause.where, "no document has it", said, "correct it")
            for value in clause.values:
                if not any(clause._replace(values=(value,)).fits(name) for name in there):
                    named = [f"{name} ({n:,})" for name, n in there.most_common() if name != ABSENT]
                    more = f" and {len(named) - NAMED:,} more" if len(named) > NAMED else ""
                    raise UserError(
                        clause.where,
                        f"no document has {value!r}",
                        f"there are: {', '.join(named[:NAMED])}{more}",
                        "correct the recipe or name its corpus",
                    )


def clauses(asked: Mapping[str, Sequence[str]], where: str) -> list[Clause]:
    """Return the clauses of one part of a recipe."""
    return [Clause(f"{where}.{key}", key, tuple(values)) for key, values in asked.items()]


def _said(block: pa.Table, shard: Shard, clause: Clause) -> pa.Array:
    """Return what every row says of a key, as text: the column, else the key of ``meta``, else ``ABSENT``."""
    if clause.key in block.column_names:
        column = block[clause.key].combine_chunks()
        if pa.types.is_nested(column.type):
            told = f"'{clause.key}' is a column of lists"
            raise UserError(clause.where, told, "a column of single values", "correct it")
        return pc.fill_null(pc.cast(column, pa.string()), ABSENT)
    if clause.key == "format":
        return pa.array([shard.format]).take(pa.array(np.zeros(block.num_rows, np.int8)))
    meta = block["meta"] if "meta" in block.column_names else None
    return pc.fill_null(parsed(meta, block.num_rows, strings([clause.key]))[clause.key], ABSENT)


def _keys(shards: Sequence[Shard]) -> list[str]:
    """Return what documents may be chosen by: their columns, and the keys of ``meta`` of some in every file."""
    found: dict[str, None] = {}
    for shard in shards:
        schema = pq.read_schema(shard.path)
        plain = [name for name in schema.names if not pa.types.is_nested(schema.field(name).type)]
        found |= dict.fromkeys(name for name in plain if name not in ("text", "meta"))
        if "meta" in schema.names and (first := next(blocks(shard.path, ["meta"]), None)):
            for text in first["meta"][:NAMED].to_pylist():
                found |= dict.fromkeys(_keys_of(text or ""))
    return list(found)[: 2 * NAMED]


def _keys_of(meta: str) -> list[str]:
    try:
        said = json.loads(meta)
    except (ValueError, RecursionError):
        return []
    return [str(key) for key in said] if isinstance(said, dict) else []
