"""The first page of a site: all versions of the store, by kind and name, the newest first."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from datacards.card import Card
from datacards.lineage import Graph, Version
from datacards.render.findings import documents
from datacards.render.markup import Markup, tag
from datacards.site.drawing import page_of
from datacards.site.page import folder_of, size, table
from datacards.site.version import withdrawn

KINDS = {
    "dataset": "Datasets",
    "captures": "Captures",
    "checkpoint": "Checkpoints",
    "evaluation": "Evaluations",
    "takedown": "Takedowns",
    "": "Damaged",
}


def catalog(graph: Graph, browsers: Mapping[str, str], order: Sequence[str]) -> Iterator[Markup]:
    """Yield the page; ``browsers`` has the addresses of pages of documents by version, ``order`` all versions by age."""
    found = [graph[name] for name in order]
    yield tag("h1", "Catalog")
    yield tag("p", _told(found), class_="lead")
    for kind, title in KINDS.items():
        if of_kind := [version for version in found if version.kind == kind]:
            yield tag("section", tag("h2", title), _table(graph, title, of_kind, browsers))


def _told(found: Sequence[Version]) -> str:
    names = {version.ref.name for version in found}
    rows = sum(_rows(v.card) for v in found if v.card and v.state == "ok")
    return f"{len(found):,} versions under {len(names):,} names, with {rows:,} documents in the datasets that stand."


def _rows(card: Card) -> int:
    return sum(sum(splits.values()) for splits in documents(card).values())


def _table(graph: Graph, title: str, found: Sequence[Version], browsers: Mapping[str, str]) -> Markup:
    rows: list[list[object]] = []
    for name, group in groupby(sorted(found, key=lambda v: v.ref.name), key=lambda v: v.ref.name):
        for place, version in enumerate(reversed(list(group))):
            rows.append(_row(graph, version, browsers, newest=place == 0, name=name))
    head = ["version", "made", "holds", "size", "may be passed on"]
    return table(title, head, rows, numbers=(3,), hidden=True, class_="catalog")


def _row(
    graph: Graph, version: Version, browsers: Mapping[str, str], *, newest: bool, name: str
) -> list[object]:
    card = version.card
    if card is None:
        return [str(version.ref), "", tag("strong", "its card cannot be read"), "", ""]
    label = tag(
        "a",
        tag("span", name, class_="name" if newest else "name again"),
        " ",
        tag("span", version.ref.version, class_="when"),
        href=page_of(version),
    )
    told: list[object] = [holds(card)]
    if notice := withdrawn(graph, version, ""):
        told = [notice]
    elif page := browsers.get(str(version.ref)):
        told += [
            " ",
            tag(
                "a",
                "documents",
                href=folder_of(version.ref) + page,
                **{"aria-label": f"documents of {version.ref}"},
            ),
        ]
    return [
        label,
        tag("span", f"{card.created_at:%Y-%m-%d}", class_="whole"),
        tag("span", *told),
        size(sum(f.bytes for f in card.files)),
        _passed(card),
    ]


def holds(card: Card) -> str:
    """Return in a few words what a version holds."""
    if card.kind == "evaluation":
        return ", ".join(f"{name} {value:.3f}" for name, value in list(card.metrics.items())[:4])
    if card.kind == "dataset":
        return ", ".join(f"{sum(splits.values()):,} {name}" for name, splits in documents(card).items())
    counts = {name.replace("_", " "): n for name, n in card.counts.items() if n and " " not in name}
    told = tuple(counts)[:4]
    if card.kind == "captures":
        counts = {name.replace("captures ", ""): n for name, n in counts.items()}
        told = ("captures", "unchanged", "carried", "disallowed", "failed", "incomplete")
    return ", ".join(f"{counts[name]:,} {name}" for name in told if name in counts)


def _passed(card: Card) -> str:
    """Return how many records may be given to others."""
    total, free = (
        sum(r.records for r in card.rights if r.redistribution or every) for every in (True, False)
    )
    if not card.rights:
        return ""
    return "all" if total == free else "none" if not free else f"{free:,} of {total:,}"
