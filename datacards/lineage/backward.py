"""Walks from a version down to the captures it was made from, and from one document to its evidence."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datacards.card import Card, Ref
from datacards.errors import UserError
from datacards.lineage.rows import INDEX, SHOWN, Shard, find, find_beginning, shards, take, watched
from datacards.lineage.versions import Version
from datacards.store import Store

FITTING = 5  # documents that are named when a beginning fits several


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
    made: dict[tuple[str, str], Node] = {}
    begun: set[tuple[str, str]] = set()
    waiting = [ref]
    while waiting:  # a chain of versions that extend one another is longer than calls may nest
        here = waiting[-1]
        key = (str(here), here.digest)
        state, card = _state(store, here)
        inputs = card.made_from if card and (here is ref or card.kind != "captures") else ()
        if key not in begun:
            begun.add(key)
            waiting += [one for one in reversed(inputs) if (str(one), one.digest) not in begun]
            continue
        waiting.pop()
        if key not in made:
            below = (made.get((str(one), one.digest)) for one in inputs)
            made[key] = Node(here, state, card, tuple(node for node in below if node))
    return made[str(ref), ref.digest]


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
    for _, index in indexes(store, node):
        with pq.ParquetFile(index) as file:
            for batch in file.iter_batches():
                yield from batch.to_pylist()


def sources(store: Store, node: Node) -> dict[tuple[str, str], int]:
    """Return how many captures below ``node`` come from each (source, license)."""
    found: Counter[tuple[str, str]] = Counter()
    for _, index in indexes(store, node):
        table = pq.read_table(index, columns=["source", "license"])
        for row in table.group_by(["source", "license"]).aggregate([([], "count_all")]).to_pylist():
            found[row["source"], row["license"]] += row["count_all"]
    return dict(sorted(found.items()))


def indexes(store: Store, node: Node) -> Iterator[tuple[Ref, Path]]:
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
    versions = [Version(n.ref, "ok", n.card) for n in walk(node) if n.card and n.card.kind == "dataset"]
    found = one_document(store, versions, document_id, str(ref))
    return evidence(store, versions, [ref for ref, _ in indexes(store, node)], found)


def evidence(
    store: Store, versions: Iterable[Version], captured: Iterable[Ref], row: dict[str, Any]
) -> list[tuple[int, dict[str, Any]]]:
    """Return the way from the row of a document to its evidence in ``versions`` and the captures ``captured``.

    Each generation of parents is looked for at once. A row that is met twice is told once, where it is nearest.
    """
    files, captured = shards(store, versions)[0], list(captured)
    known: dict[str, list[dict[str, Any]]] = {row["id"]: [row]}
    waiting = _parents(row)
    while waiting:
        ids = [one for one in waiting if not one.startswith("sha256:")]
        new = {one["id"]: [one] for one in _documents(files, pa.array(sorted(ids), pa.string()))}
        if bodies := [one.removeprefix("sha256:") for one in waiting if one.startswith("sha256:")]:
            for ref in captured:
                for one in _captures(store, ref, bodies):
                    new.setdefault(f"sha256:{one['sha256']}", []).append(one)
        known |= new
        below = dict.fromkeys(p for rows in new.values() for one in rows for p in _parents(one))
        waiting = [one for one in below if one not in known]
    return _told(row, known)


def _told(row: dict[str, Any], known: dict[str, list[dict[str, Any]]]) -> list[tuple[int, dict[str, Any]]]:
    """Return rows with their depths, each behind the one that it is a parent of."""
    rows: list[tuple[int, dict[str, Any]]] = []
    seen, waiting = {row["id"]}, [(0, row)]
    while waiting:
        depth, here = waiting.pop()
        rows.append((depth, here))
        parents = [one for one in _parents(here) if one not in seen]
        seen.update(parents)
        waiting += [(depth + 1, known[one][0]) for one in reversed(parents) if known.get(one)]
    return rows


def _parents(row: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(span["id"] for span in row.get("made_from") or ()))


def one_document(store: Store, versions: Iterable[Version], start: str, where: str) -> dict[str, Any]:
    """Return the row of the one document of ``versions`` whose id begins with ``start``.

    Raises UserError when there is none, or when the beginning fits several.
    """
    found: dict[str, dict[str, Any]] = {}
    datasets = [version for version in versions if version.kind == "dataset"]
    for shard in watched(shards(store, datasets)[0], "looking for the document"):
        rows = find_beginning(shard.path, "id", start)[:FITTING]
        for row in take(shard.path, rows, SHOWN).to_pylist() if len(rows) else ():
            found.setdefault(row["id"], {**row, "version": shard.holders[0].version})
        if len(found) >= FITTING:
            break
    if len(found) != 1:
        matches = ", ".join(sorted(found)[:FITTING]) or "no document"
        raise UserError(where, f"'{start}' fits {matches}", "one document is needed", "give its id")
    return next(iter(found.values()))


def _documents(files: Sequence[Shard], ids: pa.Array) -> Iterator[dict[str, Any]]:
    """Yield the rows of the documents ``ids``, each of the first file that holds it."""
    seen: set[str] = set()
    for shard in watched(files, "looking for parents") if len(ids) else ():
        rows = find(shard.path, "id", ids).rows
        for row in take(shard.path, rows, SHOWN).to_pylist() if len(rows) else ():
            if row["id"] not in seen:
                seen.add(row["id"])
                yield {**row, "version": shard.holders[0].version}


def _captures(store: Store, ref: Ref, bodies: Sequence[str]) -> Iterator[dict[str, Any]]:
    path = store.path(ref, "captures.parquet")
    if path.is_file():
        rows = find(path, "sha256", pa.array(sorted(bodies), pa.string())).rows
        for row in take(path, rows, INDEX).to_pylist():
            yield {**row, "version": str(ref), "format": "capture"}


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON Lines file, or an empty list when there is none."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
