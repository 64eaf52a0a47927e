"""The page of one version: what it is, what became of it, its plots, and all that its README says."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

from datacards.card import Card, Ref
from datacards.lineage import Graph, Version
from datacards.places import CARD
from datacards.render import plots
from datacards.render.findings import documents
from datacards.render.markup import Markup, tag
from datacards.site.drawing import page_of
from datacards.site.page import facts, joined, size
from datacards.site.readme import readme
from datacards.store import Store

README = "README.md"
LARGE = 2_000_000  # bytes of a picture that a page still holds
COPIED = (CARD, "croissant.json")  # what stands beside the page for machines
UP = "../../../"  # from a version's page to the root of the site


def version_page(store: Store, graph: Graph, version: Version, documents_page: str) -> Iterator[Markup]:
    """Yield the page of a version with a card; ``documents_page`` is the address of its documents, if it has any.

    Of a withdrawn version only facts are told: its README may quote what was taken down.
    """
    ref, card = version.ref, version.card
    assert card  # noqa: S101  for the type checker
    yield tag("p", tag("a", "Catalog", href=f"{UP}index.html"), " / ", card.kind, class_="path")
    yield tag("h1", tag("span", ref.name), " ", tag("span", ref.version, class_="when"))
    if notice := withdrawn(graph, version, UP):
        yield tag("p", notice, class_="note")
    if card.description:
        yield tag("p", tag("bdi", card.description), class_="lead")
    if documents_page:
        yield tag("p", tag("a", "Browse the documents", href=documents_page, class_="button"))
    copied = [
        name
        for name in COPIED
        if version.state == "ok" and (name == CARD or name in {f.path for f in card.files})
    ]
    links = joined([tag("a", name, href=name) for name in copied])
    yield facts([*_facts(graph, ref, card), ("for machines", links)])
    if version.state == "withdrawn":
        return
    picture = _pictures(store, ref, card)
    text = _readme(store, ref)
    if card.kind == "dataset" and "plots/" not in text:
        yield from _plots(card, picture)
    body, parts = readme(_undescribed(text, card), pages=lambda name: _page(graph, name), picture=picture)
    if len(parts) > 3:
        items = (tag("li", tag("a", title, href=f"#{place}")) for place, title in parts)
        yield tag(
            "nav",
            tag("h2", "On this page", class_="label"),
            tag("ul", *items),
            class_="parts",
            **{"aria-label": "On this page"},
        )
    yield tag("div", body, class_="readme")


def withdrawn(graph: Graph, version: Version, root: str) -> Markup | None:
    """Return what is to be said of a version that a takedown withdrew, None of any other."""
    if version.state not in ("withdrawn", "purged"):
        return None

    def named(name: str) -> object:
        page = page_of(graph.versions[name]) if name in graph.versions else ""
        return tag("a", name, href=root + page) if page else name

    instead = (
        Markup(f" Use {named(version.successor)} instead.")
        if version.successor
        else " Nothing takes its place."
    )
    return tag("span", tag("strong", "Withdrawn"), " by ", named(version.withdrawn_by), ".", instead)


def _facts(graph: Graph, ref: Ref, card: Card) -> Iterator[tuple[object, object]]:
    def linked(names: list[str]) -> Markup:
        return joined([tag("a", n, href=p) if (p := _page(graph, n)) else tag("span", n) for n in names])

    yield "kind", card.kind
    yield "made", f"{card.created_at:%Y-%m-%d}"
    rows = sum(sum(splits.values()) for splits in documents(card).values())
    yield "documents", f"{rows:,}" if rows else ""
    yield "files", f"{len(card.files):,}, {size(sum(file.bytes for file in card.files))}"
    yield "made from", linked([link.source for link in graph.inputs(ref)])
    yield "was made into", linked([link.made for link in graph.users(ref)])
    yield "digest", tag("code", ref.digest)


def _page(graph: Graph, name: str) -> str:
    """Return the address of the page of the version called ``name``, '' when there is none."""
    found = graph.versions.get(name)
    page = page_of(found) if found else ""
    return UP + page if page else ""


def _readme(store: Store, ref: Ref) -> str:
    path = store.path(ref, README)
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _undescribed(text: str, card: Card) -> str:
    """Return a README without the description, which stands at the top of the page."""
    return text.replace(f"\n{card.description}\n", "\n", 1) if card.description else text


def _pictures(store: Store, ref: Ref, card: Card) -> Callable[[str], Markup | None]:
    """Return what gives a picture of the version by its path, as data: nothing in it can run, or be opened alone."""
    known = {file.path for file in card.files if file.path.endswith((".svg", ".png")) and file.bytes <= LARGE}

    def picture(path: str) -> Markup | None:
        if path not in known or not (file := store.path(ref, path)).is_file():
            return None
        return image(
            file.read_bytes(), "image/svg+xml" if path.endswith(".svg") else "image/png", _told(path)
        )

    return picture


def _told(path: str) -> str:
    return Path(path).stem.replace("_", " ").replace("-", " ")


def image(content: bytes, media_type: str, told: str) -> Markup:
    """Return a picture in the page, as data."""
    data = b64encode(content).decode()
    return tag(
        "span", Markup(f'<img alt="{escape(told)}" src="data:{media_type};base64,{data}">'), class_="plot"
    )


def _plots(card: Card, picture: Callable[[str], Markup | None]) -> Iterator[Markup]:
    """Yield the plots beside a README that shows none; where there are none either, one of the card's numbers."""
    drawn = [made for file in card.files if file.path.startswith("plots/") and (made := picture(file.path))]
    rows = documents(card)
    if not drawn and any(sum(splits.values()) for splits in rows.values()):
        drawn = [image(plots.bars(rows).encode(), "image/svg+xml", "documents per format and split")]
    if drawn:
        yield tag("section", tag("h2", "At a glance"), *(tag("figure", one) for one in drawn), class_="plots")
