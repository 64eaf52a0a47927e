"""Captures become cleaned documents and named drops, a chunk of captures per Parquet file, resumable."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from corpus import asof, shards
from corpus.captures import INDEX, read_captures
from corpus.dedup import DedupOptions, Entry, Signer, content_hash, states
from corpus.document import Capture, Document, Drop
from corpus.extract import extract
from corpus.sandbox import sandboxed
from corpus.steps import Left, clean

CHUNK = 64  # captures per file: what a killed run does again at most
GROUP = 16  # rows per row group: what is read to see one text
#: What one capture may take, steps and signatures of its documents included; more for a dump, by its size.
SECONDS, BYTES_PER_SECOND = 300, 100_000
MEGABYTES, BYTES_PER_BYTE = 4096, 16

#: A row is a document with what deduplication needs, or (``drop`` is set) what left and why.
SCHEMA = pa.schema(
    [
        *shards.DOCUMENT,
        ("content", pa.binary()),
        ("signature", pa.binary()),
        ("states", pa.binary()),
        ("n_facts", pa.int64()),
        ("facts", pa.list_(pa.struct(list(shards.FACT)))),
        ("drop", pa.struct(list(shards.DROPPED))),
    ]
)

Steps = Sequence[tuple[str, Mapping[str, Any]]]


class Place(NamedTuple):
    """Where a prepared document lies."""

    path: Path
    row: int


def prepare(
    capture: Capture,
    *,
    steps: Steps,
    dedup: DedupOptions,
    withdrawn: Mapping[str, str],
    then: asof.AsOf | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of one capture: its documents, cleaned and signed, and everything that left.

    ``then`` asks for what a reader could have had on a day.
    """
    if what := withdrawn.get(capture.meta.get("docID", "")):
        return [{"drop": shards.drop_row(Drop(f"filing_{what}", capture.meta["docID"]), "extract", capture)}]
    sign = Signer(dedup)
    rows: list[dict[str, Any]] = []
    for found in asof.judged(capture, then) if then else extract(capture):
        result = clean(found, steps) if isinstance(found, Document) else found
        if isinstance(result, Document):
            rows.append(document_row(result, sign))
        elif isinstance(result, Left):
            rows.append({"drop": shards.drop_row(result.drop, result.step, result.document)})
        else:
            stage = "as_of" if result.reason in asof.REASONS else "extract"
            rows.append({"drop": shards.drop_row(result, stage, capture)})
    return rows


def document_row(document: Document, sign: Signer) -> dict[str, Any]:
    """Return the row of a cleaned document."""
    return shards.document_row(document) | {
        "content": content_hash(document.text),
        "signature": sign(document.text),
        "states": states(document),
        "n_facts": len(document.facts),
        "facts": shards.fact_rows(document),
    }


def count_captures(folder: Path) -> int:
    """Return how many captures the version in ``folder`` holds."""
    return int(pq.read_metadata(folder / INDEX).num_rows)


def write_chunks(
    folder: Path,
    out: Path,
    *,
    steps: Steps,
    dedup: DedupOptions,
    workers: int,
    withdrawn: Mapping[str, str] = MappingProxyType({}),
    then: asof.AsOf | None = None,
    choice: asof.Choice | None = None,
) -> Iterator[int]:
    """Prepare the captures of the version in ``folder`` into ``out/00000.parquet`` and so on.

    ``withdrawn`` are filings that may no longer be used, and why; ``then`` is the day that is asked for, and
    ``choice`` which captures of the version were current on it. Yields how many captures are done with every
    step ahead. Chunks that an earlier run finished are kept.
    A capture that crashes its worker, or takes too long, becomes a drop like any other.
    """
    waiting: deque[Capture] = deque()  # those inside the sandbox: a failed one is still to be named

    def remaining() -> Iterator[Capture]:
        for number, capture in enumerate(choice.captures() if choice else read_captures(folder)):
            if not _chunk(out, number // CHUNK).is_file():
                waiting.append(capture)
                yield capture

    total = choice.kept if choice else count_captures(folder)
    missing = [n for n in range(-(-total // CHUNK)) if not _chunk(out, n).is_file()]
    sizes = {n: min(CHUNK, total - n * CHUNK) for n in missing}
    yield total - sum(sizes.values())
    work = partial(prepare, steps=steps, dedup=dedup, withdrawn=dict(withdrawn), then=then)
    largest = max(pq.read_table(folder / INDEX, columns=["n_bytes"])["n_bytes"].to_pylist(), default=0)
    results = sandboxed(
        work,
        remaining(),
        workers=workers,
        seconds=SECONDS + largest / BYTES_PER_SECOND,
        megabytes=MEGABYTES + BYTES_PER_BYTE * largest // 1_000_000,
    )
    for number in missing:
        rows: list[dict[str, Any]] = []
        for _ in range(sizes[number]):
            result, capture = next(results), waiting.popleft()
            if isinstance(result, Drop):
                rows.append({"drop": shards.drop_row(result, "extract", capture)})
            else:
                rows.extend(result)
            yield 1
        shards.write(_chunk(out, number), rows, SCHEMA, group=GROUP)
    if missing:
        next(results, None)  # nothing more comes, and the sandbox ends its workers


def write_left_out(choice: asof.Choice, out: Path) -> int:
    """Write the captures of a version that were not current on the day, as pointers; return how many there are."""
    path = out / "left_out.parquet"  # sorts behind the numbered chunks
    return shards.write(path, ({"drop": row} for row in choice.left_out()), SCHEMA, group=GROUP)


def _chunk(out: Path, number: int) -> Path:
    return out / f"{number:05d}.parquet"


def places_and_entries(chunks: Iterable[Path]) -> tuple[list[Place], list[Entry]]:
    """Return where every prepared document lies, and what deduplication needs of it."""
    columns = [
        "id",
        "source",
        "url",
        "published_at",
        "captured_at",
        "content",
        "signature",
        "states",
        "n_facts",
    ]
    places, entries = [], []
    for path in chunks:
        for number, row in enumerate(shards.read(path, columns)):
            if row["id"] is not None:
                places.append(Place(path, number))
                entries.append(_entry(row))
    return places, entries


def _entry(row: dict[str, Any]) -> Entry:
    """Return the entry of a row; the smaller of two documents that say the same survives.

    A filing with facts is smaller than its copy that has none, then what was published later than what it
    corrects (a text without a day is the oldest), then, of one address, what was captured later.
    """
    facts = "0 with facts" if row["n_facts"] else "1 without"
    day, moment = row["published_at"] or date.min, row["captured_at"].astimezone(UTC)
    newest = f"{(date.max - day).days:07d}"
    latest = f"{(datetime.max.replace(tzinfo=UTC) - moment) // timedelta(microseconds=1):018d}"
    order = (facts, newest, row["source"], row["url"], latest, row["id"])
    return Entry(order, row["id"], row["url"], row["content"], row["signature"], row["states"])


def text_at(place: Place) -> str:
    """Return the text of one prepared document, reading no more than its row group."""
    with pq.ParquetFile(place.path) as file:
        table = file.read_row_group(place.row // GROUP, columns=["text"])
    return str(table["text"][place.row % GROUP].as_py())


def read_chunk(path: Path) -> Iterator[Document | dict[str, Any]]:
    """Yield the documents of a chunk with their facts, and the rows of what left, in order."""
    for row in shards.read(path):
        if row["drop"] is not None:
            yield row["drop"]
        else:
            fields = {name: row[name] for name in shards.DOCUMENT.names}
            yield shards.row_document(fields, map(shards.row_fact, row["facts"]))
