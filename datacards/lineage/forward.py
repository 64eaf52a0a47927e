"""Forward: from an address, a capture, a document or a version to everything that was made from it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from datacards.errors import UserError
from datacards.evaluated import splits_asked
from datacards.lineage.asked import Asked
from datacards.lineage.backward import one_document
from datacards.lineage.reach import (
    CAPTURE,
    SHA,
    Group,
    Left,
    Reached,
    candidates,
    captured,
    left_out,
    reach,
)
from datacards.lineage.rows import Holder
from datacards.lineage.trace import (
    Arrow,
    Captured,
    Thing,
    Trace,
    capture_things,
    version_arrows,
    version_thing,
)
from datacards.lineage.versions import Graph, Version
from datacards.store import Store


def forward(store: Store, graph: Graph, what: Asked, limit: int = 20) -> Trace:
    """Return what was made from ``what``: of rows all are counted and ``limit`` of each kind are named.

    Raises UserError when the store holds no trace of it.
    """
    if what.kind == "version":
        return _of_version(graph, what)
    found: Captured = []
    ids: list[str] = []
    if what.kind == "document":
        ids = [str(one_document(store, graph.versions.values(), what.value, "store")["id"])]
    else:
        found = captured(store, graph, what.kind, what.value)
    bodies = {what.value} if what.kind == CAPTURE else set()
    sha256 = bodies | {row["sha256"] for _, row in found}
    among = candidates(graph, {str(version.ref) for version, _ in found} or _datasets(graph))
    reached = reach(store, among, sha256=sha256, ids=ids, limit=limit)
    urls = [what.value] if what.kind == "address" else []
    left, lacking = left_out(store, among, urls=urls, sha256=bodies, ids=reached.ids, limit=limit)
    if not (found or reached.groups or left):
        raise UserError(
            "store", f"nothing is known of {what.value!r}", todo="see: kanagura cards lineage REF --urls"
        )
    made = _Made(graph, what)
    made.captures(found)
    made.rows(reached)
    made.left(left)
    made.versions(reached)
    return made.trace((*reached.unread, *lacking))


def _datasets(graph: Graph) -> set[str]:
    return {name for name, version in graph.versions.items() if version.kind == "dataset"}


def _of_version(graph: Graph, what: Asked) -> Trace:
    names = [what.value, *(str(version.ref) for version in graph.above(what.value))]
    names += [v.successor for n in names if (v := graph[n]).successor in graph.versions]
    names = [name for name in graph.versions if name in set(names)]
    things = {name: version_thing(graph[name]) for name in names}
    return Trace(what.value, "forward", (what.value,), things, tuple(version_arrows(graph, names)))


def rows_key(holder: Holder) -> str:
    """Return the key of the rows of one folder and split of a version."""
    return f"{holder.version}/{holder.folder}/{holder.split}"


class _Made:
    """A trace in the making."""

    def __init__(self, graph: Graph, what: Asked) -> None:
        self.graph, self.what = graph, what
        self.things: dict[str, Thing] = {}
        self.arrows: list[Arrow] = []
        self.starts: list[str] = []
        self.groups: Mapping[Holder, Group] = {}

    def trace(self, unread: Iterable[str]) -> Trace:
        """Return the finished trace."""
        return Trace(
            self.what.value,
            "forward",
            tuple(self.starts),
            self.things,
            tuple(dict.fromkeys(self.arrows)),
            tuple(unread),
        )

    def captures(self, found: Captured) -> None:
        """Add addresses, what was fetched from them, and the versions that hold it."""
        if self.what.kind == "address":
            self._start(Thing(self.what.value, "address", self.what.value, url=self.what.value))
        elif self.what.kind == CAPTURE:
            self._start(Thing(SHA + self.what.value, CAPTURE, SHA + self.what.value, digest=self.what.value))
        for thing, arrows in capture_things(found):
            self.things[thing.key] = thing
            self.arrows += arrows
        addresses = {a.source: None for a in self.arrows if a.kind == "fetched_from"}
        for url in addresses:
            self.things.setdefault(url, Thing(url, "address", url, url=url))

    def _start(self, thing: Thing) -> None:
        self.things[thing.key] = thing
        self.starts.append(thing.key)

    def rows(self, reached: Reached) -> None:
        """Add the rows, what they were derived from, and the versions that hold them."""
        self.groups = reached.groups
        order = {name: place for place, name in enumerate(self.graph.versions)}
        holders = sorted(
            reached.groups, key=lambda h: (order[h.version], -bool(reached.groups[h].parents[CAPTURE]))
        )
        of_folder: defaultdict[str, list[Holder]] = defaultdict(list)
        for holder in holders:
            of_folder[holder.folder].append(holder)
        same: dict[tuple[object, ...], str] = {}
        for holder in holders:
            group = reached.groups[holder]
            first = same.setdefault((holder.folder, holder.split, *sorted(group.files)), holder.version)
            self.things[key := rows_key(holder)] = _rows_thing(holder, group, first)
            if not group.parents:
                self.starts.append(key)
            for folder, number in group.parents.items():
                for source in self._sources(holder, folder, of_folder):
                    self.arrows.append(Arrow(key, source, "derived_from", count=number))
            self.arrows.append(Arrow(holder.version, key, "holds", count=group.count))

    def _sources(self, holder: Holder, folder: str, of_folder: Mapping[str, list[Holder]]) -> list[str]:
        """Return what rows in ``folder`` they come from: those of their own version, else of the first that has some."""
        if folder == CAPTURE:
            return [thing.key for thing in self.things.values() if thing.kind == CAPTURE]
        groups = self.groups
        others = [
            one
            for one in of_folder[folder]
            if one.folder != holder.folder
            or (one != holder and (groups[one].parents[CAPTURE] or not groups[one].parents))
        ]  # rephrasings lie in the folder of the documents that they were made from
        own = [one for one in others if one.version == holder.version]
        return [rows_key(one) for one in own or others if own or one.version == others[0].version]

    def left(self, left: Mapping[Left, Group]) -> None:
        """Add what was left out, and the versions that did not take it in."""
        known = [t.key for kind in (CAPTURE, "address") for t in self.things.values() if t.kind == kind]
        for (version, reason, stage), group in left.items():
            key = f"{version}/dropped/{reason}/{stage}"
            shown = [{name: row.get(name) or "" for name in ("detail", "url", "sha256", "document_id", "title")}
                     for row in group.shown]  # fmt: skip
            licenses = dict.fromkeys(row["license"] or "" for row in group.shown)
            self.things[key] = Thing(
                key, "dropped", f"{reason} ({stage})", version, state=reason, license=", ".join(licenses),
                url=shown[0]["url"] if shown else "", count=group.count, more={"stage": stage, "rows": shown},
            )  # fmt: skip
            self.arrows.append(Arrow(version, key, "left_out", count=group.count))
            self.arrows += [Arrow(key, source, "derived_from", count=group.count) for source in known[:1]]

    def versions(self, reached: Reached) -> None:
        """Add the versions that hold any of it, and the checkpoints and evaluations that it went into."""
        rows: defaultdict[str, dict[tuple[str, str], int]] = defaultdict(dict)
        for holder, group in reached.groups.items():
            rows[holder.version][holder.folder, holder.split] = group.count
        named = {a.made for a in self.arrows if a.kind in ("holds", "left_out")}
        taken = {a.made for a in self.arrows if a.kind == "holds"}
        for name, version in self.graph.versions.items():
            arrows = [one for link in self.graph.inputs(name) for one in _went(version, link, rows, taken)]
            if arrows and version.kind in ("checkpoint", "evaluation"):
                taken.add(name)
                self.arrows += arrows
        found = named | taken
        found |= {v.successor for name in found if (v := self.graph[name]).successor in self.graph.versions}
        for name, version in self.graph.versions.items():
            if name in found:
                self.things[name] = version_thing(version)
        stages = {name for name in found if self.graph[name].kind in ("captures", "dataset", "takedown", "")}
        self.arrows += version_arrows(self.graph, [name for name in self.graph.versions if name in stages])


def _went(
    version: Version, link: Any, rows: Mapping[str, Mapping[tuple[str, str], int]], taken: set[str]
) -> list[Arrow]:
    """Return the arrow by which a checkpoint or an evaluation got any of it through one input, if it did.

    A trainer of ours reads the split train of the formats its recipe names; what another one reads is not known,
    so every row counts. An evaluation asks about rows of the splits that its tasks name, else of the split test.
    """
    state = "changed" if link.changed else "ok"
    recipe = version.card.recipe if version.card else {}
    if link.source in rows:
        here = rows[link.source]
        if version.kind == "evaluation":
            asked = splits_asked(version.card) if version.card else frozenset({"test"})
            number = sum(n for (_, split), n in here.items() if split in asked)
            return [Arrow(link.made, link.source, "asked", link.digest, state, number)] if number else []
        formats = recipe.get("formats")
        read = {k: n for k, n in here.items() if k[0] != "pointers"}
        if "trainer" in recipe:
            read = {k: n for k, n in read.items() if k[1] == "train" and (not formats or k[0] in formats)}
        number = sum(read.values())
        return [Arrow(link.made, link.source, "trained_on", link.digest, state, number)] if number else []
    if link.source in taken:
        kind = "scored" if version.kind == "evaluation" else "made_from"
        return [Arrow(link.made, link.source, kind, link.digest, state)]
    return []


def _rows_thing(holder: Holder, group: Group, first: str) -> Thing:
    urls = dict.fromkeys(row["url"] or "" for row in group.shown)
    licenses = dict.fromkeys(row["license"] or "" for row in group.shown)
    shown = [
        {
            name: row.get(name) or ""
            for name in ("id", "format", "source", "url", "title", "section", "license")
        }
        | {"made_from": list(dict.fromkeys(span["id"] for span in row["made_from"] or ()))}
        for row in group.shown
    ]
    return Thing(
        rows_key(holder), "rows", f"{holder.folder} {holder.split}", holder.version, license=", ".join(licenses),
        url=next(iter(urls), "") if len(urls) == 1 else "", count=group.count,
        more={"folder": holder.folder, "split": holder.split, "rows": shown,
              "as_in": first if first != holder.version else ""},
    )  # fmt: skip
