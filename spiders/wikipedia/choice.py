"""Chooses the articles of a dump: by the wiki's own tables of links, or by the links in the pages themselves."""

import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Protocol

import numpy as np

from corpus.document import Capture
from spiders.wikipedia.categories import Choice, Graph, Tree
from spiders.wikipedia.dump import CATEGORY, FILE, Dump, Origin, Page, articles
from spiders.wikipedia.sql import Row, Table
from spiders.wikipedia.stream import Distance, at_once, sha1_of

#: The tables that are read, in the order in which they are needed, and the columns without which they are of no use.
TABLES: Mapping[str, tuple[str, ...]] = {
    "categorylinks": ("cl_from", "cl_type"),
    "linktarget": ("lt_id", "lt_namespace", "lt_title"),
    "page": ("page_id", "page_namespace", "page_title"),
}
_LINK = re.compile(
    rb"\[\[\s*(?:category|\xe3\x82\xab\xe3\x83\x86\xe3\x82\xb4\xe3\x83\xaa)\s*:\s*([^\]|#]+)", re.IGNORECASE
)
_CATEGORY = b"14"  # the number of the namespace
_DIGITS = 15  # of a page's number; a longer one is none
Steps = Generator[None, None, "Chosen"]


class Chosen(Protocol):
    """Which articles are wanted; ``missing`` counts what one table names and another does not hold."""

    tree: Tree
    missing: Counter[str]
    damages: dict[str, str]  # table -> why it ended too early

    def rank(self, page: Page) -> int:
        """Return the rank of the nearest entered category that an article is in, -1 for an unwanted one."""


class ByTables:
    """Articles by ``categorylinks``, which also knows the categories that templates add.

    Memory: twelve bytes for each wanted page; nothing for any other.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.missing: Counter[str] = Counter()
        self.damages: dict[str, str] = {}
        self._pages, self._ranks = array("Q"), array("I")

    def add(self, pages: "array[int]", ranks: "array[int]") -> None:
        """Take the wanted pages: two columns of equal length; the smallest rank of a page counts."""
        ids, kinds = np.frombuffer(pages, dtype=np.uint64), np.frombuffer(ranks, dtype=np.uint32)
        order = np.lexsort((kinds, ids))
        ids, kinds = ids[order], kinds[order]
        first = np.ones(len(ids), dtype=bool)
        first[1:] = ids[1:] != ids[:-1]
        self._pages.frombytes(ids[first].tobytes())
        self._ranks.frombytes(kinds[first].tobytes())
        self.missing["wanted page"] = len(self._pages)  # until the dump is read

    def rank(self, page: Page) -> int:
        """Return the rank of a page, -1 for an unwanted one."""
        at = bisect_left(self._pages, page.id)
        if at == len(self._pages) or self._pages[at] != page.id:
            return -1
        self.missing["wanted page"] -= 1
        return self._ranks[at]


class ByLinks:
    """Articles by the links in their wikitext: what is left when the tables are not to be had."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.missing: Counter[str] = Counter()
        self.damages: dict[str, str] = {}

    def rank(self, page: Page) -> int:
        """Return the rank of a page, -1 for an unwanted one; counts it for every category it is in."""
        if page.namespace in (FILE, CATEGORY):  # the tables, too, count these apart
            return -1
        ranks = {self.tree.ranks.get(title, -1) for title in links(page.raw)} - {-1}
        for rank in ranks:
            self.tree.pages[rank] += 1
        return min((rank for rank in ranks if not self.tree.visits[rank].why), default=-1)


def usable(table: Table) -> bool:
    """Return whether a dump of a table declares the columns that are needed, in the old or the new form."""
    target = table.name != "categorylinks" or bool({"cl_to", "cl_target_id"} & set(table.columns))
    return target and set(TABLES[table.name]) <= set(table.columns)


def by_links(dump: Path, choice: Choice) -> Steps:
    """Choose by the category pages of the dump itself: one pass over it, before the one that takes the articles."""
    graph = Graph()
    reader = Dump(dump)
    distance = Distance(f"categories of {dump.name}", reader.total)
    for pages in reader.batches():
        for page in pages:
            if page.namespace == CATEGORY and not page.redirect:
                child = graph.number(page.title.partition(":")[2])
                for parent in links(page.raw):
                    graph.below(graph.number(parent), child)
        distance.at(reader.done)
        yield
    distance.close()
    return ByLinks(graph.walk(choice))


def links(raw: bytes) -> set[str]:
    """Return the titles of the categories that the XML of a page links to."""
    return {title(unescape(found.decode("utf-8", "replace"))) for found in _LINK.findall(raw)} - {""}


def title(text: str) -> str:
    """Return a title as the dump writes it: spaces, and the first letter capital, as the wiki makes it."""
    text = text.strip().replace("_", " ")
    return text[:1].upper() + text[1:]


def by_tables(files: Mapping[str, Path], choice: Choice) -> Steps:
    """Choose by the tables in ``files`` (``categorylinks``, ``page`` and, for the new form, ``linktarget``).

    Since MediaWiki 1.45 a link names its category by a number (``cl_target_id``, ``lt_id``), before by title
    (``cl_to``). The tables of one date were written one after another, while the wiki was edited: a number that
    another table does not know is counted and passed over.
    """
    reading = _Reading(files)
    graph = Graph()
    own = yield from reading.numbered("page", graph)
    new = "cl_target_id" in Table(files["categorylinks"], "categorylinks").columns
    targets = (yield from reading.numbered("linktarget", graph)) if new else None
    yield from reading.edges(graph, own, targets)
    tree = graph.walk(choice)
    if targets is None:
        keys = {name.replace(" ", "_").encode(): rank for name, rank in tree.ranks.items()}
    else:
        known = (tree.ranks.get(name, -1) for name in map(graph.titles.__getitem__, targets.values()))
        keys = {key: rank for key, rank in zip(targets, known, strict=True) if rank >= 0}
    del graph, own, targets  # the largest of what is held, and of no use any more
    chosen = ByTables(tree)
    yield from reading.members(chosen, keys, new=new)
    chosen.missing.update(reading.missing)
    chosen.damages = reading.damages
    return chosen


class _Reading:
    """One pass after another over the tables, with what was missing or damaged in them."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.files = files
        self.missing: Counter[str] = Counter()
        self.damages: dict[str, str] = {}

    def rows(self, name: str, *columns: str) -> Iterator[list[Row]]:
        """Yield the rows of a table in batches; say how far it is and remember its damage."""
        table = Table(self.files[name], name)
        distance = Distance(self.files[name].name, table.total)
        for rows in table.batches(*columns):
            yield rows
            distance.at(table.done)
        distance.close()
        if table.damage:
            self.damages[name] = table.damage

    def numbered(self, name: str, graph: Graph) -> Generator[None, None, dict[bytes, int]]:
        """Return id -> number in the graph for the categories in ``page`` or ``linktarget``."""
        found: dict[bytes, int] = {}
        for rows in self.rows(name, *TABLES[name]):
            for key, space, text in rows:
                if space == _CATEGORY and key and text:
                    found[key] = graph.number(_title(text))
            yield
        return found

    def edges(
        self, graph: Graph, own: Mapping[bytes, int], targets: Mapping[bytes, int] | None
    ) -> Generator[None, None, None]:
        """Put into the graph which category lies below which; count links to what no table knows."""
        column = "cl_to" if targets is None else "cl_target_id"
        for rows in self.rows("categorylinks", "cl_from", column, "cl_type"):
            for key, target, kind in rows:
                if targets is not None and target not in targets:
                    self.missing["linktarget"] += 1
                elif kind != b"subcat" or not key or not target:
                    continue
                elif key not in own:
                    self.missing["page"] += 1
                else:
                    parent = graph.number(_title(target)) if targets is None else targets[target]
                    graph.below(parent, own[key])
            yield

    def members(
        self, chosen: ByTables, keys: Mapping[bytes, int], *, new: bool
    ) -> Generator[None, None, None]:
        """Take the pages that are directly in an entered category, and count those of every category met."""
        tree = chosen.tree
        pages, ranks = array("Q"), array("I")
        entered = [not visit.why for visit in tree.visits]
        for rows in self.rows("categorylinks", "cl_from", "cl_target_id" if new else "cl_to", "cl_type"):
            for page, target, kind in rows:
                rank = keys.get(target or b"", -1)
                if rank < 0 or kind != b"page" or not page or not page.isdigit():
                    continue
                tree.pages[rank] += 1
                if entered[rank] and len(page) <= _DIGITS:
                    pages.append(int(page))
                    ranks.append(rank)
            yield
        chosen.add(pages, ranks)


def _title(text: bytes) -> str:
    return text.decode("utf-8", "replace").replace("_", " ")


def read_dump(path: Path, choice: Choice, wiki: str = "jawiki") -> Iterator[Capture]:
    """Yield the captures of a dump file alone: articles by the links in their text, up to where it is damaged."""
    chosen, sha1 = at_once(by_links(path, choice)), at_once(sha1_of(path))
    saved = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    origin = Origin(wiki=wiki, date="", file=path.name, sha1=sha1, fetched_at=saved)
    for capture in articles(Dump(path), chosen.rank, chosen.tree.path, origin, Counter()):
        if capture is not None:
            yield capture
