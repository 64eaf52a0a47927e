"""The whole site of a store: every page written once, into a folder that takes its place when all are there."""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from datacards.card import Ref
from datacards.diff import diff
from datacards.lineage import Graph, Version, graph
from datacards.places import CARD
from datacards.render.markup import tag
from datacards.site.catalog import catalog
from datacards.site.choice import Choice, choose
from datacards.site.differences import PAIRS, Told, difference_page, overview, path_of
from datacards.site.documents import NAME, write_documents
from datacards.site.drawing import drawing, listing
from datacards.site.page import Frame, folder_of, scrolled
from datacards.site.put import MADE_BY, MARK, swapped
from datacards.site.version import COPIED, version_page
from datacards.store import Store

HERE = Path(__file__).parent
DOCUMENTS = 2_000


@dataclass(frozen=True, slots=True)
class Built:
    """What a site holds: its versions, and for each dataset how many documents are shown of how many."""

    versions: int
    documents: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Site:
    """The folder in which the pages are written, and what they share."""

    work: Path
    frame: Frame

    def put(self, title: str, path: str, body: Iterable[object], *, wide: bool = False) -> None:
        page = self.frame.page(title, *body, path=path, wide=wide)
        (self.work / path).write_text(page, encoding="utf-8", errors="replace")

    def folder(self, path: str) -> None:
        (self.work / path).mkdir(parents=True, exist_ok=True)


def build(
    store: Store,
    out: Path,
    *,
    documents: int = DOCUMENTS,
    restricted: bool = False,
    differences: Sequence[tuple[Ref, Ref]] = (),
) -> Built:
    """Render the store as static pages in the folder ``out``; the same store gives the same bytes.

    At most ``documents`` of every dataset version are shown. Texts that may not be given to others are shown as
    pointers, unless ``restricted``; then every page says that the site may not be put online. ``differences`` are pairs
    of versions with a page of their own. Raises UserError when a version is damaged or ``out`` may not be replaced.
    """
    found = graph(store)
    with swapped(out, store.root) as work:
        site = _Site(work, Frame(restricted, bool(differences)))
        for name in ("site.css", "site.js"):
            shutil.copyfile(HERE / name, work / name)
        built = Built(len(store.refs()))
        browsers: dict[str, str] = {}
        ids: dict[str, frozenset[str]] = {}
        compared = {str(ref) for pair in differences for ref in pair}
        versions = [version for version in found.versions.values() if version.card]
        for version in tqdm(versions, desc="site", unit=" versions", disable=None):
            if choice := _documents(store, version, documents):
                built.documents[str(version.ref)] = choice.shown, choice.total
                browsers[str(version.ref)] = NAME
                ids[str(version.ref)] = frozenset(choice.places if str(version.ref) in compared else ())
            _version(store, found, version, site, choice)
        order = [str(ref) for ref in store.refs()]
        site.put("Kanagura", "index.html", catalog(found, browsers, order))
        _differences(store, site, differences, ids)
        site.put("Lineage", "lineage.html", _lineage(found), wide=True)
        _mark(work, restricted, built)
    return built


def _documents(store: Store, version: Version, most: int) -> Choice | None:
    """Return the documents of a version that are shown, None when it has none that may be looked at."""
    if version.state != "ok" or version.kind != "dataset" or not version.card:
        return None
    choice = choose(store, version.ref, version.card, most)
    return choice if choice.places else None


def _version(store: Store, found: Graph, version: Version, site: _Site, choice: Choice | None) -> None:
    """Write the pages of one version."""
    card, folder = version.card, folder_of(version.ref)
    assert card  # noqa: S101  for the type checker
    site.folder(folder)
    if choice:
        write_documents(site.work, site.frame, version.ref, choice)
    site.put(
        str(version.ref), f"{folder}index.html", version_page(store, found, version, NAME if choice else "")
    )
    listed = {file.path for file in card.files} | {CARD}
    for name in COPIED if version.state == "ok" else ():
        if name in listed:
            shutil.copyfile(store.path(version.ref, name), site.work / folder / name)


def _differences(
    store: Store, site: _Site, pairs: Sequence[tuple[Ref, Ref]], ids: Mapping[str, frozenset[str]]
) -> None:
    """Write a page for every pair of versions, and one that lists them."""
    told = []
    for a, b in dict.fromkeys(pairs):
        path = path_of(a, b)
        site.folder(PAIRS)
        found = diff(store, a, b)
        site.put(f"{a} to {b}", path, difference_page(found, ids))
        told.append(Told(path, a, b, found.number()))
    if told:
        site.put("Differences", f"{PAIRS}index.html", overview(told))


def _lineage(found: Graph) -> Sequence[object]:
    kinds = ("captures", "dataset", "checkpoint", "evaluation", "takedown")
    keys = [tag("li", kind, class_=kind) for kind in kinds]
    if any(link.changed for links in found.inputs_of.values() for link in links):
        keys.append(tag("li", "dashed: the card of the input is another one now", class_="changed"))
    return (
        tag(
            "div",
            tag("h1", "Lineage"),
            tag(
                "p",
                "Every arrow is a recorded input with its digest, from the captures at the left to the scores at the right. Choose a version to see its card.",
                class_="lead",
            ),
            tag("ul", *keys, class_="keys"),
            class_="in",
        ),
        scrolled(drawing(found), "Drawing of the lineage"),
        tag("div", listing(found), class_="in"),
    )


def _mark(work: Path, restricted: bool, built: Built) -> None:
    """Write what makes the folder a site of ours, and of a site that is not for others that robots stay away."""
    said = {
        "made_by": MADE_BY,
        "restricted_texts": restricted,
        "versions": built.versions,
        "documents": built.documents,
    }
    (work / MARK).write_text(json.dumps(said, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    if restricted:
        (work / "robots.txt").write_text("User-agent: *\nDisallow: /\n", encoding="utf-8")
