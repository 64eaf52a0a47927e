"""The sites that the records of a dataset version name, and when they were captured."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

MOST = 20  # sites that are named of one source


@dataclass(frozen=True, slots=True)
class Sites:
    """For every source its sites with the most records first, and the first and last instant of capture."""

    by_source: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    captured: tuple[datetime, datetime] | None = None


def sites(folder: Path, names: Iterable[str]) -> Sites:
    """Return what the columns ``source``, ``url`` and ``captured_at`` of a version's files say.

    The base documents (``markdown`` made from captures) tell it for all that was made from them; without any, all files
    do. Files are read by row group and only in these columns.
    """
    found = [name for name in names if name.count("/") == 1 and name.endswith(".parquet")]
    base = [name for name in found if name.startswith("markdown/") and not _written(folder / name)]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    instants: list[datetime] = []
    for name in base or found:
        try:
            file = pq.ParquetFile(folder / name)
        except pa.ArrowInvalid:
            continue
        with file:
            columns = [one for one in ("source", "url", "captured_at") if one in file.schema_arrow.names]
            for batch in file.iter_batches(batch_size=65_536, columns=columns, use_threads=False):
                _count(batch, counts, instants)
    named = {
        source: tuple(site for site, _ in sorted(many.items(), key=lambda one: (-one[1], one[0]))[:MOST])
        for source, many in sorted(counts.items())
    }
    return Sites(named, (min(instants), max(instants)) if instants else None)


def _written(path: Path) -> bool:
    """Return whether a file of Markdown holds rephrasings, whose first parent is a document: such a file holds nothing else."""
    try:
        with pq.ParquetFile(path) as file:
            if "made_from" not in file.schema_arrow.names:
                return False
            batch = next(file.iter_batches(batch_size=1, columns=["made_from"]), None)
            parents = batch["made_from"][0].as_py() if batch and len(batch) else None
    except pa.ArrowInvalid:
        return False
    return bool(parents) and not str(parents[0]["id"]).startswith("sha256:")  # type: ignore[index]


def _count(batch: pa.RecordBatch, counts: dict[str, Counter[str]], instants: list[datetime]) -> None:
    table = pa.Table.from_batches([batch])
    if "captured_at" in table.column_names and pa.types.is_timestamp(table.schema.field("captured_at").type):
        ends = pc.min_max(table["captured_at"]).as_py()
        instants += [moment for moment in ends.values() if moment]
        instants[:] = [min(instants), max(instants)] if instants else []
    if {"source", "url"} <= set(table.column_names):
        addresses = pc.or_(pc.starts_with(table["url"], "https://"), pc.starts_with(table["url"], "http://"))
        table = table.filter(addresses)  # so that there are three parts at least
        parts = pc.split_pattern(table["url"], "/", max_splits=3)
        pairs = {
            "source": table["source"],
            "scheme": pc.list_element(parts, 0),
            "host": pc.list_element(parts, 2),
        }
        for row in pa.table(pairs).group_by(list(pairs)).aggregate([([], "count_all")]).to_pylist():
            host = re.split("[?#]", row["host"])[0].rpartition("@")[2]  # never a name or a password
            if row["source"] and host:
                counts[row["source"]][f"{row['scheme']}//{host}"] += row["count_all"]
