"""The lineage of a whole store as a drawing with links, and the same as a table for who does not see it."""

from collections import defaultdict
from html import escape

from datacards.lineage import Graph, Version
from datacards.render.markup import Markup, tag
from datacards.site.page import folder_of, table

WIDTH, HEIGHT, GAP, STEP = 196, 42, 56, 54
SWEEPS = 4


def page_of(version: Version) -> str:
    """Return the address of a version's page from the root of the site, '' when it has none."""
    return f"{folder_of(version.ref)}index.html" if version.card else ""


def drawing(graph: Graph, root: str = "") -> Markup:
    """Return the drawing: what was captured at the left, what was made of it to the right, an arrow for "made from"."""
    if not graph.versions:
        return Markup("")
    places = _places(graph)
    columns = 1 + max(column for column, _ in places.values())
    rows = 1 + max(row for _, row in places.values())
    width, height = columns * (WIDTH + GAP) - GAP + 8, rows * STEP + 4
    edges = [
        _edge(places[link.source], places[name], link.changed)
        for name in graph.versions
        for link in graph.inputs(name)
    ]
    boxes = [_box(version, root, *places[name]) for name, version in graph.versions.items()]
    told = f"{len(graph.versions):,} versions and {len(edges):,} arrows; the table below says the same."
    return Markup(
        f'<svg class="lineage" role="group" aria-labelledby="drawing-title drawing-told" width="{width}" height="{height:g}" '
        f'viewBox="-4 -4 {width} {height:g}"><title id="drawing-title">Lineage of the store</title>'
        f'<desc id="drawing-told">{told}</desc><g aria-hidden="true">{"".join(edges)}</g>{"".join(boxes)}</svg>'
    )


def listing(graph: Graph, root: str = "") -> Markup:
    """Return the table of all versions with what each was made from and what was made from it."""

    def linked(names: list[str]) -> Markup:
        made = []
        for name in names:
            page = page_of(graph[name])
            made.append(tag("li", tag("a", name, href=root + page) if page else name))
        return tag("ul", *made) if made else Markup("–")

    rows = [
        (
            tag("a", name, href=root + page_of(version)) if version.card else name,
            version.kind or "",
            "" if version.state == "ok" else version.state,
            linked([link.source for link in graph.inputs(name)]),
            linked([link.made for link in graph.users(name)]),
        )
        for name, version in reversed(list(graph.versions.items()))
    ]
    return table(
        "Versions and what they were made from",
        ["version", "kind", "state", "made from", "was made into"],
        rows,
        class_="arrows",
    )


def _places(graph: Graph) -> dict[str, tuple[int, float]]:
    """Return (column, row) of every version: right of its inputs, left of its users, near to both."""
    names = list(graph.versions)
    inputs = {n: [link.source for link in graph.inputs(n)] for n in names}
    users = {n: [link.made for link in graph.users(n)] for n in names}
    depth: dict[str, int] = {}
    for name in names:  # each stands behind its inputs
        depth[name] = 1 + max((depth.get(below, -1) for below in inputs[name]), default=-1)
    for name in reversed(names):  # nothing stands further left than its users need
        later = [depth[user] for user in users[name] if depth[user] > depth[name]]
        depth[name] = max(depth[name], min(later) - 1) if later else depth[name]
    columns: defaultdict[int, list[str]] = defaultdict(list)
    for name in names:
        columns[depth[name]].append(name)
    tallest = max(map(len, columns.values()))
    rows = {
        name: _row(at, len(column), tallest) for column in columns.values() for at, name in enumerate(column)
    }
    for sweep in range(SWEEPS):  # the barycenter heuristic (Sugiyama et al. 1981)
        near, order = (users, sorted(columns, reverse=True)) if sweep % 2 == 0 else (inputs, sorted(columns))
        for column in order:
            columns[column].sort(key=lambda name: _mean([rows[n] for n in near[name]], rows[name]))
            for at, name in enumerate(columns[column]):
                rows[name] = _row(at, len(columns[column]), tallest)
    return {name: (depth[name], rows[name]) for name in names}


def _row(at: int, count: int, tallest: int) -> float:
    return at + (tallest - count) / 2


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _box(version: Version, root: str, column: int, row: float) -> str:
    x, y = column * (WIDTH + GAP), row * STEP
    name = version.ref.name if len(version.ref.name) <= 26 else version.ref.name[:25] + "…"
    state = "" if version.state == "ok" else version.state
    told = " · ".join(filter(None, [version.kind, version.ref.version[:18], state]))
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


def _edge(start: tuple[int, float], end: tuple[int, float], changed: bool) -> str:
    x1, y1 = start[0] * (WIDTH + GAP) + WIDTH, start[1] * STEP + HEIGHT / 2
    x2, y2 = end[0] * (WIDTH + GAP), end[1] * STEP + HEIGHT / 2
    bend = max(min((x2 - x1) / 2, GAP), 10)
    marked = ' class="changed"' if changed else ""
    return f'<path{marked} d="M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"/>'
