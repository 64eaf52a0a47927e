"""The lineage of a whole store as a drawing with links, and the same as a table for who does not see it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from statistics import fmean

from datacards.lineage import Graph, Version
from datacards.render.markup import Markup, tag
from datacards.site.page import folder_of, table

WIDTH, HEIGHT, GAP, STEP = 176, 42, 30, 54
LANE = 0.4  # of a row: what an arrow takes that passes a column
MOST_LANES = 50_000  # of a drawing in which arrows keep out of the way of boxes
SWEEPS = 8

Spot = tuple[int, float]  # column, row
Chain = list[str]  # from a version over the columns between to what was made from it


def page_of(version: Version) -> str:
    """Return the address of a version's page from the root of the site, '' when it has none."""
    return f"{folder_of(version.ref)}index.html" if version.card else ""


def drawing(graph: Graph, root: str = "") -> Markup:
    """Return the drawing: what was captured at the left, what was made of it to the right, an arrow for "made from"."""
    if not graph.versions:
        return Markup("")
    links = [link for name in graph.versions for link in graph.inputs(name)]
    depth = _depths(graph)
    lanes = len(links) * (1 + max(depth.values())) <= MOST_LANES
    chains = [_chain(link.source, link.made, depth) if lanes else [link.source, link.made] for link in links]
    spots = _spots(depth, chains)
    width = (1 + max(column for column, _ in spots.values())) * (WIDTH + GAP) - GAP + 8
    height = (1 + max(row for _, row in spots.values())) * STEP + 4
    edges = [
        _edge([spots[n] for n in chain], link.changed) for chain, link in zip(chains, links, strict=True)
    ]
    boxes = [_box(version, root, *spots[name]) for name, version in graph.versions.items()]
    told = f"{len(graph.versions):,} versions and {len(edges):,} arrows; the table below says the same."
    return Markup(
        f'<svg class="lineage" role="group" aria-labelledby="drawing-title drawing-told" width="{width}" height="{height:g}" '
        f'viewBox="-4 -4 {width} {height:g}"><title id="drawing-title">Lineage of the store</title>'
        f'<desc id="drawing-told">{told}</desc><g aria-hidden="true">{"".join(edges)}</g>{"".join(boxes)}</svg>'
    )


def listing(graph: Graph, root: str = "") -> Markup:
    """Return the table of all versions with what each was made from and what was made from it."""

    def linked(names: list[tuple[str, bool]]) -> Markup:
        made = []
        for name, changed in names:
            page = page_of(graph[name])
            words = tag("a", name, href=root + page) if page else name
            made.append(tag("li", words, " (another card now)" if changed else ""))
        return tag("ul", *made) if made else Markup("–")

    rows = [
        (
            tag("a", name, href=root + page_of(version)) if version.card else name,
            version.kind or "",
            "" if version.state == "ok" else version.state,
            linked([(link.source, link.changed) for link in graph.inputs(name)]),
            linked([(link.made, False) for link in graph.users(name)]),
        )
        for name, version in reversed(list(graph.versions.items()))
    ]
    return table(
        "Versions and what they were made from",
        ["version", "kind", "state", "made from", "was made into"],
        rows,
        class_="arrows",
    )


def _depths(graph: Graph) -> dict[str, int]:
    """Return the column of every version: right of its inputs, and as near to its users as may be."""
    names = list(graph.versions)  # each behind its inputs
    depth: dict[str, int] = {}
    for name in names:
        depth[name] = 1 + max((depth.get(link.source, -1) for link in graph.inputs(name)), default=-1)
    for name in reversed(names):
        later = [depth[link.made] for link in graph.users(name) if depth[link.made] > depth[name]]
        depth[name] = max(depth[name], min(later) - 1) if later else depth[name]
    return depth


def _chain(source: str, made: str, depth: Mapping[str, int]) -> Chain:
    """Return the two ends of an arrow with a name for its place in every column between them."""
    return [source, *(f"{source} {made} {column}" for column in range(depth[source] + 1, depth[made])), made]


def _spots(depth: Mapping[str, int], chains: Sequence[Chain]) -> dict[str, Spot]:
    """Return where versions and passing arrows lie, near to what they are tied to (Sugiyama et al. 1981)."""
    column = dict(depth)
    before: defaultdict[str, list[str]] = defaultdict(list)
    behind: defaultdict[str, list[str]] = defaultdict(list)
    for chain in chains:
        for left, right in pairwise(chain):
            column.setdefault(right, column[left] + 1)
            behind[left].append(right)
            before[right].append(left)
    columns: defaultdict[int, list[str]] = defaultdict(list)
    for name, number in column.items():
        columns[number].append(name)
    tallest = max(sum(_tall(name, depth) for name in names) for names in columns.values())
    rows: dict[str, float] = {}
    for number in columns:
        _stack(columns[number], depth, tallest, rows)
    for sweep in range(SWEEPS):
        near, order = (behind, sorted(columns, reverse=True)) if sweep % 2 == 0 else (before, sorted(columns))
        for number in order:
            mean = {n: fmean([rows[m] for m in near[n]]) if near[n] else rows[n] for n in columns[number]}
            columns[number].sort(key=mean.__getitem__)
            _stack(columns[number], depth, tallest, rows)
    return {name: (number, rows[name]) for name, number in column.items()}


def _tall(name: str, depth: Mapping[str, int]) -> float:
    return 1 if name in depth else LANE


def _stack(names: Sequence[str], depth: Mapping[str, int], tallest: float, rows: dict[str, float]) -> None:
    """Give the names of one column their rows, from the top, the column in the middle of the drawing."""
    at = (tallest - sum(_tall(name, depth) for name in names)) / 2
    for name in names:
        rows[name] = at - (1 - _tall(name, depth)) / 2  # the middle of an arrow's lane is its row's middle
        at += _tall(name, depth)


def _box(version: Version, root: str, column: int, row: float) -> str:
    x, y = column * (WIDTH + GAP), row * STEP
    name = version.ref.name if len(version.ref.name) <= 24 else version.ref.name[:23] + "…"
    state = "" if version.state == "ok" else version.state
    told = " · ".join(filter(None, [state or version.kind, version.ref.version[:14]]))
    inner = (
        f"<title>{escape(', '.join(filter(None, [str(version.ref), version.kind, state])))}</title>"
        f'<rect x="{x}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="4"/>'
        f'<rect x="{x}" y="{y:g}" width="5" height="{HEIGHT}" rx="2" class="edge"/>'
        f'<text x="{x + 15}" y="{y + 18:g}" class="name">{escape(name)}</text>'
        f'<text x="{x + 15}" y="{y + 33:g}" class="what">{escape(told)}</text>'
    )
    page = page_of(version)
    group = f'<g class="{version.kind or "none"} {version.state}">{inner}</g>'
    return f'<a href="{escape(root + page)}">{group}</a>' if page else group


def _edge(spots: Sequence[Spot], changed: bool) -> str:
    """Return an arrow from the right side of the first box to the left side of the last one."""
    middle = [(column * (WIDTH + GAP), row * STEP + HEIGHT / 2) for column, row in spots]
    x, y = middle[0][0] + WIDTH, middle[0][1]
    path = f"M{x:g} {y:g}"
    for place, (left, level) in enumerate(middle[1:], 1):
        bend = max((left - x) / 2, 10)
        path += f"C{x + bend:g} {y:g} {left - bend:g} {level:g} {left:g} {level:g}"
        x, y = left, level
        if place < len(middle) - 1:
            x += WIDTH
            path += f"H{x:g}"
    marked = ' class="changed"' if changed else ""
    return f'<path{marked} d="{path}"/>'
