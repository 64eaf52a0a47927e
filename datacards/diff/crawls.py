"""Two versions of captures: which addresses came, are gone, or have other bytes."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacards.diff.base import Why, same_text
from datacards.diff.evidence import Takedowns, captures_part
from datacards.diff.items import Different, Item, Items, taken
from datacards.diff.keys import RECORD, Digests, Records, digests, only, records
from datacards.diff.pairs import paired, row_of
from datacards.diff.parts import Files, Part, unshared
from datacards.diff.record import Spool
from datacards.diff.versions import Version
from datacards.keys import keys

CAPTURES = "captures"
_SAID = ("status", "media_type", "kind", "problem")
_READ = ("url", "source", "sha256", "fetched_at", "license", *_SAID)


def captures_rows(
    files: Files, a: Version, b: Version, spool: Spool, work: Path
) -> tuple[dict[str, int], dict[str, int], int]:
    """Write the captures that differ; return how many there are before and after, and how many files are shared.

    A capture is known by its address, source and bytes; one of other bytes of the address has changed.
    """
    parts = [captures_part(files, one.ref) for one in (a, b)]
    one, other, shared = unshared(*([part] for part in parts))
    removed, added = only(_records(files, one), _records(files, other))
    found = Different(parts[0].rows, parts[1].rows, removed, added, one, other)
    items = Items(work / CAPTURES, found)
    for side, (some, wanted) in enumerate(((one, removed), (other, added))):
        known, left = np.unique(wanted, return_counts=True)
        for part in some:
            for batch, digest, row_records in _translated(files, part):
                mask = taken(row_records, known, left)
                items.add(side, part, batch.filter(pa.array(mask)), digest[mask])
    items.close()
    takedowns = Takedowns(files, a, b)
    for bucket in items.buckets():
        spool.add([row_of(CAPTURES, *pair, *_why(*pair, takedowns)) for pair in paired(bucket)])
    return {CAPTURES: found.before}, {CAPTURES: found.after}, shared


def _why(a: Item | None, b: Item | None, takedowns: Takedowns) -> Why:
    if a and b:
        if a.id == b.id:
            return same_text(a, b)
        return Why("newer_capture" if b.captured_at >= a.captured_at else "older_capture", f"sha256:{b.id}")
    if a:
        told = takedowns.names(a)
        return Why("takedown", told) if told else Why("capture_gone", "the crawl has nothing of its address")
    return Why("new_capture", f"sha256:{b.id}" if b else "")


def _records(files: Files, parts: Sequence[Part]) -> Records:
    found = [np.zeros(0, RECORD)]
    found += [one for part in parts for _, _, one in _translated(files, part)]
    whole = np.concatenate(found)
    whole.sort()
    return whole


def _translated(files: Files, part: Part) -> Iterator[tuple[pa.RecordBatch, Digests, Records]]:
    """Yield captures in the columns of documents: the bytes are the id, and what is said of them beside is ``meta``."""
    for batch in files.batches(part, _READ, needed=("url", "sha256")):
        rows = batch.to_pylist()
        said = [json.dumps([str(row.get(name, "")) for name in _SAID], ensure_ascii=False) for row in rows]
        made_from = [[{"id": f"sha256:{row['sha256']}", "start": 0, "end": 0}] for row in rows]
        columns = {
            "id": [row["sha256"] for row in rows],
            "format": [CAPTURES] * len(rows),
            **{name: [row.get(name) or "" for row in rows] for name in ("source", "url", "license")},
            "made_from": made_from,
            "meta": said,
        }
        moments = pc.cast(batch.column("fetched_at"), pa.int64())
        found = pa.RecordBatch.from_pydict(columns).append_column("captured_at", moments)
        digest = digests(found.drop_columns(["captured_at"]), "")
        names = (f"{row.get('source')}\n{row['url']}\n{row['sha256']}" for row in rows)
        yield found, digest, records(keys(names), digest)
