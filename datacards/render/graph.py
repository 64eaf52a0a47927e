"""Draws a lineage: sources on the left, scores on the right, an arrow for every "made from"."""

from collections.abc import Sequence
from html import escape

from datacards.lineage import Node
from datacards.render.markup import Markup

COLORS = {"captures": "#56764a", "dataset": "#0072b2", "checkpoint": "#9a6b12", "evaluation": "#8a3f5d"}
WIDTH, HEIGHT, GAP, STEP = 172, 38, 40, 48


def anchor(label: str) -> str:
    """Return the id that the part of the page about a version carries."""
    return "v-" + "".join(c if c.isalnum() else "-" for c in label)


def graph(nodes: Sequence[Node]) -> Markup:
    """Return the drawing as inline SVG; every box links to the part of the page about its version."""
    places = _places(nodes)
    columns = 1 + max(column for column, _ in places.values())
    rows = 1 + max(row for _, row in places.values())
    width, height = columns * (WIDTH + GAP) - GAP + 4, rows * STEP - (STEP - HEIGHT) + 4
    parts = [_edge(places[str(below.ref)], places[str(n.ref)]) for n in nodes for below in n.inputs]
    parts += [_box(node, *places[str(node.ref)]) for node in nodes]
    return Markup(
        f'<div class="scroll"><svg class="graph" role="img" aria-label="lineage" viewBox="-2 -2 {width} {height:g}" '
        f'style="min-width:{width * 0.62:.0f}px;max-width:{width}px">{"".join(parts)}</svg></div>'
    )


def _places(nodes: Sequence[Node]) -> dict[str, tuple[int, float]]:
    """Return (column, row) of every version: left of all that was made from it, near to them."""
    by_name = {str(node.ref): node for node in nodes}
    used_by: dict[str, list[str]] = {name: [] for name in by_name}
    for name, node in by_name.items():
        for below in node.inputs:
            used_by[str(below.ref)].append(name)
    depth: dict[str, int] = {}

    def deep(name: str) -> int:
        if name not in depth:
            depth[name] = 1 + max((deep(user) for user in used_by[name]), default=-1)
        return depth[name]

    for name in by_name:
        deep(name)
    last = max(depth.values())
    placed: dict[str, tuple[int, float]] = {}
    sizes = [sum(d == level for d in depth.values()) for level in range(last + 1)]
    for level in range(last + 1):
        names = [name for name in by_name if depth[name] == level]
        # As near as may be to what was made from it: the mean row of its users, ties in the order given.
        near = {n: sum(placed[u][1] for u in used_by[n]) / max(len(used_by[n]), 1) for n in names}
        start = (max(sizes) - len(names)) / 2
        for row, name in enumerate(sorted(names, key=near.__getitem__)):
            placed[name] = (last - level, start + row)
    return placed


def _box(node: Node, column: int, row: float) -> str:
    x, y = column * (WIDTH + GAP), row * STEP
    color = COLORS.get(node.card.kind if node.card else "", "#6b7280")
    kind = node.card.kind if node.card else node.state
    name = node.ref.name if len(node.ref.name) <= 22 else node.ref.name[:21] + "…"
    return (
        f'<a href="#{anchor(str(node.ref))}"><title>{escape(str(node.ref))}</title>'
        f'<rect x="{x}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="5" fill="#fff" stroke="{color}"/>'
        f'<rect x="{x}" y="{y:g}" width="5" height="{HEIGHT}" rx="2" fill="{color}"/>'
        f'<text x="{x + 14}" y="{y + 16:g}" class="name">{escape(name)}</text>'
        f'<text x="{x + 14}" y="{y + 30:g}" class="what" fill="{color}">{kind} {escape(node.ref.version)}</text></a>'
    )


def _edge(start: tuple[int, float], end: tuple[int, float]) -> str:
    x1, y1 = start[0] * (WIDTH + GAP) + WIDTH, start[1] * STEP + HEIGHT / 2
    x2, y2 = end[0] * (WIDTH + GAP), end[1] * STEP + HEIGHT / 2
    bend = min((x2 - x1) / 2, GAP)
    return f'<path d="M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"/>'
