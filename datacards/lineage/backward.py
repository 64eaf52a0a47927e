"""Walks from a version down to the captures it was made from, and from one document to its evidence."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacards.card import Card, Ref
from datacards.errors import UserError
from datacards.store import Store


@dataclass(frozen=True, slots=True)
class Node:
    """One version in a lineage; ``state`` is ``ok``, ``changed`` (its card is not the one that was used),
    ``absent`` (not in this store) or ``outside`` (a hub model or a local folder).
    """

    ref: Ref
    state: str
    card: Card | None = None
    inputs: tuple["Node", ...] = field(default_factory=tuple)


def lineage(store: Store, ref: Ref) -> Node:
    """Return the tree of everything ``ref`` was made from.

    It ends at captures: the earlier ones that hold bodies of theirs are named only below captures that are asked for
    themselves. Their own index tells of every address.
    """
    seen: dict[tuple[str, str], Node] = {}

    def node(here: Ref, *, top: bool) -> Node:
        key = (str(here), here.digest)
        if key not in seen:
            state, card = _state(store, here)
            further = card.made_from if card and (top or card.kind != "captures") else ()
            seen[key] = Node(here, state, card, tuple(node(below, top=False) for below in further))
        return seen[key]

    return node(ref, top=True)


def _state(store: Store, ref: Ref) -> tuple[str, Card | None]:
    if ":" in ref.name:
        return "outside", None
    if not (digest := store.digest(ref)):
        return "absent", None
    return ("ok" if ref.digest in ("", digest) else "changed"), store.card(ref)


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and all below it, each version once, nearest first."""
    seen: set[str] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop(0)
        if str(here.ref) not in seen:
            seen.add(str(here.ref))
            yield here
            waiting.extend(here.inputs)


def captures(store: Store, node: Node) -> Iterator[dict[str, Any]]:
    """Yield the row of every capture below ``node`` (url, sha256, license, ...), a bounded batch at a time."""
    for _, index in _indexes(store, node):
        with pq.ParquetFile(index) as file:
            for batch in file.iter_batches():
                yield from batch.to_pylist()


def sources(store: Store, node: Node) -> dict[tuple[str, str], int]:
    """Return how many captures below ``node`` come from each (source, license)."""
    found: Counter[tuple[str, str]] = Counter()
    for _, index in _indexes(store, node):
        table = pq.read_table(index, columns=["source", "license"])
        for row in table.group_by(["source", "license"]).aggregate([([], "count_all")]).to_pylist():
            found[row["source"], row["license"]] += row["count_all"]
    return dict(sorted(found.items()))


def _indexes(store: Store, node: Node) -> Iterator[tuple[Ref, Path]]:
    """Yield the captures that were read; of captures that are asked for themselves, only their own."""
    own = node.card is not None and node.card.kind == "captures"
    for below in [node] if own else walk(node):
        if below.card and below.card.kind == "captures":
            index = store.path(below.ref, "captures.parquet")
            if index.is_file():
                yield below.ref, index


def document(store: Store, ref: Ref, document_id: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the way from one document to its evidence, as (depth, row): each row behind what it belongs to.

    ``document_id`` may be the beginning of an id. Raises UserError when no document, or more than one, has it.
    """
    node = lineage(store, ref)
    versions = [n for n in walk(node) if n.card and n.card.kind == "dataset"]
    found = _find(store, versions, document_id)
    if len(found) != 1:
        matches = ", ".join(sorted(row["id"] for row in found)[:5]) or "no document"
        raise UserError(str(ref), f"'{document_id}' fits {matches}", "one document is needed", "give its id")
    rows: list[tuple[int, dict[str, Any]]] = []
    seen: set[str] = set()

    def follow(row: dict[str, Any], depth: int) -> None:
        rows.append((depth, row))
        for parent in dict.fromkeys(span["id"] for span in row.get("made_from") or ()):
            if parent not in seen:
                seen.add(parent)
                digest = parent.removeprefix("sha256:")
                above = _find(store, versions, parent) if digest == parent else _evidence(store, node, digest)
                for one in above[:1]:
                    follow(one, depth + 1)

    follow(found[0], 0)
    return rows


def _find(store: Store, versions: list[Node], document_id: str) -> list[dict[str, Any]]:
    """Return the documents whose id begins so, each once; only the row groups that hold one are read."""
    columns = ["id", "format", "source", "url", "title", "section", "license", "made_from"]
    found: dict[str, dict[str, Any]] = {}
    for node in versions:
        for path in sorted(store.path(node.ref).glob("*/*.parquet")):
            with pq.ParquetFile(path) as file:
                if "made_from" not in file.schema_arrow.names:
                    continue  # it holds no documents: facts, what was dropped, reports, the index
                for group in range(file.num_row_groups):
                    ids = file.read_row_group(group, columns=["id"])["id"]
                    hits = pc.starts_with(ids, pattern=document_id)
                    if pc.any(hits).as_py():
                        rows = file.read_row_group(group, columns=columns).filter(hits).to_pylist()
                        for row in rows:
                            found.setdefault(row["id"], {**row, "version": str(node.ref)})
    return list(found.values())


def _evidence(store: Store, node: Node, sha256: str) -> list[dict[str, Any]]:
    return [
        {**row, "version": str(ref), "format": "capture"}
        for ref, index in _indexes(store, node)
        for row in pq.read_table(index, filters=[("sha256", "=", sha256)]).to_pylist()
    ]


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON Lines file, or an empty list when there is none."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
