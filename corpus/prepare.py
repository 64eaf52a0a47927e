"""Captures become cleaned documents and named drops, a chunk of captures per Parquet file, resumable."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from corpus import shards
from corpus.captures import INDEX, capture_of
from corpus.document import Capture, Document, Drop, encodable
from corpus.duplicates import index
from corpus.duplicates.compared import DedupOptions
from corpus.duplicates.index import Signer
from corpus.extract import extract
from corpus.extract.ocr import Ocr
from corpus.repeats import RepeatOptions
from corpus.sandbox import sandboxed
from corpus.steps import Left, clean
from corpus.times import asof
from datacards.takedown.receipt import TakenDown

#: A chunk ends at so many captures, or at so many bytes of bodies: what a killed run does again at most.
CHUNK, CHUNK_BYTES = 256, 16_000_000
#: What one capture may take, steps and signatures of its documents included; more for a dump, by its size.
SECONDS, BYTES_PER_SECOND = 300, 100_000
SECONDS_OCR = 7200  # an engine takes seconds for each page
MEGABYTES, BYTES_PER_BYTE = 4096, 16

Steps = Sequence[tuple[str, Mapping[str, Any]]]


def known_as(url: str, sha256: str) -> bytes:
    """Return the 16 bytes by which a capture that an earlier version has is known: millions are held in memory."""
    return blake2b(f"{url}\n{sha256}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def schema(dedup: DedupOptions) -> pa.Schema:
    """Return the columns of a chunk: a row is a document with its index row, or (``drop`` is set) what left and why."""
    facts = ("facts", pa.list_(pa.struct(list(shards.FACT))))
    return pa.schema(
        [*shards.DOCUMENT, *index.schema(dedup), facts, ("drop", pa.struct(list(shards.DROPPED)))]
    )


class Plan(NamedTuple):
    """What all captures of a run are put through.

    ``withdrawn`` are filings that may not be used, and why; ``taken_down`` what takedowns name, if any; ``then`` is the day that is asked for, if any; ``ocr``
    reads pages that have no text.
    """

    steps: Steps
    dedup: DedupOptions
    withdrawn: Mapping[str, str]
    repeats: RepeatOptions | None = None
    then: asof.AsOf | None = None
    ocr: Ocr | None = None
    taken_down: TakenDown | None = None


class Chunk(NamedTuple):
    """Some ``rows`` of the captures index of the version in ``folder``, to be prepared into ``out``."""

    folder: Path
    rows: Sequence[int]  # ascending
    largest: int  # bytes of the largest body
    out: Path


def chunks(
    folder: Path, out: Path, known: Set[bytes] = frozenset(), choice: asof.Choice | None = None
) -> list[Chunk]:
    """Cut the captures of the version in ``folder`` into chunks, ``out/00000.parquet`` and so on.

    ``known`` are captures (see ``known_as``) that an earlier corpus version was made from: they are left.
    ``choice`` says which were current on a day.
    """
    found: list[Chunk] = []
    rows: list[int] = []
    sizes: list[int] = []

    def close() -> None:
        if rows:
            found.append(Chunk(folder, tuple(rows), max(sizes), out / f"{len(found):05d}.parquet"))
            rows.clear()
            sizes.clear()

    index_rows = shards.read(folder / INDEX, ["url", "sha256", "n_bytes"])
    for at, row in enumerate(index_rows):
        if (choice and not choice.keeps(at)) or (known and known_as(row["url"], row["sha256"]) in known):
            continue
        size = row["n_bytes"]
        if len(rows) == CHUNK or sum(sizes) + size > CHUNK_BYTES:
            close()
        rows.append(at)
        sizes.append(size)
    close()
    return found


def prepare(capture: Capture, *, plan: Plan) -> list[dict[str, Any]]:
    """Return the rows of one capture: its documents, cleaned and signed, and everything that left."""
    if what := plan.withdrawn.get(capture.meta.get("docID", "")):
        return [{"drop": shards.drop_row(Drop(f"filing_{what}", capture.meta["docID"]), "extract", capture)}]
    if plan.taken_down and (by := plan.taken_down.by(capture.url, capture.source, capture.meta)):
        return [{"drop": shards.drop_row(Drop("taken_down", by), "extract", capture)}]
    rows: list[dict[str, Any]] = []
    documents: list[Document] = []
    read = asof.judged(capture, plan.then, plan.ocr) if plan.then else extract(capture, plan.ocr)
    for found in map(encodable, read):
        result = clean(found, plan.steps) if isinstance(found, Document) else found
        if isinstance(result, Document):
            documents.append(result)
        elif isinstance(result, Left):
            rows.append({"drop": shards.drop_row(result.drop, result.step, result.document)})
        else:
            stage = "as_of" if result.reason in asof.REASONS else "extract"
            rows.append({"drop": shards.drop_row(result, stage, capture)})
    return [*document_rows(documents, Signer(plan.dedup, plan.repeats)), *rows]


def document_rows(documents: Sequence[Document], sign: Signer) -> list[dict[str, Any]]:
    """Return the rows of cleaned documents."""
    return [
        shards.document_row(document) | row | {"facts": shards.fact_rows(document)}
        for document, row in zip(documents, sign.rows(documents), strict=True)
    ]


def write_chunks(missing: Sequence[Chunk], plan: Plan, *, workers: int) -> Iterator[int]:
    """Prepare chunks, all of one version; yield how many captures are done with every step ahead.

    A capture that crashes its worker, or takes too long, becomes a drop like any other.
    """
    waiting: deque[Capture] = deque()  # those inside the sandbox: a failed one is still to be named

    def remaining() -> Iterator[Capture]:
        for chunk in missing:
            for row in _rows(chunk):
                read = asof.as_first_said if plan.then else capture_of
                waiting.append(read(chunk.folder, row))
                yield waiting[-1]

    largest = max((chunk.largest for chunk in missing), default=0)
    results = sandboxed(
        partial(prepare, plan=plan),
        remaining(),
        workers=workers,
        seconds=(SECONDS_OCR if plan.ocr else SECONDS) + largest / BYTES_PER_SECOND,
        megabytes=MEGABYTES + BYTES_PER_BYTE * largest // 1_000_000,
    )
    for chunk in missing:
        rows: list[dict[str, Any]] = []
        for _ in chunk.rows:
            result, capture = next(results), waiting.popleft()
            if isinstance(result, Drop):
                rows.append({"drop": shards.drop_row(encodable(result), "extract", capture)})
            else:
                rows.extend(result)
            yield 1
        shards.write(chunk.out, rows, schema(plan.dedup))
    if missing:
        next(results, None)  # nothing more comes, and the sandbox ends its workers


def write_chunk(chunk: Chunk, *, plan: Plan) -> int:
    """Prepare one chunk, as a job of its own; return how many captures it holds."""
    return sum(write_chunks([chunk], plan, workers=1))


def write_left_out(choice: asof.Choice, out: Path, dedup: DedupOptions) -> Path:
    """Write the captures of a version that were not current on the day, as pointers, and return where."""
    path = out / "left_out.parquet"
    shards.write(path, ({"drop": row} for row in choice.left_out()), schema(dedup))
    return path


def _rows(chunk: Chunk) -> Iterator[dict[str, Any]]:
    """Yield the rows of the captures index that a chunk covers."""
    first, wanted = chunk.rows[0], set(chunk.rows)
    found = shards.read_rows(chunk.folder / INDEX, first, chunk.rows[-1] + 1)
    return (row for at, row in enumerate(found, first) if at in wanted)


def read_chunk(path: Path, start: int = 0, stop: int | None = None) -> Iterator[Document | dict[str, Any]]:
    """Yield the documents of a chunk's rows [start, stop) with their facts, and the rows of what left, in order."""
    for row in shards.read_rows(path, start, stop):
        if row["drop"] is not None:
            yield row["drop"]
        else:
            fields = {name: row[name] for name in shards.DOCUMENT.names}
            yield shards.row_document(fields, map(shards.row_fact, row["facts"]))
