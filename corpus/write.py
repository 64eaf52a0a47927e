"""Writes the files of a dataset version from what was prepared, and keeps count of all of it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from tqdm import tqdm

from corpus import shards
from corpus.dedup import Duplicates, Entry
from corpus.document import Document, Drop, Format
from corpus.formats import render
from corpus.prepare import read_chunk
from corpus.recipe import CorpusRecipe
from datacards.rights import counted
from datacards.store import Draft

Row = dict[str, Any]
BATCH = 2000  # base documents that are rendered together, and so gathered at most

SIMILAR = pa.schema(
    [
        ("id", pa.string()),
        ("url", pa.string()),
        ("other_id", pa.string()),
        ("other_url", pa.string()),
        ("similarity", pa.float64()),  # Jaccard similarity of the sets of character n-grams
        ("reason", pa.string()),  # why both stayed: below_threshold, states_otherwise
    ]
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Cleaned documents and drops in ``chunks``, in order; the n-th document has the n-th entry."""

    chunks: Sequence[Path]
    entries: Sequence[Entry]
    duplicates: Duplicates

    def __iter__(self) -> Iterator[Document | tuple[Drop, Document] | Row]:
        """Yield survivors, duplicates with their drop, and the rows of what left before, in order."""
        position = 0
        for path in self.chunks:
            for found in read_chunk(path):
                if not isinstance(found, Document):
                    yield found
                    continue
                if drop := self.duplicates.removed.get(position):
                    yield drop, found
                else:
                    yield replace(found, cluster_size=self.duplicates.cluster_sizes.get(position, 1))
                position += 1

    def survivors(self, what: str) -> Iterator[Document]:
        """Yield the documents that stay, telling on stderr how far it is with ``what``."""
        stay = len(self.entries) - len(self.duplicates.removed)
        documents = (found for found in self if isinstance(found, Document))
        yield from tqdm(documents, total=stay, desc=what, unit=" documents", leave=False)


@dataclass(slots=True)
class _Tally:
    """What is counted on the way."""

    documents: int = 0
    characters: int = 0
    facts: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)


def write(draft: Draft, prepared: Prepared, recipe: CorpusRecipe) -> None:
    """Write every format, the facts, what was dropped and what is similar; fill counts, drops and rights."""
    config = partial(_config, draft, limit=recipe.shard_characters)
    licenses: Counter[str] = Counter()
    for name, chosen in recipe.rendered().items():
        tally = _Tally(licenses=licenses)
        config(name, shards.DOCUMENT, _rendered(prepared, name, chosen, tally))
        draft.counts[f"documents_{name}"] = tally.documents
        draft.counts[f"characters_{name}"] = tally.characters
    tally = _Tally(licenses=licenses)
    config("facts", shards.FACT, _facts(prepared, tally))
    config("dropped", shards.DROPPED, _dropped(prepared, tally))
    draft.counts["facts"] = tally.facts
    draft.counts.update({f"source_{source}": number for source, number in tally.sources.items()})
    draft.drops.update(tally.drops)
    draft.rights.extend(counted(tally.licenses))
    draft.counts["similar_pairs_kept"] = len(prepared.duplicates.similar)
    if prepared.duplicates.similar:
        path = draft.path / "similar.parquet"
        draft.rows[path.name] = shards.write(path, _similar(prepared), SIMILAR)


def _config(draft: Draft, name: str, schema: pa.Schema, rows: Iterator[Row], *, limit: int) -> None:
    """Write one config in shards; one without rows gets no file, since ``datasets`` opens no empty one."""
    for path, count in write_shards(draft.path / name, rows, schema, limit):
        draft.rows[path.relative_to(draft.path).as_posix()] = count


def write_shards(
    folder: Path, rows: Iterator[Row], schema: pa.Schema, limit: int
) -> Iterator[tuple[Path, int]]:
    """Write rows as ``train-00000.parquet`` and so on, each of at most ``limit`` characters of text.

    A text longer than that has a shard of its own. Yields every file with its number of rows.
    """
    row = next(rows, None)

    def part() -> Iterator[Row]:
        nonlocal row
        size = 0
        while row is not None and (not size or size + _size(row) <= limit):
            size += _size(row)
            yield row
            row = next(rows, None)

    number = 0
    while row is not None:
        path = folder / f"train-{number:05d}.parquet"
        yield path, shards.write(path, part(), schema)
        number += 1


def _size(row: Row) -> int:
    return max(1, len(row.get("text", "")))


def _rendered(prepared: Prepared, name: Format, chosen: Mapping[str, Any], tally: _Tally) -> Iterator[Row]:
    survivors = prepared.survivors(f"writing {name}")
    while batch := list(islice(survivors, BATCH)):
        for rendered in render(batch, name, chosen):
            tally.documents += 1
            tally.characters += rendered.n_chars
            tally.licenses[rendered.license] += 1
            yield shards.document_row(rendered)


def _facts(prepared: Prepared, tally: _Tally) -> Iterator[Row]:
    for document in prepared.survivors("writing facts"):
        tally.sources[document.source] += 1
        tally.facts += len(document.facts)
        yield from shards.fact_rows(document)


def _dropped(prepared: Prepared, tally: _Tally) -> Iterator[Row]:
    for found in prepared:
        if isinstance(found, Document):
            continue
        row = found if isinstance(found, dict) else shards.drop_row(found[0], "dedup", found[1])
        tally.drops[row["reason"]] += 1
        if row["text"]:  # it is part of the version: its license is named, also where no document has it
            tally.licenses[row["license"]] += 0
        yield row


def _similar(prepared: Prepared) -> Iterator[Row]:
    for pair in prepared.duplicates.similar:
        one, other = prepared.entries[pair.smaller], prepared.entries[pair.larger]
        yield {
            "id": one.id,
            "url": one.url,
            "other_id": other.id,
            "other_url": other.url,
            "similarity": pair.similarity,
            "reason": pair.reason,
        }
