"""What may not be given to others: of one license, and of the rows of a table, with their ids and the reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from datacards.errors import UserError
from datacards.rights.algebra import combined

FIRST = 20  # ids of refused records that are named
_FLAGGED = "its records are marked as not to be given to others (redistribution is not true)"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a record may be published, and why not."""

    publish: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The records of one license that may not be published: how many, the first ids in order, and why."""

    license: str
    records: int
    ids: tuple[str, ...]
    why: str


def allowed(license: str, *, derived: bool) -> Verdict:  # noqa: A002  the name of the column
    """Return whether a record under ``license`` may be published; ``derived`` when it is no copy but was made from one.

    An unknown license is refused, by name.
    """
    try:
        terms = combined([license], derived)
    except UserError as error:
        return Verdict(False, f"{error.received}: what it allows is not known")
    return Verdict(terms.redistribution, "; ".join(terms.why))


def permitted(table: pa.Table, *, derived: bool = True) -> pa.Array:
    """Return, for every row, whether it may be published: its license allows it and its flag says so.

    ``table`` has the columns ``license`` and ``redistribution``; a column ``derived`` (boolean, else null for true)
    takes the place of the argument where there is one. Memory: some tens of bytes a row.
    """
    cases = _cases(table, derived)
    return pa.array(np.array([not why for *_, why in cases.told], dtype=bool)[cases.of_row])


def refusals(table: pa.Table, *, derived: bool = True) -> list[Refusal]:
    """Return the rows that may not be published, by license and reason, in order of the license.

    ``table`` is as for ``permitted``, and its column ``id`` names them. Rows are counted by column, never looked at one
    by one: eight million take seconds.
    """
    cases = _cases(table, derived)
    counts = np.bincount(cases.of_row, minlength=len(cases.told))
    found = []
    for number, (name, why) in enumerate(cases.told):
        if why and counts[number]:
            first = np.flatnonzero(cases.of_row == number)[:FIRST]
            ids = table["id"].take(pa.array(first)).to_pylist()
            found.append(Refusal(name, int(counts[number]), tuple(map(str, ids)), why))
    return merged([found])


class _Cases(NamedTuple):
    """The distinct (license, flag, derived) of a table: license and why it is refused, and which one a row is."""

    told: list[tuple[str, str]]
    of_row: npt.NDArray[np.int64]


def _cases(table: pa.Table, derived: bool) -> _Cases:
    encoded = pc.dictionary_encode(pc.fill_null(table["license"].cast(pa.string()), "")).unify_dictionaries()
    names = encoded.chunk(0).dictionary.to_pylist() if encoded.num_chunks else []
    codes = [chunk.indices.to_numpy() for chunk in encoded.chunks]
    of_row = np.concatenate([*codes, np.zeros(0, dtype=np.int32)]).astype(np.int64) * 4
    of_row += _truths(table["redistribution"], False) * 2
    of_row += _truths(table["derived"], True) if "derived" in table.column_names else int(derived)
    told = []
    for name in names:
        for flag in (False, True):
            for made in (False, True):
                verdict = allowed(name, derived=made)
                told.append((name, "; ".join(filter(None, [verdict.why, "" if flag else _FLAGGED]))))
    return _Cases(told, of_row)


def _truths(column: pa.ChunkedArray, null: bool) -> npt.NDArray[np.int64]:
    filled = pc.fill_null(column, null).cast(pa.int64())
    return np.concatenate([*(chunk.to_numpy() for chunk in filled.chunks), np.zeros(0, dtype=np.int64)])


def merged(found: Iterable[Iterable[Refusal]]) -> list[Refusal]:
    """Return the refusals of several tables as those of one, in order of license and reason."""
    held: dict[tuple[str, str], Refusal] = {}
    for one in (refusal for part in found for refusal in part):
        key = (one.license, one.why)
        before = held.get(key, Refusal(one.license, 0, (), one.why))
        ids = (before.ids + one.ids)[:FIRST]
        held[key] = Refusal(one.license, before.records + one.records, ids, one.why)
    return [held[key] for key in sorted(held)]
