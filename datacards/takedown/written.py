"""Writes the receipt and the tombstones of a takedown: what went, from where, why, and how it was proven; no text."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datacards.store import Draft, Store
from datacards.takedown.affected import Affected
from datacards.takedown.eraser import Read, Search
from datacards.takedown.plan import Plan
from datacards.takedown.receipt import TOMBSTONE, TOMBSTONES
from datacards.takedown.removed import Report
from datacards.withdrawn import RECEIPT


def write_receipt(  # noqa: PLR0917 - what was done, in its order
    draft: Draft,
    store: Store,
    plan: Plan,
    reports: Sequence[Report],
    search: Search | None,
    read: Read,
    further: Affected,
    seconds: float,
) -> None:
    """Fill the draft of a takedown with ``receipt.json`` and ``tombstones.parquet``."""
    removed = plan.removed
    stones = sorted(
        (stone for report in reports for stone in report.tombstones),
        key=lambda one: (one["version"], one["kind"], one["name"], one["url"]),
    )
    pq.write_table(
        pa.Table.from_pylist(stones, schema=TOMBSTONE), draft.path / TOMBSTONES, compression="zstd"
    )
    withdrawn = [
        {"ref": one.version, "digest": store.resolve(one.version).digest, "successor": one.successor}
        for one in reports
    ]
    withdrawn += [{"ref": str(ref), "digest": ref.digest, "successor": ""} for ref in further.withdrawn]
    said = {
        "request": plan.request.told(),
        "companies": sorted(removed.companies),
        "taken_down_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "found": {
            "addresses": len(removed.urls),
            "bodies": len(removed.digests),
            "base_documents": len(removed.bases),
            "documents_in_all": len(removed.ids),
            "reasons": dict(sorted(Counter(stone["reason"] for stone in stones).items())),
        },
        "versions": [_version(one) for one in reports],
        "named_themselves": [
            {"document": one, "base_that_stays": base}
            for one, base in sorted(removed.stays.items())
            if base not in removed.ids
        ],
        "check": _check(search, read),
        "also_said_by": getattr(search, "others", []),
        "withdrawn": withdrawn,
        "models": [str(ref) for ref in further.models],
        "parts": further.parts,
        "evaluations": [str(ref) for ref in further.evaluations],
        "evaluations_withdrawn": [str(ref) for ref in further.withdrawn],
    }
    text = json.dumps(said, ensure_ascii=False, indent=1, sort_keys=True)
    (draft.path / RECEIPT).write_text(text + "\n", "utf-8")
    draft.rows[TOMBSTONES] = len(stones)
    draft.counts.update(
        tombstones=len(stones),
        versions_withdrawn=len(withdrawn),
        models_affected=len(further.models),
        leaks=read.leaks,
    )


def _version(report: Report) -> dict[str, Any]:
    return {
        "version": report.version,
        "successor": report.successor,
        "rows_removed": dict(sorted(report.rows.items())),
        "rows_kept": dict(sorted(report.kept.items())),
        "files_linked": report.files_linked,
        "files_written": report.files_written,
        "new_survivors": report.survivors,
        "not_made_again": report.lost,
        "notes": report.notes,
    }


def _check(search: Search | None, read: Read) -> dict[str, Any]:
    return {
        "gram": "13 letters and digits, folded",
        "looked_for": search.looked_for if search else 0,
        "said_by_others": search.also_said if search else 0,
        "files": read.files,
        "bytes": read.bytes,
        "strings": read.strings,
        "bodies_that_are_no_text": read.packed,
        "leaks": read.leaks,
    }
