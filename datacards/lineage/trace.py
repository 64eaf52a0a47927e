"""What a lineage found, as one small graph that text, JSON, PROV and picture are made from."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from datacards.lineage.versions import Graph, Version

SCHEMA = "kanagura-lineage/1"
Direction = Literal["backward", "forward"]
Captured = Sequence[tuple[Version, Mapping[str, Any]]]  # rows of indexes of captures, with their versions
#: Of things that are no versions; versions have the kind that their card tells, or "input" without one.
KINDS = ("address", "capture", "addresses", "document", "rows", "dropped", "score", "input")


@dataclass(frozen=True, slots=True)
class Thing:
    """One node: a version, or an address, a capture, a document, rows of one kind in one version, what was left out.

    ``key`` is unique in a trace. ``kind`` is that of a version's card, or one of ``KINDS``. ``ref`` names the version
    that it is or lies in. ``digest`` is a version's, or the SHA-256 of a capture's body. ``state`` is a version's
    (see ``Version``), or the state of a capture, or the reason why rows were left out. ``count`` is the number of
    rows, addresses or captures. ``more`` holds what only one kind has; all of it is JSON.
    """

    key: str
    kind: str
    label: str
    ref: str = ""
    digest: str = ""
    state: str = ""
    license: str = ""
    url: str = ""
    count: int = 1
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arrow:
    """One edge, from what was made to what it was made from.

    ``kind`` is ``made_from`` (an input in a card), ``trained_on``, ``asked`` (by an evaluation, of a corpus' test
    rows), ``holds`` (a version its rows or captures), ``derived_from`` (rows, of rows or captures), ``fetched_from``
    (a capture, an address), ``left_out`` (rows that did not get in), ``scored`` or ``stands_for`` (a successor).
    ``digest`` is the one recorded; ``state`` is ``changed`` when the card is another one now, else ``ok``.
    """

    made: str
    source: str
    kind: str
    digest: str = ""
    state: str = "ok"
    count: int = 0


@dataclass(frozen=True, slots=True)
class Trace:
    """What was asked, and all that was found; ``unread`` are files that should have been looked into and are missing."""

    asked: str
    direction: Direction
    starts: tuple[str, ...]
    things: Mapping[str, Thing]
    arrows: tuple[Arrow, ...]
    unread: tuple[str, ...] = ()

    def of_kind(self, *kinds: str) -> list[Thing]:
        """Return the things of some kinds, in order."""
        return [thing for thing in self.things.values() if thing.kind in kinds]

    def to_json(self) -> str:
        """Return the trace as JSON text, the same for the same store.

        ``{"schema", "asked", "direction", "starts", "nodes", "edges", "unread"}``. A node has ``id``, ``kind``,
        ``label``, ``ref``, ``digest``, ``state``, ``license``, ``url``, ``count`` and what its kind has besides; an
        edge has ``from`` (what was made), ``to`` (what it was made from), ``kind``, ``digest``, ``state``, ``count``.
        """
        nodes = [
            {
                "id": t.key,
                "kind": t.kind,
                "label": t.label,
                "ref": t.ref,
                "digest": t.digest,
                "state": t.state,
                "license": t.license,
                "url": t.url,
                "count": t.count,
                **t.more,
            }
            for t in self.things.values()
        ]
        edges = [
            {
                "from": a.made,
                "to": a.source,
                "kind": a.kind,
                "digest": a.digest,
                "state": a.state,
                "count": a.count,
            }
            for a in self.arrows
        ]
        whole = {
            "schema": SCHEMA,
            "asked": self.asked,
            "direction": self.direction,
            "starts": list(self.starts),
            "nodes": nodes,
            "edges": edges,
            "unread": list(self.unread),
        }
        return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def version_thing(version: Version) -> Thing:
    """Return the node of a version, with its recipe, provenance, scores and rights."""
    card, more = version.card, dict[str, Any]()
    if version.withdrawn_by:
        more |= {"withdrawn_by": version.withdrawn_by, "successor": version.successor}
    if card:
        made = card.provenance
        more |= {
            "created_at": card.created_at.isoformat(),
            "recipe": card.recipe,
            "commit": made.commit,
            "dirty": made.dirty,
            "libraries": dict(sorted(made.libraries.items())),
            "device": made.device,
        }
        if card.kind == "evaluation":
            more["scores"] = dict(card.metrics)
    licenses = dict.fromkeys(rights.license for rights in card.rights) if card else {}
    return Thing(
        key=str(version.ref),
        kind=version.kind or "input",
        label=str(version.ref),
        ref=str(version.ref),
        digest=version.ref.digest,
        state=version.state,
        license=", ".join(licenses),
        more=more,
    )


def version_arrows(graph: Graph, names: Iterable[str]) -> list[Arrow]:
    """Return the recorded inputs among the versions ``names``, and which stands for which that was withdrawn."""
    among = dict.fromkeys(names)
    found = [
        Arrow(link.made, link.source, "made_from", link.digest, "changed" if link.changed else "ok")
        for name in among
        for link in graph.inputs(name)
        if link.source in among
    ]
    successors = ((graph[name].successor, name) for name in among)
    return found + [Arrow(new, old, "stands_for") for new, old in successors if new in among]


def capture_things(captured: Captured) -> list[tuple[Thing, list[Arrow]]]:
    """Return each body that was fetched once, with its address and the versions whose indexes list it."""
    found: dict[str, tuple[Thing, list[Arrow]]] = {}
    for version, row in captured:
        key, name = f"sha256:{row['sha256']}", str(version.ref)
        visit = {
            "ref": name,
            "url": row["url"],
            "fetched_at": _moment(row.get("fetched_at")),
            "seen_at": _moment(row.get("seen_at")),
            "state": row.get("state") or "",
            "body_version": row.get("body_version") or "",
            "problem": row.get("problem") or "",
        }
        if key not in found:
            more = {"source": row["source"], "n_bytes": row.get("n_bytes"), "visits": list[dict[str, str]]()}
            thing = Thing(
                key,
                "capture",
                key,
                name,
                row["sha256"],
                visit["state"],
                row["license"] or "",
                row["url"],
                0,
                more,
            )
            found[key] = thing, []
        thing, arrows = found[key]
        thing.more["visits"].append(visit)
        arrows += [Arrow(name, key, "holds", count=1), Arrow(key, row["url"], "fetched_from")]
    return [(replace(t, count=len(t.more["visits"])), arrows) for t, arrows in found.values()]


def _moment(value: Any) -> str:
    return value.isoformat() if value else ""
