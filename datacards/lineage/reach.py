"""Follows addresses, captures and documents through the rows of all dataset versions, generation by generation."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacards.lineage.rows import INDEX, SHOWN, Holder, Rows, Shard, find, shards, take, watched
from datacards.lineage.versions import Graph, Version
from datacards.store import Store

CAPTURE = "capture"  # the folder, so to say, that captures lie in
SHA = "sha256:"
LEFT = ("reason", "detail", "stage", "source", "url", "sha256", "document_id", "license", "title")


@dataclass(slots=True)
class Group:
    """Rows of one folder and split of one version: how many, some of them, and from which folders their parents are."""

    count: int = 0
    shown: list[dict[str, Any]] = field(default_factory=list)
    parents: Counter[str] = field(default_factory=Counter)
    files: set[str] = field(
        default_factory=set
    )  # in which they are; equal ones say that the rows are the same


class Reached(NamedTuple):
    """All rows that were reached, by where they lie; the ids of them all; and the files that are missing."""

    groups: dict[Holder, Group]
    ids: pa.Array
    unread: list[str]


def capture_rows(
    store: Store, versions: Iterable[Version], column: str, values: Iterable[str]
) -> list[tuple[Version, dict[str, Any]]]:
    """Return the rows of captures' indexes whose ``url`` or ``sha256`` is one of ``values``, with their versions."""
    wanted, found = pa.array(sorted(set(values)), pa.string()), []
    for version in versions:
        if version.kind == CAPTURE + "s" and version.card and len(wanted):
            path = store.path(version.ref, "captures.parquet")
            if path.is_file():
                rows = take(path, find(path, column, wanted).rows, INDEX).to_pylist()
                found += [(version, row) for row in rows]
    return found


def captured(store: Store, graph: Graph, kind: str, value: str) -> list[tuple[Version, dict[str, Any]]]:
    """Return the rows of captures of an address, or of a body by its SHA-256 (``kind`` is ``address`` or ``capture``).

    An address may also be that of a document, where another one was fetched: then what the document was made from.
    """
    versions = list(graph.versions.values())
    if kind == CAPTURE:
        return capture_rows(store, versions, "sha256", [value])
    if found := capture_rows(store, versions, "url", [value]):
        return found
    return capture_rows(
        store, versions, "sha256", bodies_of(store, [v for v in versions if v.kind == "dataset"], value)
    )


def reach(
    store: Store,
    versions: Sequence[Version],
    *,
    sha256: Iterable[str] = (),
    ids: Iterable[str] = (),
    limit: int = 20,
) -> Reached:
    """Return every row of the dataset versions that is one of ``ids``, or made from one or from a capture ``sha256``.

    Each generation is one pass over the column of parents. In memory are the ids that were reached, the numbers of
    their rows, and one batch of one column. Of each group ``limit`` rows are kept to be shown.
    """
    files, unread = shards(store, versions)
    found = _Search(limit)
    asked = pa.array(sorted(set(ids)), pa.string())
    if len(asked):
        found.generation(files, "id", asked, [""])
    captures = pa.array(sorted(SHA + one for one in set(sha256)), pa.string())
    if len(captures):
        found.generation(files, "made_from", captures, [CAPTURE])
    while len(found.new):
        wanted, codes = found.advance()
        found.generation(files, "made_from", wanted, found.folders, codes)
    return Reached(found.groups, found.known, unread)


class _Search:
    """The state of a search: which rows were reached, and which of them are still to be followed."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.groups: dict[Holder, Group] = {}
        self.folders: list[str] = []  # a parent's folder is told by its place in here
        self.known = self.new = pa.array([], pa.string())
        self.codes = np.empty(0, dtype=np.int64)  # the folder of each of the new ids
        self.done: dict[Shard, Rows] = {}

    def advance(self) -> tuple[pa.Array, Rows]:
        """Return the ids to follow now with their folders, and forget them."""
        wanted, codes = self.new, self.codes
        self.new, self.codes = pa.array([], pa.string()), np.empty(0, dtype=np.int64)
        return wanted, codes

    def generation(
        self,
        files: Sequence[Shard],
        column: str,
        wanted: pa.Array,
        folders: list[str],
        codes: Rows | None = None,
    ) -> None:
        """Add the rows of all files that name one of ``wanted``; what they are made from lies in ``folders``."""
        of = codes if codes is not None else np.zeros(len(wanted), dtype=np.int64)
        for shard in watched(files, "looking for rows"):
            found = find(shard.path, column, wanted)
            before = self.done.get(shard)
            rows = found.rows if before is None else np.setdiff1d(found.rows, before, assume_unique=True)
            if len(rows):
                self.done[shard] = rows if before is None else np.union1d(before, rows)
                self._add(shard, rows)
            # A row that an earlier generation reached may have one more kind of parent.
            pairs = np.unique(np.stack([found.hit_rows, of[found.hits]]), axis=1) if len(found.hits) else None
            for code, number in (
                zip(*np.unique(pairs[1], return_counts=True), strict=True) if pairs is not None else ()
            ):
                for holder in shard.holders:
                    if folders[code]:
                        self.groups[holder].parents[folders[code]] += int(number)

    def _add(self, shard: Shard, rows: Rows) -> None:
        ids = pc.unique(take(shard.path, rows, ["id"])["id"].combine_chunks())
        ids = ids.filter(pc.invert(pc.is_in(ids, value_set=self.known)))
        folder = shard.holders[0].folder
        if folder not in self.folders:
            self.folders.append(folder)
        self.known = pa.concat_arrays([self.known, ids])
        self.new = pa.concat_arrays([self.new, ids])
        code = np.full(len(ids), self.folders.index(folder), dtype=np.int64)
        self.codes = np.concatenate([self.codes, code])
        groups = [self.groups.setdefault(holder, Group()) for holder in shard.holders]
        lacking = max(self.limit - len(group.shown) for group in groups)
        shown = take(shard.path, rows[: max(lacking, 0)], SHOWN).to_pylist()
        for group in groups:
            group.files.add(str(shard.path))
            group.count += len(rows)
            group.shown += shown[: max(self.limit - len(group.shown), 0)]


class Left(NamedTuple):
    """Where rows were left out: of which version, why, at which stage."""

    version: str
    reason: str
    stage: str


def left_out(
    store: Store,
    versions: Sequence[Version],
    *,
    urls: Iterable[str] = (),
    sha256: Iterable[str] = (),
    ids: pa.Array,
    limit: int = 20,
) -> tuple[dict[Left, Group], list[str]]:
    """Return what the dataset versions kept aside of these addresses, captures and documents; and files that are missing."""
    files, unread = shards(store, versions, "dropped")
    asked = {
        "url": pa.array(sorted(set(urls)), pa.string()),
        "sha256": pa.array(sorted(set(sha256)), pa.string()),
        "document_id": ids,
    }
    groups: dict[Left, Group] = {}
    for shard in watched(files, "looking for what was left out"):
        hits = [find(shard.path, column, wanted).rows for column, wanted in asked.items()]
        rows = np.unique(np.concatenate(hits))
        for row in take(shard.path, rows, LEFT).to_pylist() if len(rows) else ():
            for holder in shard.holders:
                key = Left(holder.version, row["reason"], row["stage"])
                group = groups.setdefault(key, Group())
                group.count += 1
                if len(group.shown) < limit:
                    group.shown.append(row)
    return groups, unread


def bodies_of(store: Store, versions: Iterable[Version], url: str) -> list[str]:
    """Return the SHA-256 of the captures that documents with the address ``url`` were made from."""
    files, _ = shards(store, versions)
    wanted, found = pa.array([url], pa.string()), list[str]()
    for shard in watched(files, "looking for the address"):
        rows = find(shard.path, "url", wanted).rows
        for row in take(shard.path, rows, ["made_from"]).to_pylist() if len(rows) else ():
            found += [span["id"] for span in row.get("made_from") or () if span["id"].startswith(SHA)]
    return [one.removeprefix(SHA) for one in found]


def candidates(graph: Graph, holders: Iterable[str]) -> list[Version]:
    """Return the dataset versions made from the versions ``holders``, and those whose captures are not known here.

    A corpus that was fetched from elsewhere, or whose captures were purged, may hold rows of any capture.
    """
    above = {str(version.ref) for version in graph.above(*holders)} | set(holders)
    chosen = []
    for name, version in graph.versions.items():
        if version.kind == "dataset" and (name in above or _open(graph, name)):
            chosen.append(version)
    return chosen


def _open(graph: Graph, name: str) -> bool:
    """Say whether it is not known from which captures a dataset was made, at least in part."""
    below = graph.below(name)
    return not any(version.kind == "captures" for version in below) or any(
        version.card is None and version.state != "outside" for version in below
    )
