"""The part of a page that tells how questions were judged: what was asked, what passed, what refused the rest."""

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards.render.markdown import code, link, share, table, text

VERDICTS, ACCEPTED = "verdicts", "accepted"
REPORT = "rephrase.json"
_SHOWN = 3  # samples of each style
_ANY = "any"  # what was left out before a style was chosen


class _Sample(NamedTuple):
    id: str
    text: str
    title: str
    url: str
    source: str


def yields(folder: Path) -> list[str]:
    """Return tables of outcomes by style, the prompts and tests, and samples of what was accepted; else nothing.

    Samples are the items with the smallest ids, so drawn by chance and the same in every run; what may not be given
    on is no sample.
    """
    outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for batch in _batches(folder, VERDICTS, ["style", "outcome"]):
        both = pc.binary_join_element_wise(batch["style"], batch["outcome"], "\t")
        for one in pc.value_counts(both).to_pylist():
            style, _, outcome = one["values"].partition("\t")
            outcomes[style][outcome] += one["counts"]
    if not outcomes:
        return []
    rows = [
        (style or _ANY, counts.total(), counts[ACCEPTED], share(counts[ACCEPTED], counts.total()))
        for style, counts in sorted(outcomes.items())
    ]
    refused = [
        (style or _ANY, reason, number, share(number, counts.total()))
        for style, counts in sorted(outcomes.items())
        for reason, number in counts.most_common()
        if reason != ACCEPTED
    ]
    parts = ["## Judged", table(["style", "items", "accepted", "share"], rows)]
    parts.append(
        "Every row of `verdicts` is one of them, with what the check found. The first check that refused:"
    )
    parts.append(table(["style", "reason", "items", "share"], refused) if refused else "none")
    return [*parts, *_asked(folder), *_samples(folder, {style for style in outcomes if style})]


def _asked(folder: Path) -> list[str]:
    if not (folder / REPORT).is_file():
        return []
    said = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    parts = []
    if prompts := said.get("prompts"):
        rows = [(name, digest) for name, digest in sorted(prompts.items())]
        parts += ["Prompts, and the SHA-256 of their files:", table(["prompt", "sha256"], rows)]
    if tests := said.get("tests"):
        held = [(one["test"], one["status"], one["items"]) for one in tests]
        parts += [
            "Questions that one of these tests asks were left out:",
            table(["test", "from", "items"], held),
        ]
    if checks := said.get("checks"):
        parts.append(
            "Checks, in order: "
            + ", ".join(f"{code(name)} {text(version)}" for name, version in checks)
            + "."
        )
    return parts


def _samples(folder: Path, styles: set[str]) -> list[str]:
    rows = []
    for config in ("qa", "multiple_choice", "markdown"):
        found: defaultdict[str, list[_Sample]] = defaultdict(list)
        for batch in _batches(folder, config, [*_Sample._fields, "redistribution", "meta"]):
            for row in batch.filter(batch["redistribution"]).to_pylist():
                style = json.loads(row["meta"]).get("style", "")
                if style in styles:
                    kept = found[style]
                    kept.append(_Sample(*(row[name] or "" for name in _Sample._fields)))
                    if len(kept) > 200:
                        found[style] = heapq.nsmallest(_SHOWN, kept)
        for style, kept in sorted(found.items()):
            rows += [
                (style, one.text[:400], link(one.title or one.url, one.url), one.source)
                for one in heapq.nsmallest(_SHOWN, kept)
            ]
    return ["Accepted, drawn by chance:", table(["style", "text", "about", "source"], rows)] if rows else []


def _batches(folder: Path, config: str, columns: list[str]) -> Iterator[Any]:
    """Yield some columns of a config, of the files that have them: a version of somebody else's may mean another thing."""
    for path in sorted((folder / config).glob("*.parquet")):
        try:
            file = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError):
            continue  # the page says elsewhere what cannot be read
        with file:
            if set(columns) <= set(file.schema_arrow.names):
                yield from file.iter_batches(columns=columns)
