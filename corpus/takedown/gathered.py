"""Rows that were gathered from several documents, made again of those that stay, and rows that one of these hid."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus import shards
from corpus.document import Document, Fact, Format
from corpus.formats import render, sections
from corpus.recipe import CorpusRecipe
from datacards.takedown.eraser import Job
from datacards.takedown.removed import Mask, among
from datacards.takedown.tables import groups

Row = dict[str, Any]


def again(
    job: Job, recipe: CorpusRecipe, keep: Mapping[str, Mask], new: Callable[[str], dict[str, list[Row]]]
) -> None:
    """Add to the rows of shards what is to be made again: gathered sections, and categories that were told once.

    A shard whose rows all stay is not read. In memory is one shard at a time, as when it was written.
    """
    for name, mask in keep.items():
        config, _, file = name.partition("/")
        if config not in ("sections", "categories") or mask.all():
            continue
        gone = [row for row in _gone(job.folder / name, mask) if row["id"] in job.removed.ids]
        made = _sections if config == "sections" else _categories
        texts = {row["text"] for row in new(file)[config]}
        found = [one for one in made(job, recipe, keep, file, gone) if one.text not in texts]
        held = {row["id"] for row in _ids(job.folder / name, mask)}
        rows = [shards.document_row(one) for one in found if one.id not in held]
        new(file)[config] += rows


def _gone(path: Path, mask: Mask) -> Iterator[Row]:
    start = 0
    for table in groups(path):
        yield from table.filter(pa.array(~mask[start : start + table.num_rows])).to_pylist()
        start += table.num_rows


def _ids(path: Path, mask: Mask) -> Iterator[Row]:
    table = pq.read_table(path, columns=["id"])
    yield from table.filter(pa.array(mask)).to_pylist()


def _documents(job: Job, keep: Mapping[str, Mask], file: str, wanted: Mask) -> Iterator[Document]:
    """Yield documents of a shard that stay, facts attached; ``wanted`` says of each row whether it is needed."""
    name = f"markdown/{file}"
    chosen = wanted & keep[name]
    rows, start = [], 0
    for table in groups(job.folder / name):
        rows += table.filter(pa.array(chosen[start : start + table.num_rows])).to_pylist()
        start += table.num_rows
    facts: dict[str, list[Fact]] = {row["id"]: [] for row in rows}
    if (path := job.folder / "facts" / file).is_file():
        for table in groups(path):
            for row in table.filter(pa.array(among(table["document_id"], set(facts)))).to_pylist():
                facts[row["document_id"]].append(shards.row_fact(row))
    for row in rows:
        yield shards.row_document(row, facts[row["id"]])


def _column(job: Job, file: str, name: str) -> pa.ChunkedArray:
    return pq.read_table(job.folder / "markdown" / file, columns=[name])[name]


def _sections(
    job: Job, recipe: CorpusRecipe, keep: Mapping[str, Mask], file: str, gone: list[Row]
) -> Iterator[Document]:
    """Yield what is left of gathered sections: of one that stays alone its own text, as if nothing had been gathered."""
    left = {row["id"]: [s for s in row["made_from"] if s["id"] not in job.removed.ids] for row in gone}
    parents = {span["id"] for spans in left.values() for span in spans}
    if not parents:
        return
    wanted = among(_column(job, file, "id"), parents)
    documents = {one.id: one for one in _documents(job, keep, file, wanted)}
    for spans in filter(None, left.values()):
        if found := sections.gathered(documents, [(s["id"], s["start"], s["end"]) for s in spans]):
            yield found


def _categories(
    job: Job, recipe: CorpusRecipe, keep: Mapping[str, Mask], file: str, gone: list[Row]
) -> Iterator[Document]:
    """Yield lines that a document which goes said first, and that one which stays says, too."""
    said = {(row["source"], row["text"]) for row in gone}
    wanted = among(_column(job, file, "source"), {source for source, _ in said})
    name: Format = "categories"
    for one in render(_documents(job, keep, file, np.asarray(wanted)), name, recipe.rendered()[name]):
        if (one.source, one.text) in said:
            yield one
