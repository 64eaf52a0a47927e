"""Which documents of the corpora are trained on: chosen by their columns, or by what their ``meta`` says."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tqdm import tqdm

from datacards.errors import UserError
from datacards.profile.blocks import blocks
from datacards.profile.meta import parsed, strings

Mask = NDArray[np.bool_]
Asked = Mapping[str, Sequence[str]]
NAMED = 20  # values that a message names
HELD = 10_000  # different values of one key that are counted, for the message alone
ABSENT = ""  # what a document says of a key that it lacks; no value fits it


class Test(NamedTuple):
    """One key that documents are chosen by; ``wanted`` is false for a key of ``without``."""

    key: str
    values: tuple[str, ...]
    wanted: bool

    @property
    def reason(self) -> str:
        """Why a document is left out, as the card counts it."""
        return f"{'only' if self.wanted else 'without'}_{self.key}"


@dataclass
class Chosen:
    """Which rows of each file are trained on, how many are not and why, whose they are and under which licenses.

    ``licenses`` is None when the files do not say of every document under which license it is.
    """

    rows: list[Mask] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] | None = field(default_factory=Counter)


def choose(shards: Sequence[Path], only: Asked, without: Asked) -> Chosen:
    """Read the columns that ``only`` and ``without`` name, a bounded block at a time, and return what they choose.

    Memory is one byte a document. Raises UserError for a value that fits no document, naming those that there are:
    a misspelled source would otherwise train on less, or on more, than was asked for.
    """
    tests = [Test(key, tuple(values), True) for key, values in only.items()]
    tests += [Test(key, tuple(values), False) for key, values in without.items()]
    seen = {test: Counter[str]() for test in tests}
    chosen = Chosen()
    total = sum(pq.read_metadata(shard).num_rows for shard in shards)
    with tqdm(total=total, desc="choosing", unit=" documents", disable=None) as bar:
        for shard in shards:
            columns = [*only, *without, "source", "license"]
            if set(columns[:-2]) - set(pq.read_schema(shard).names):
                columns.append("meta")  # may be as large as the text: read only where it is asked for
            kept = [np.zeros(0, np.bool_)]
            for block in blocks(shard, list(dict.fromkeys(columns))):
                kept.append(_judge(block, tests, seen, chosen))
                bar.update(block.num_rows)
            chosen.rows.append(np.concatenate(kept))
    _check(tests, seen, shards)
    if not any(rows.any() for rows in chosen.rows):
        raise UserError(
            "only, without",
            f"leave none of {total:,} documents",
            "some must be left to train on",
            "correct the recipe",
        )
    return chosen


def _judge(block: pa.Table, tests: Sequence[Test], seen: Mapping[Test, Counter[str]], chosen: Chosen) -> Mask:
    """Return which rows of a block stay; count the others, what the rows say, and whose those that stay are."""
    kept = np.ones(block.num_rows, np.bool_)
    for test in tests:
        words = _said(block, test.key).dictionary_encode()
        count = np.bincount(words.indices.to_numpy(), minlength=len(words.dictionary))
        names = words.dictionary.to_pylist()
        fits = np.array([_fits(name, test.values) for name in names], np.bool_)
        for name, number in zip(names, count.tolist(), strict=True):
            if name in seen[test] or len(seen[test]) < HELD or _fits(name, test.values):
                seen[test][name] += number
        stay = fits[words.indices.to_numpy()] == test.wanted
        if left := int(np.count_nonzero(kept & ~stay)):
            chosen.left_out[test.reason] += left
        kept &= stay
    stays = block.filter(pa.array(kept))
    if "source" in block.column_names:
        chosen.sources.update(_counted(stays["source"]))
    known = "license" in block.column_names and not stays["license"].null_count
    if not known:
        chosen.licenses = None
    elif chosen.licenses is not None:
        chosen.licenses.update(_counted(stays["license"]))
    return kept


def _said(block: pa.Table, key: str) -> pa.Array:
    """Return what every row says of a key, as text: the column, else the key of ``meta``, else ``ABSENT``."""
    if key in block.column_names:
        column = block[key].combine_chunks()
        if pa.types.is_nested(column.type):
            raise UserError(
                "only, without", f"'{key}' is a column of lists", "a column of single values", "correct it"
            )
        return pc.fill_null(pc.cast(column, pa.string()), ABSENT)
    meta = block["meta"] if "meta" in block.column_names else None
    return pc.fill_null(parsed(meta, block.num_rows, strings([key]))[key], ABSENT)


def _fits(name: str, values: Sequence[str]) -> bool:
    return name != ABSENT and any(fnmatchcase(name, value) for value in values)


def _counted(column: pa.ChunkedArray) -> Counter[str]:
    rows = column.value_counts().to_pylist()
    return Counter({str(row["values"] or ""): row["counts"] for row in rows})


def _check(tests: Sequence[Test], seen: Mapping[Test, Counter[str]], shards: Sequence[Path]) -> None:
    for test in tests:
        where = f"{'only' if test.wanted else 'without'}.{test.key}"
        there = seen[test]
        if not set(there) - {ABSENT}:
            raise UserError(
                where, "no document has it", f"documents have: {', '.join(_keys(shards))}", "correct it"
            )
        for value in test.values:
            if not any(_fits(name, (value,)) for name in there):
                named = [f"{name} ({number:,})" for name, number in there.most_common() if name != ABSENT]
                more = f" and {len(named) - NAMED:,} more" if len(named) > NAMED else ""
                raise UserError(
                    where,
                    f"no document has {value!r}",
                    f"there are: {', '.join(named[:NAMED])}{more}",
                    "correct the recipe or name its corpus",
                )


def _keys(shards: Sequence[Path]) -> list[str]:
    """Return what documents may be chosen by: their columns, and the keys of ``meta`` of some in every file."""
    found: dict[str, None] = {}
    for shard in shards:
        schema = pq.read_schema(shard)
        plain = [name for name in schema.names if not pa.types.is_nested(schema.field(name).type)]
        found |= dict.fromkeys(name for name in plain if name not in ("text", "meta"))
        if "meta" in schema.names and (first := next(blocks(shard, ["meta"]), None)):
            for text in first["meta"][:NAMED].to_pylist():
                found |= dict.fromkeys(_keys_of(text or ""))
    return list(found)[: 2 * NAMED]


def _keys_of(meta: str) -> list[str]:
    try:
        said = json.loads(meta)
    except (ValueError, RecursionError):
        return []
    return [str(key) for key in said] if isinstance(said, dict) else []
