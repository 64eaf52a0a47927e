"""Which articles of a wiki are wanted: a walk down its categories from given roots, breadth first."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

CHOICE = Path(__file__).with_name("categories.yaml")
Title = Annotated[str, Field(min_length=1)]


class Choice(BaseModel):
    """Where the walk begins, how many steps it goes down, and what it does not enter.

    ``roots`` are titles of categories without their namespace. A category with one of the words ``stop`` in its
    title is not entered, unless it is a root; neither is one more than ``depth`` steps below the nearest root.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    roots: Annotated[tuple[Title, ...], Field(min_length=1)]
    stop: tuple[Title, ...] = ()
    depth: Annotated[int, Field(ge=0)] = 3


@dataclass(frozen=True, slots=True)
class Visit:
    """One category that the walk met; ``why`` says why it was not entered, "" if it was; ``parent`` is a rank."""

    title: str
    depth: int
    parent: int = -1
    why: str = ""


class Tree:
    """The categories that a walk met, in its order: a category's place in it, its rank, orders by distance too."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []
        self.ranks: dict[str, int] = {}
        self.pages: list[int] = []  # of each category, as counted while articles are chosen

    def add(self, visit: Visit) -> int:
        """Add a category and return its rank."""
        rank = self.ranks[visit.title] = len(self.visits)
        self.visits.append(visit)
        self.pages.append(0)
        return rank

    def path(self, rank: int) -> str:
        """Return the way that led to a category: ``root > ... > category``."""
        titles = []
        while rank >= 0:
            titles.append(self.visits[rank].title)
            rank = self.visits[rank].parent
        return " > ".join(reversed(titles))

    def holds(self, title: str) -> bool:
        """Return whether a page was counted for a category."""
        return title in self.ranks and self.pages[self.ranks[title]] > 0

    def rows(self) -> Iterator[dict[str, str | int | bool]]:
        """Yield one row for each category met: what the version publishes of the walk."""
        for visit, pages in zip(self.visits, self.pages, strict=True):
            parent = self.visits[visit.parent].title if visit.parent >= 0 else ""
            yield {
                "title": visit.title, "depth": visit.depth, "parent": parent, "pages": pages,
                "entered": not visit.why, "why_not": visit.why,
            }  # fmt: skip


class Graph:
    """The categories of a wiki: a number for each title, and which lies directly below which.

    Memory: one string and one dictionary entry for a category, eight bytes for an edge; nothing of any article.
    """

    def __init__(self) -> None:
        self.titles: list[str] = []
        self._numbers: dict[str, int] = {}
        self._parents, self._children = array("I"), array("I")

    def number(self, title: str) -> int:
        """Return the number of a category, a new one for a title not seen before."""
        number = self._numbers.setdefault(title, len(self.titles))
        if number == len(self.titles):
            self.titles.append(title)
        return number

    def below(self, parent: int, child: int) -> None:
        """Remember that ``child`` lies directly below ``parent``."""
        self._parents.append(parent)
        self._children.append(child)

    def walk(self, choice: Choice) -> Tree:
        """Return what a breadth-first walk meets; equal graphs give equal trees, whatever the order of edges.

        A category is met once, on its shortest way; children of one category are taken in the order of their
        titles. So a cycle ends where it began.
        """
        parents = np.frombuffer(self._parents, dtype=np.uint32)
        order = np.argsort(parents, kind="stable")
        parents, children = parents[order], np.frombuffer(self._children, dtype=np.uint32)[order]
        tree = Tree()
        for root in dict.fromkeys(choice.roots):
            tree.add(Visit(root, 0))  # also one that nothing is known of: articles may name it all the same
        rank = 0
        while rank < len(tree.visits):
            visit = tree.visits[rank]
            number = self._numbers.get(visit.title)
            if not visit.why and number is not None:
                first, last = np.searchsorted(parents, np.array([number, number + 1], dtype=np.uint32))
                for title in sorted({self.titles[child] for child in children[first:last]}):
                    if title not in tree.ranks:
                        depth = visit.depth + 1
                        tree.add(Visit(title, depth, rank, _why_not(title, depth, choice)))
            rank += 1
        return tree


def _why_not(title: str, depth: int, choice: Choice) -> str:
    if word := next((word for word in choice.stop if word in title), ""):
        return f"stop word {word}"
    return f"deeper than {choice.depth}" if depth > choice.depth else ""
