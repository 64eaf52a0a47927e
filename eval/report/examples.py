"""Examples side by side: what every model wrote to the same prompts, read from the versions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datacards.store import Store
from eval.report.blocks import Example, Replied
from eval.report.found import Column, Found, Taken

NEEDED = ("id", "group", "prompt", "reply", "finish", "reply_tokens")
MOST = 60  # prompts that a report shows
LONGEST = 6000  # characters of a reply that a report shows


@dataclass(frozen=True, slots=True)
class Read:
    """The prompts of one version with the replies, by id."""

    column: Column
    taken: Taken
    rows: Mapping[str, Mapping[str, Any]]


def examples(store: Store, found: Found) -> tuple[list[Example], int]:
    """Return the prompts that any model was given with what each wrote, at most ``MOST``, and how many there are.

    A version has examples where its samples hold prompts and replies.
    """
    read = [one for column in found.columns for one in _read(store, column)]
    ids = list(dict.fromkeys(key for one in read for key in one.rows))
    return [_example(number, key, read) for number, key in enumerate(ids[:MOST], 1)], len(ids)


def _read(store: Store, column: Column) -> Iterable[Read]:
    for taken in column.taken.values():
        if taken.record.kind != "reply" or not taken.samples:
            continue
        path = store.path(taken.evaluation, taken.samples)
        if set(NEEDED) <= set(pq.read_schema(path).names):
            table: pa.Table = pq.read_table(path, columns=[*NEEDED])
            yield Read(column, taken, {row["id"]: row for row in table.to_pylist()})


def _example(number: int, key: str, read: list[Read]) -> Example:
    first = next(one.rows[key] for one in read if key in one.rows)
    replies = []
    for one in read:
        row = one.rows.get(key)
        if row is None:
            replies.append(Replied(one.column.label, "", "was not asked", ""))
            continue
        text = row["reply"]
        cut = f", the first {LONGEST:,} characters" if len(text) > LONGEST else ""
        ended = "ended by itself" if row["finish"] == "stop" else "cut at the longest length"
        tokens = row["reply_tokens"]
        note = f"{tokens:,} token{'s' * (tokens != 1)}, {ended}{cut}"
        replies.append(Replied(one.column.label, text[:LONGEST], note, one.taken.key))
    return Example(f"{number}. {first['group'] or 'example'}", first["prompt"], tuple(replies))
