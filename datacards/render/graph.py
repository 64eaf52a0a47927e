"""Draws a lineage: sources on the left, scores on the right, an arrow for every "made from"."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple
from unicodedata import east_asian_width

from datacards.lineage import Node
from datacards.lineage.trace import Thing, Trace
from datacards.render.markup import Markup, visible

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
    return places({str(node.ref): [str(below.ref) for below in node.inputs] for node in nodes})


def places(inputs: Mapping[str, Sequence[str]]) -> dict[str, tuple[int, float]]:
    """Return (column, row) of every node by what it was made from: right of that, left of what was made from it."""
    used_by: dict[str, list[str]] = {name: [] for name in inputs}
    for name, below in inputs.items():
        for one in below:
            used_by[one].append(name)
    depth = dict.fromkeys(inputs, 0)
    lacking = {name: len(users) for name, users in used_by.items()}
    ready = [name for name, number in lacking.items() if not number]
    for (
        name
    ) in ready:  # it grows while it is read; what stands in a circle never comes up and stays on the right
        for one in inputs[name]:
            depth[one] = max(depth[one], depth[name] + 1)
            lacking[one] -= 1
            if not lacking[one]:
                ready.append(one)
    last = max(depth.values())
    placed: dict[str, tuple[int, float]] = {}
    levels = [[name for name in inputs if depth[name] == level] for level in range(last + 1)]
    most = max(map(len, levels))
    for level, names in enumerate(levels):
        # As near as may be to what was made from it: the mean row of its users, ties in the order given.
        near = {n: sum(placed.get(u, (0, 0))[1] for u in used_by[n]) / max(len(used_by[n]), 1) for n in names}
        start = (most - len(names)) / 2
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


TINTS = {
    **COLORS,
    "takedown": "#b3261e",
    "address": "#4b5563",
    "addresses": "#4b5563",
    "capture": "#56764a",
    "document": "#2b6f8f",
    "rows": "#2b6f8f",
    "dropped": "#b3261e",
    "score": "#8a3f5d",
}
MOST = 60  # nodes of a picture; with more nobody finds anything
WIDE, BETWEEN = 208, 56
_STYLE = (
    "text{font-family:'Noto Sans CJK JP','Noto Sans JP','Hiragino Sans',sans-serif}"
    ".name{font-size:12px;fill:#111827}.what{font-size:10.5px}"
    "path{fill:none;stroke:#6b7280;stroke-width:1;opacity:.7}.other{stroke-dasharray:4 3}"
)


class _Box(NamedTuple):
    """One node of a picture: what stands for it, its two lines, and all of its name."""

    kind: str
    name: str
    what: str
    whole: str


def picture(trace: Trace) -> str:
    """Return a trace as an SVG file of its own, at most ``MOST`` boxes: what is more is drawn as one with its number.

    Dashed arrows are those that pass nothing on: what was left out, questions asked, a successor.
    """
    boxes, arrows = _boxes(trace)
    inputs: dict[str, list[str]] = {key: [] for key in boxes}
    for made, source, kind in arrows:
        if kind not in OTHER:
            inputs[made].append(source)
    linked = {end for made, source, _ in arrows for end in (made, source)}
    for made, source, kind in arrows:
        if kind in OTHER and made in linked and source not in inputs[made] and made not in inputs[source]:
            inputs[made].append(source)
    placed = places(inputs)
    columns, rows = 1 + max(c for c, _ in placed.values()), 1 + max(r for _, r in placed.values())
    width, height = columns * (WIDE + BETWEEN) - BETWEEN + 16, rows * STEP - (STEP - HEIGHT) + 16
    drawn = [
        _arrow(placed[source], placed[made], kind) for made, source, kind in arrows if made in inputs
    ] + [_drawn(box, *placed[key], start=key in trace.starts) for key, box in boxes.items()]
    told = escape(visible(f"{trace.direction} from {trace.asked}", 200))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{told}" width="{width}" height="{height:g}" '
        f'viewBox="-8 -8 {width} {height:g}"><title>{told}</title><style>{_STYLE}</style>'
        f'<rect x="-8" y="-8" width="{width}" height="{height:g}" fill="#fff"/>\n'
        + "\n".join(drawn)
        + "\n</svg>"
    )


OTHER = ("left_out", "asked", "stands_for")


def _boxes(trace: Trace) -> tuple[dict[str, _Box], list[tuple[str, str, str]]]:
    """Return the boxes of a picture and the arrows between them, as (made, source, kind)."""
    group = {key: key for key in trace.things}
    rows = trace.of_kind("rows")
    if len(group) > MOST:
        group |= {thing.key: f"{thing.ref}/rows" for thing in rows}
    while len(set(group.values())) > MOST:
        kinds = Counter(
            trace.things[key].kind for key, to in group.items() if to == key or to in trace.things
        )
        kind, number = kinds.most_common(1)[0] if kinds else ("", 0)
        if number < 2:
            break
        group |= {key: f"all {kind}" for key, thing in trace.things.items() if thing.kind == kind}
    members: dict[str, list[Thing]] = {}
    for key, to in group.items():
        members.setdefault(to, []).append(trace.things[key])
    boxes = {to: _box_of(things) for to, things in members.items()}
    arrows = {
        (group[a.made], group[a.source], a.kind): None
        for a in trace.arrows
        if a.made in group and a.source in group and group[a.made] != group[a.source]
    }
    return boxes, list(arrows)


def _box_of(things: Sequence[Thing]) -> _Box:
    first, number = things[0], sum(thing.count for thing in things)
    whole = visible(first.url or first.label, 300)
    if len(things) > 1:
        plain = ("addresses", "captures", "rows")
        named = {"address": "addresses", "dropped": "left out"} | {kind: kind for kind in plain}
        told = named.get(first.kind, f"{first.kind}s")
        shared = {thing.ref for thing in things}
        return _Box(first.kind, f"{number:,} {told}", visible(first.ref) if len(shared) == 1 else "", whole)
    what = first.kind if first.kind != "input" else first.state
    if first.kind in ("rows", "dropped", "addresses"):
        said = {"dropped": "left out", "rows": "row" if number == 1 else "rows"}.get(first.kind, first.kind)
        what = f"{number:,} {said} · {first.ref}"
    elif first.kind == "document":
        what = f"{first.more['format']} · {first.ref}"
    elif first.kind == "score":
        what = ", ".join(f"{k.partition('/')[2] or k} {v:.3f}" for k, v in first.more["scores"].items())
    elif first.state not in ("ok", "outside", "absent", ""):
        what += f", {first.state}"
    name = first.label.removeprefix("https://").removeprefix("http://")
    return _Box(first.kind, visible(name), visible(what), whole)


def _drawn(box: _Box, column: int, row: float, *, start: bool) -> str:
    x, y, color = column * (WIDE + BETWEEN), row * STEP, TINTS.get(box.kind, "#6b7280")
    return (
        f'<g><title>{escape(box.whole)}</title><rect x="{x}" y="{y:g}" width="{WIDE}" height="{HEIGHT}" rx="5" '
        f'fill="{"#fff7d6" if start else "#fff"}" stroke="{color}" stroke-width="{2 if start else 1}"/>'
        f'<rect x="{x}" y="{y:g}" width="5" height="{HEIGHT}" rx="2" fill="{color}"/>'
        f'<text x="{x + 13}" y="{y + 16:g}" class="name">{escape(_cut(box.name, 30))}</text>'
        f'<text x="{x + 13}" y="{y + 30:g}" class="what" fill="{color}">{escape(_cut(box.what, 36))}</text></g>'
    )


def _cut(told: str, columns: int) -> str:
    """Return the beginning of a text that fits into so many columns; a wide character takes two."""
    used = 0
    for place, sign in enumerate(told):
        used += 2 if east_asian_width(sign) in "WFA" else 1
        if used > columns:
            return told[: max(place - 1, 0)] + "…"
    return told


def _arrow(start: tuple[int, float], end: tuple[int, float], kind: str) -> str:
    x1, y1 = start[0] * (WIDE + BETWEEN) + WIDE, start[1] * STEP + HEIGHT / 2
    x2, y2 = end[0] * (WIDE + BETWEEN), end[1] * STEP + HEIGHT / 2
    bend = max(min((x2 - x1) / 2, BETWEEN), 16)
    other = ' class="other"' if kind in OTHER else ""
    return f'<path{other} d="M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"/>'
