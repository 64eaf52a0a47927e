"""Renders the formats of base documents that were made again, and picks what pointers ask for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from corpus import shards
from corpus.document import Document, Format
from corpus.formats import render
from datacards.rebuild.base import OTHER_TEXT

Row = dict[str, Any]
Formats = Mapping[Format, Mapping[str, Any]]
Together = tuple[list[int], list[str]]  # rows of pointers, ids of the base documents that they need
Reasons = dict[str, tuple[str, str]]


def together(pointers: pa.Table) -> Iterator[Together]:
    """Yield the rows of derived pointers that were made together, and the ids of the base documents they need.

    What was gathered of several documents binds these together; documents that nothing binds are rendered apart. They
    were of one shard, so none of these sets is larger than a shard, and a format gathers within each what it gathered
    in the shard: sections that fit into one document are bound, and the next document begins afresh.
    """
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            root[name] = name = root[root[name]]
        return name

    rows: dict[int, list[str]] = {}
    columns = (pointers[name].to_pylist() for name in ("format", "made_from"))
    for at, (form, spans) in enumerate(zip(*columns, strict=True)):
        if form != "markdown":
            rows[at] = list(dict.fromkeys(span["id"] for span in spans))
            for parent in rows[at][1:]:
                root[find(parent)] = find(rows[at][0])
    sets: dict[str, tuple[list[int], dict[str, None]]] = {}
    for at, parents in rows.items():
        if parents:
            own = sets.setdefault(find(parents[0]), ([], {}))
            own[0].append(at)
            own[1].update(dict.fromkeys(parents))
    yield from ((asked, list(names)) for asked, names in sets.values())


def rendered(
    pointers: pa.Table, documents: Sequence[Document], formats: Formats, why: Reasons
) -> tuple[dict[str, Row], Reasons]:
    """Return the rows that derived ``pointers`` ask for by id, and why there is none for the others.

    ``documents`` are the base documents that could be had, in order; ``why`` tells of those that could not. Where one
    is missing, what was gathered of the others may still be whole: it is rendered of its parents alone.
    """
    asked = set(pointers["id"].to_pylist())
    rows: dict[str, Row] = {}
    for name in _asked(pointers, formats):
        _collect(rows, asked, documents, name, formats)
    reasons: Reasons = {}
    by_id = {one.id: one for one in documents}
    tried: set[tuple[str, ...]] = set()
    for one in pointers.select(["id", "format", "made_from"]).to_pylist():
        if one["id"] in rows:
            continue
        parents = tuple(dict.fromkeys(span["id"] for span in one["made_from"]))
        lost = next((name for name in parents if name not in by_id), None)
        if lost is not None:
            outcome, detail = why.get(lost, (OTHER_TEXT, ""))
            reasons[one["id"]] = outcome, f"its parent {lost}" + (f": {detail}" if detail else "")
            continue
        if one["format"] in formats and (one["format"], *parents) not in tried:
            tried.add((one["format"], *parents))
            _collect(rows, asked, [by_id[name] for name in parents], one["format"], formats)
        if one["id"] not in rows:
            reasons[one["id"]] = OTHER_TEXT, ""
    return rows, reasons


def _asked(pointers: pa.Table, formats: Formats) -> list[Format]:
    wanted = set(pointers["format"].unique().to_pylist())
    return [name for name in formats if name in wanted]


def _collect(
    rows: dict[str, Row], asked: set[str], batch: Iterable[Document], name: Format, formats: Formats
) -> None:
    for one in render(batch, name, formats[name]):
        if one.id in asked and one.id not in rows:
            rows[one.id] = shards.document_row(one)
