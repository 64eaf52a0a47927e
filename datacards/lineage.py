"""Walks from a version down to the captures it was made from, and from one document to its evidence."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from datacards.card import Card, Ref
from datacards.errors import UserError
from datacards.store import CARD, Store, sha256_of


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
    """Return the tree of everything ``ref`` was made from."""
    if ":" in ref.name:
        return Node(ref, "outside")
    path = store.path(ref) / CARD
    if not path.is_file():
        return Node(ref, "absent")
    card = store.card(ref)
    state = "ok" if not ref.digest or sha256_of(path) == ref.digest else "changed"
    return Node(ref, state, card, tuple(lineage(store, below) for below in card.made_from))


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


def captures(store: Store, node: Node) -> Iterator[tuple[Ref, dict[str, Any]]]:
    """Yield every capture below ``node`` as (captures version, row of its index): url, sha256, license, ..."""
    for below in walk(node):
        index = store.path(below.ref) / "captures.parquet"
        if below.card and below.card.kind == "captures" and index.is_file():
            for row in pq.read_table(index).to_pylist():
                yield below.ref, row


def document(store: Store, ref: Ref, document_id: str) -> list[dict[str, Any]]:
    """Return the way from one document to its evidence, as rows, the document first, captures last.

    ``document_id`` may be the beginning of an id. Raises UserError when no document, or more than one, has it.
    """
    versions = [n for n in walk(lineage(store, ref)) if n.card and n.card.kind == "dataset"]
    found = _find(store, versions, document_id)
    if len({row["id"] for row in found}) != 1:
        matches = ", ".join(sorted(row["id"] for row in found)[:5]) or "none"
        raise UserError(str(ref), f"'{document_id}' fits: {matches}", "give the id of one document")
    rows, waiting, seen = [], [found[0]], set()
    while waiting:
        row = waiting.pop(0)
        rows.append(row)
        for span in row.get("made_from", []):
            if span["id"] in seen:
                continue
            seen.add(span["id"])
            if span["id"].startswith("sha256:"):
                waiting += _evidence(store, lineage(store, ref), span["id"].removeprefix("sha256:"))
            else:
                waiting += _find(store, versions, span["id"])[:1]
    return rows


def _find(store: Store, versions: list[Node], document_id: str) -> list[dict[str, Any]]:
    columns = ["id", "format", "source", "url", "title", "section", "license", "made_from", "text"]
    found: dict[str, dict[str, Any]] = {}
    for node in versions:
        for path in sorted(store.path(node.ref).glob("*/*.parquet")):
            if path.parent.name in ("facts", "dropped"):
                continue
            ids = pq.read_table(path, columns=["id"])["id"].to_pylist()
            hits = [i for i, one in enumerate(ids) if one.startswith(document_id)]
            if hits:
                for row in pq.read_table(path, columns=columns).take(hits).to_pylist():
                    found.setdefault(row["id"], {**row, "version": str(node.ref)})
    return list(found.values())


def _evidence(store: Store, node: Node, sha256: str) -> list[dict[str, Any]]:
    rows = [
        {**row, "version": str(ref), "format": "capture"}
        for ref, row in captures(store, node)
        if row["sha256"] == sha256
    ]
    return rows[:1]


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON Lines file, or an empty list when there is none."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
