"""The part of the report that leads from a score to the captured addresses, version by version."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow.parquet as pq
import yaml

from datacards.lineage import Node
from datacards.render.findings import Findings
from datacards.render.graph import anchor, graph
from datacards.render.markup import Markup, details, link, table, tag
from datacards.store import Store

KINDS = ("evaluation", "checkpoint", "dataset", "captures")
SHOWN = 5000  # addresses of one captures version; a page with more is slow to open


def lineage_part(store: Store, found: Findings) -> Iterable[Markup]:
    """Yield the drawing of the lineage, then every version: what it was made from, recipe, files, addresses."""
    yield tag(
        "p",
        "Every arrow is a recorded input with its digest: the SHA-256 of the input's card, which in turn lists the "
        "SHA-256 of all its files. So one digest pins everything to its left.",
    )
    yield graph(found.nodes)
    for kind in KINDS:
        for node in found.of_kind(kind)[::-1] if kind != "captures" else found.of_kind(kind):
            yield _version(store, node)
    for node in found.nodes:
        if node.card is None:
            yield tag(
                "section",
                tag("h3", str(node.ref)),
                tag("p", _outside(node), class_="soft"),
                class_="version",
                id_=anchor(str(node.ref)),
            )


def _outside(node: Node) -> str:
    digest = f", files {node.ref.digest[:16]}" if node.ref.digest else ""
    return ("not in this store" if node.state == "absent" else "a model from outside the store") + digest


def _version(store: Store, node: Node) -> Markup:
    card = node.card
    assert card  # noqa: S101  for the type checker: of_kind gives versions with cards only
    made = card.provenance
    inputs = [tag("a", str(below.ref), href=f"#{anchor(str(below.ref))}") for below in node.inputs]
    told: list[object] = [
        tag("h3", str(node.ref), " ", tag("span", card.kind, class_="soft")),
        tag("p", card.description) if card.description else "",
        tag("p", "made from ", *_joined(inputs), class_="soft") if inputs else "",
        tag("p", tag("strong", "Its card is not the one that was used: it has changed since."))
        if node.state == "changed"
        else "",
    ]
    if card.kind == "captures":
        told.append(_addresses(store, node))
    recipe = yaml.safe_dump(card.recipe, allow_unicode=True, sort_keys=False)
    commit = f"commit {made.commit[:12]}" + (" with local changes" if made.dirty else "")
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(made.libraries.items()))
    files = [
        (f.path, "" if f.rows is None else f"{f.rows:,}", f"{f.bytes:,}", tag("code", f.sha256))
        for f in card.files
    ]
    told.append(
        details(
            "how it was made",
            tag("p", tag("code", made.command)),
            tag("p", f"{commit if made.commit else 'commit unknown'}, Python {made.python}, {made.platform}, "
                f"{made.device}; {libraries}", class_="soft"),
            tag("pre", recipe) if card.recipe else "",
        )
    )  # fmt: skip
    told.append(
        details(
            f"{len(files)} files",
            tag("p", "digest of the version ", tag("code", node.ref.digest), class_="soft"),
            table(["file", "rows", "bytes", "SHA-256"], files, numbers=(1, 2), class_="urls"),
        )
    )
    return tag("section", *told, class_=f"version {card.kind}", id_=anchor(str(node.ref)))


def _joined(parts: list[Markup]) -> Iterable[object]:
    for place, part in enumerate(parts):
        if place:
            yield ", "
        yield part


def _addresses(store: Store, node: Node) -> Markup:
    path = store.path(node.ref, "captures.parquet")
    if not path.is_file():
        return tag("p", "Its index captures.parquet is not in this store.", class_="soft")
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    by = Counter((row["source"], row["license"]) for row in rows)
    summary = ", ".join(f"{n:,} of {source} ({license_})" for (source, license_), n in sorted(by.items()))
    more = (
        tag(
            "p",
            f"The first {SHOWN:,} of {len(rows):,}; all: kanagura cards lineage {node.ref} --urls",
            class_="soft",
        )
        if len(rows) > SHOWN
        else ""
    )
    shown = [
        (link(row["url"]), f"{row['fetched_at']:%Y-%m-%d}", row["license"], tag("code", row["sha256"]))
        for row in rows[:SHOWN]
    ]
    return details(
        f"{len(rows):,} addresses: {summary}",
        table(["address", "fetched", "license", "SHA-256 of what came back"], shown, class_="urls"),
        more,
    )
