"""Backward: from a score, a version or a document to the captures and addresses it came from."""

from collections.abc import Iterable
from typing import Any

import pyarrow.parquet as pq

from datacards.errors import UserError
from datacards.lineage.asked import Asked
from datacards.lineage.backward import Node, evidence, indexes, lineage, one_document, sources, walk
from datacards.lineage.reach import capture_rows, captured
from datacards.lineage.trace import Arrow, Thing, Trace, capture_things, version_arrows, version_thing
from datacards.lineage.versions import Graph, Version
from datacards.store import Store


def backward(store: Store, graph: Graph, what: Asked, limit: int | None = 20) -> Trace:
    """Return what ``what`` was made from; ``limit`` addresses of each captures version are named, all with None.

    Raises UserError when the store holds no trace of it.
    """
    if what.kind == "version":
        return _of_version(store, graph, what, limit)
    if what.kind == "document":
        return _of_document(store, graph, what)
    found = captured(store, graph, what.kind, what.value)
    if not found:
        raise UserError(
            "store", f"no capture of {what.value!r}", todo="see: kanagura cards lineage REF --urls"
        )
    things, arrows = _captures(graph, found)
    start = what.value if what.kind == "address" else f"sha256:{what.value}"
    return Trace(start, "backward", tuple(t for t in things if t == start), things, tuple(arrows))


def _of_version(store: Store, graph: Graph, what: Asked, limit: int | None) -> Trace:
    tree = lineage(store, graph[what.value].ref)
    names = [name for name in graph.versions if name in {str(node.ref) for node in walk(tree)}]
    things = {name: version_thing(graph[name]) for name in names}
    arrows, start = version_arrows(graph, names), what.value
    if what.task:
        start = f"{what.value}:{what.task}"
        own = things[what.value].more["scores"].items()
        scores = {metric: value for metric, value in own if metric.startswith(f"{what.task}/")}
        things[start] = Thing(start, "score", start, what.value, more={"scores": scores})
        arrows.append(Arrow(start, what.value, "scored"))
    for thing, arrow in _addresses(store, tree, limit):
        things[thing.key] = thing
        arrows.append(arrow)
    return Trace(start, "backward", (start,), things, tuple(arrows))


def _addresses(store: Store, tree: Node, limit: int | None) -> Iterable[tuple[Thing, Arrow]]:
    """Yield for each captures version and license how many addresses it holds, and the first of them."""
    for ref, index in indexes(store, tree):
        alone = Node(ref, "ok", store.card(ref))
        for (source, license_), number in sources(store, alone).items():
            key = f"{ref}/addresses/{source}/{license_}"
            named = _first(index, source, license_, limit)
            yield (
                Thing(
                    key, "addresses", source, str(ref), license=license_, count=number,
                    more={"source": source, "addresses": named},
                ),
                Arrow(str(ref), key, "holds", count=number),
            )  # fmt: skip


def _first(index: Any, source: str, license_: str, limit: int | None) -> list[dict[str, str]]:
    """Return the first addresses of a source and license in an index; no more of it is read than that takes."""
    found: list[dict[str, str]] = []
    with pq.ParquetFile(index) as file:
        for batch in file.iter_batches(columns=["url", "sha256", "source", "license"]):
            if limit is not None and len(found) >= limit:
                break
            found += [
                {"url": row["url"], "sha256": row["sha256"]}
                for row in batch.to_pylist()
                if (row["source"], row["license"]) == (source, license_)
            ]
    return found[:limit]


def _captures(
    graph: Graph, found: list[tuple[Version, dict[str, Any]]]
) -> tuple[dict[str, Thing], list[Arrow]]:
    """Return bodies, their addresses and the versions that list them."""
    things, arrows = {}, list[Arrow]()
    for thing, more in capture_things(found):
        things[thing.key] = thing
        arrows += more
    for arrow in arrows:
        if arrow.kind == "fetched_from":
            things.setdefault(arrow.source, Thing(arrow.source, "address", arrow.source, url=arrow.source))
    names = {str(version.ref) for version, _ in found}
    things |= {name: version_thing(version) for name, version in graph.versions.items() if name in names}
    return things, [*arrows, *version_arrows(graph, names)]


def _of_document(store: Store, graph: Graph, what: Asked) -> Trace:
    versions = [version for version in graph.versions.values() if version.kind == "dataset"]
    found = one_document(store, versions, what.value, "store")
    indexed = [version.ref for version in graph.versions.values() if version.kind == "captures"]
    things: dict[str, Thing] = {}
    arrows: list[Arrow] = []
    bodies = []
    for _, row in evidence(store, versions, indexed, found):
        if row["format"] == "capture":
            bodies.append(row["sha256"])
            continue
        things[row["id"]] = Thing(
            row["id"], "document", row["title"] or row["id"], row["version"], license=row["license"] or "",
            url=row["url"] or "", more={"format": row["format"], "section": row["section"] or "", "source": row["source"]},
        )  # fmt: skip
        arrows.append(Arrow(row["version"], row["id"], "holds", count=1))
        parents = dict.fromkeys(span["id"] for span in row["made_from"] or ())
        arrows += [Arrow(row["id"], parent, "derived_from") for parent in parents]
    visits = capture_rows(store, graph.versions.values(), "sha256", bodies)
    more, further = _captures(graph, visits)
    things = things | more
    named = {arrow.made for arrow in arrows if arrow.kind == "holds"}
    things |= {name: version_thing(version) for name, version in graph.versions.items() if name in named}
    arrows += [*further, *version_arrows(graph, [name for name in graph.versions if name in things])]
    known = tuple(dict.fromkeys(arrow for arrow in arrows if arrow.source in things))
    return Trace(found["id"], "backward", (found["id"],), things, known)
