"""What became of every pointer so far, laid down after each group, so that a killed run goes on where it stopped."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards.rebuild.base import NO_REBUILDER, OTHER_CODE, OTHER_TEXT, Found, Pending
from datacards.rebuild.groups import Group, group_rows, read_group

PROVEN = "proven"
REBUILT = pa.schema(
    [
        ("id", pa.string()),
        ("format", pa.string()),
        ("source", pa.string()),
        ("url", pa.string()),
        ("version", pa.string()),  # the dataset that the record was in
        ("outcome", pa.string()),  # proven, or why it is not
        ("detail", pa.string()),
    ]
)
_MADE = ("text", "meta", "license", "attribution", "redistribution")  # columns that the evidence here gives
_DOCUMENT = [
    "id", "text", "format", "source", "url", "title", "section", "language", "event_at", "published_at",
    "available_at", "captured_at", "license", "attribution", "redistribution", "made_from", "meta", "n_chars",
    "cluster_size",
]  # fmt: skip
_OUTCOME = pa.schema([("outcome", pa.string()), ("detail", pa.string())])


class Written(NamedTuple):
    """Rows that were proven: the table of documents of one split and format, and the facts of one split."""

    split: str
    folder: str
    table: pa.Table


class Ledger:
    """The outcomes of all groups in the folder ``work``, a column pair per group and stage, aligned with its pointers."""

    def __init__(self, work: Path, groups: Sequence[Group]) -> None:
        self.work, self.groups = work, groups

    def pending(self, stage: int, *, again: bool = False) -> Iterator[Pending]:
        """Yield what earlier stages have not proven; ``again`` also for groups that this stage has done already."""
        for group in self.groups:
            if again or not self._path(stage, group).is_file():
                pointers = read_group(group)
                outcome, _ = self.outcomes(group, stage, len(pointers))
                left = pointers.filter(pc.not_equal(outcome, PROVEN))
                if len(left):
                    yield Pending(group, left)

    def outcomes(self, group: Group, stage: int, rows: int) -> tuple[pa.Array, pa.Array]:
        """Return outcome and detail of each pointer of a group, as they were before ``stage``."""
        for before in range(stage - 1, -1, -1):
            path = self._path(before, group)
            if path.is_file():
                table = pq.read_table(path).combine_chunks()
                if len(table) == rows:
                    return table["outcome"].combine_chunks(), table["detail"].combine_chunks()
        return pa.array([NO_REBUILDER] * rows, pa.string()), pa.array([""] * rows, pa.string())

    def note(self, stage: int, group: Group, outcome: pa.Array, detail: pa.Array) -> None:
        """Lay down what became of a group in a stage: the mark that it is done."""
        path = self._path(stage, group)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        pq.write_table(pa.Table.from_arrays([outcome, detail], schema=_OUTCOME), part, compression="zstd")
        part.replace(path)

    def told(self, stages: int) -> Iterator[pa.Table]:
        """Yield the rows of ``REBUILT``, a group at a time."""
        for group in self.groups:
            pointers = read_group(group)
            outcome, detail = self.outcomes(group, stages, len(pointers))
            columns = [pointers[name].combine_chunks() for name in REBUILT.names[:-2]]
            yield pa.Table.from_arrays([*columns, outcome, detail], schema=REBUILT)

    def _path(self, stage: int, group: Group) -> Path:
        return self.work / "outcomes" / str(stage) / f"{group.label}.parquet"


def prove(
    ledger: Ledger, stage: int, found: Found, differing: str
) -> tuple[list[Written], pa.Array, pa.Array]:
    """Hold what was made again against the pointers of its group; return what is proven, and all outcomes.

    A record is proven when id and SHA-256 of its text are those of the pointer. Its text, meta and rights are those
    that the evidence here gives, all other columns the pointer's. ``differing`` says how this code differs from that
    which made the version, "" for not at all.
    """
    pointers = read_group(found.group)
    outcome, detail = (one.to_pylist() for one in ledger.outcomes(found.group, stage, len(pointers)))
    made: dict[str, list[Any]] = {name: [] for name in _MADE}
    proven: list[int] = []
    named = zip(pointers["id"].to_pylist(), pointers["text_sha256"].to_pylist(), strict=True)
    for at, (name, digest) in enumerate(named):
        if outcome[at] == PROVEN:
            continue
        row = found.rows.get(name)
        if row and row["id"] == name and sha256(row["text"].encode()).hexdigest() == digest:
            outcome[at], detail[at] = PROVEN, ""
            proven.append(at)
            for column, values in made.items():
                values.append(row[column])
        elif row:
            outcome[at], detail[at] = OTHER_TEXT, "the hash of the text is not that of the pointer"
        elif why := found.why.get(name):
            outcome[at], detail[at] = _with_code(why, differing)
    written = list(_written(found, _rows(pointers, proven, made), proven))
    return written, pa.array(outcome, pa.string()), pa.array(detail, pa.string())


def _with_code(why: tuple[str, str], differing: str) -> tuple[str, str]:
    if why[0] == OTHER_TEXT and differing:
        return OTHER_CODE, "; ".join(filter(None, (why[1], differing)))
    return why


def _rows(pointers: pa.Table, proven: list[int], made: dict[str, list[Any]]) -> pa.Table:
    """Return the documents that were proven; what a pointer forbids to give on stays forbidden."""
    rows = pointers.take(pa.array(proven, pa.int64()))
    given = pc.and_(rows["redistribution"], pa.array(made.pop("redistribution"), pa.bool_()))
    columns = {name: rows[name] for name in rows.column_names}
    columns |= {name: pa.array(values, pa.string()) for name, values in made.items()}
    columns |= {"redistribution": given, "n_chars": pc.cast(pc.utf8_length(columns["text"]), pa.int64())}
    return pa.table({name: columns[name] for name in _DOCUMENT})


def _written(found: Found, rows: pa.Table, proven: list[int]) -> Iterator[Written]:
    at, start = np.array(proven, np.int64), 0
    for (split, _), count in zip(found.group.files, group_rows(found.group), strict=True):
        own = rows.filter(pa.array((at >= start) & (at < start + count)))
        start += count
        for name in pc.unique(own["format"]).to_pylist():
            yield Written(split, name, own.filter(pc.equal(own["format"], name)))
        if found.facts is not None and len(own):
            facts = found.facts.filter(pc.is_in(found.facts["document_id"], own["id"].combine_chunks()))
            if len(facts):
                yield Written(split, "facts", facts)
