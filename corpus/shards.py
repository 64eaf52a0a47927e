"""Documents, facts and drops <-> Parquet (zstd), each with one documented schema."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.document import Capture, Document, Drop, Fact, Span
from datacards.columns import DOCUMENT, DROPPED, column

__all__ = ["DOCUMENT", "DROPPED", "FACT"]

FACT = pa.schema(
    [
        column("document_id", pa.string(), "The markdown document whose text[start:end] displays the value"),
        column("kind", pa.string(), "amount, term or company: facts that may stand in for one another"),
        column("subject", pa.string(), "Whom or what it is about: a company, a term"),
        column("concept", pa.string(), "The name for machines: local name of an XBRL element, industry, ..."),
        column("label", pa.string(), "The Japanese name of the concept"),
        column("value", pa.string(), "The value as displayed"),
        column("start", pa.int64(), "First character that displays it"),
        column("end", pa.int64(), "First character behind it"),
        column("number", pa.string(), "Of an amount the exact decimal value, scale and sign applied"),
        column("unit", pa.string(), "Unit of the number: JPY, shares, pure, ..."),
        column("period", pa.string(), "Day, or first and last day with a slash between"),
        column("decimals", pa.string(), "Precision as in XBRL"),
        column("context", pa.string(), "Context of the XBRL instance"),
    ]
)


def document_row(document: Document) -> dict[str, Any]:
    """Return the Parquet row of a document."""
    row = {name: getattr(document, name) for name in DOCUMENT.names if name not in ("made_from", "meta")}
    row["made_from"] = [span._asdict() for span in document.made_from]
    row["meta"] = json.dumps(dict(document.meta), ensure_ascii=False, sort_keys=True)
    return row


def row_document(row: dict[str, Any], facts: Iterable[Fact] = ()) -> Document:
    """Return the document of a Parquet row; ``facts`` are those stored beside it."""
    fields = {k: v for k, v in row.items() if k not in ("id", "n_chars", "made_from", "meta")}
    spans = tuple(Span(**span) for span in row["made_from"])
    return Document(**fields, made_from=spans, meta=json.loads(row["meta"]), facts=tuple(facts))


def fact_rows(document: Document) -> list[dict[str, Any]]:
    """Return the Parquet rows of the facts of one document."""
    names = [name for name in FACT.names if name != "document_id"]
    return [
        {"document_id": document.id, **{name: getattr(fact, name) for name in names}}
        for fact in document.facts
    ]


def row_fact(row: dict[str, Any]) -> Fact:
    """Return the fact of a Parquet row (``document_id`` says where it is displayed)."""
    return Fact(**{name: value for name, value in row.items() if name != "document_id"})


def drop_row(drop: Drop, stage: str, of: Document | Capture) -> dict[str, Any]:
    """Return the Parquet row that keeps aside what was dropped, whole."""
    document = of if isinstance(of, Document) else None
    return {
        "reason": drop.reason,
        "detail": drop.detail,
        "stage": stage,
        "source": of.source,
        "url": of.url,
        "sha256": of.sha256 if isinstance(of, Capture) else "",
        "document_id": document.id if document else "",
        "available_at": document.available_at if document else None,
        "license": of.license,
        "title": document.title if document else "",
        "text": document.text if document else "",
    }


def write(path: Path, rows: Iterable[dict[str, Any]], schema: pa.Schema, group: int = 1000) -> int:
    """Write rows as one zstd Parquet file, whole or not at all; return how many.

    The same rows give the same bytes. Memory is bounded by one group of rows.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    count, batch = 0, []
    with pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for row in rows:
            batch.append(row)
            if len(batch) == group:
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
                count, batch = count + len(batch), []
        if batch or not count:
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    part.replace(path)
    return count


def take_over(path: Path, target: Path) -> None:
    """Let ``target`` be the finished file ``path``: linked, or copied to another file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except FileExistsError:
        raise  # two files of one name: copying would lose the other one
    except OSError:
        shutil.copyfile(path, target)


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table as one zstd Parquet file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    pq.write_table(table, part, compression="zstd")
    part.replace(path)


def write_array(path: Path, values: npt.NDArray[Any]) -> None:
    """Write an array as ``numpy.load`` reads it, whole or not at all; OSError with its number, as of a full disk."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        # To a file itself numpy writes by ``tofile``, which does not say why it wrote less.
        np.save(SimpleNamespace(write=file.write), values, allow_pickle=False)
    part.replace(path)


def read(path: Path, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file, a bounded batch at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=1000, columns=columns):
            yield from batch.to_pylist()


def read_rows(path: Path, start: int = 0, stop: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows [start, stop) of a Parquet file; row groups outside of them are not read."""
    with pq.ParquetFile(path) as file:
        first = 0
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            last = first + count
            if last > start and (stop is None or first < stop):
                table = file.read_row_group(group)
                low, high = max(start - first, 0), count if stop is None else min(stop - first, count)
                for batch in table.slice(low, high - low).to_batches(max_chunksize=1000):
                    yield from batch.to_pylist()
            first = last


def shard(folder: Path, name: str, split: str) -> list[Path]:
    """Return the shards of one config and split of a dataset version, in order."""
    return sorted((folder / name).glob(f"{split}-*.parquet"))


def read_documents(folder: Path, name: str, split: str = "train") -> Iterator[Document]:
    """Yield the documents of one format and split of the dataset version in ``folder``."""
    for path in shard(folder, name, split):
        yield from map(row_document, read(path))
