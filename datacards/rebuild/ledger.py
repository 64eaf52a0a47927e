"""What became of every pointer so far, laid down after each group, so that a killed run goes on where it stopped."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards.rebuild.base import NO_REBUILDER, Pending
from datacards.rebuild.groups import Group, read_group

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
_OUTCOME = pa.schema([("outcome", pa.string()), ("detail", pa.string())])


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
