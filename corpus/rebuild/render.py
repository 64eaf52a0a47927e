"""Renders the formats of base documents that were made again, and picks what pointers ask for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from corpus import shards
from corpus.document import Document, Format
from corpus.formats import render
from datacards.rebuild.base import OTHER_TEXT

Row = dict[str, Any]
Formats = Mapping[Format, Mapping[str, Any]]


def rendered(
    pointers: pa.Table, documents: Sequence[Document], formats: Formats, why: Mapping[str, tuple[str, str]]
) -> tuple[dict[str, Row], dict[str, tuple[str, str]]]:
    """Return the rows that ``pointers`` ask for by id, and why there is none for the others.

    ``documents`` are the base documents of the shard that could be had, in order; ``why`` tells of those that could
    not. Where one is missing, what was gathered of the others may still be whole: it is rendered of its parents alone.
    """
    asked = set(pointers["id"].to_pylist())
    rows = {one.id: shards.document_row(one) for one in documents if one.id in asked}
    for name in _asked(pointers, formats):
        _collect(rows, asked, documents, name, formats)
    reasons: dict[str, tuple[str, str]] = {}
    by_id = {one.id: one for one in documents}
    tried: set[tuple[str, ...]] = set()
    for one in pointers.select(["id", "format", "made_from"]).to_pylist():
        if one["id"] in rows:
            continue
        if one["format"] == "markdown":
            reasons[one["id"]] = why.get(one["id"], (OTHER_TEXT, ""))
            continue
        parents = tuple(dict.fromkeys(span["id"] for span in one["made_from"]))
        lost = next((name for name in parents if name not in by_id), None)
        if lost is None and one["format"] in formats and (one["format"], *parents) not in tried:
            tried.add((one["format"], *parents))
            _collect(rows, asked, [by_id[name] for name in parents], one["format"], formats)
        if lost is not None:
            outcome, detail = why.get(lost, (OTHER_TEXT, ""))
            reasons[one["id"]] = outcome, f"its parent {lost}" + (f": {detail}" if detail else "")
        elif one["id"] not in rows:
            reasons[one["id"]] = OTHER_TEXT, ""
    return rows, reasons


def _asked(pointers: pa.Table, formats: Formats) -> list[Format]:
    wanted = set(pointers["format"].unique().to_pylist()) - {"markdown"}
    return [name for name in formats if name in wanted]


def _collect(
    rows: dict[str, Row], asked: set[str], batch: Iterable[Document], name: Format, formats: Formats
) -> None:
    for one in render(batch, name, formats[name]):
        if one.id in asked and one.id not in rows:
            rows[one.id] = shards.document_row(one)
