"""Figure 4 of arXiv 2409.19854: the cosine of two task vectors per type of tensor over the layers, as SVG text."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from datacards.merged import Roles, Similarity, kind_of
from datacards.render.markup import visible
from datacards.render.plots import COLORS, GRAY, INK, MARKERS, RULE, Point, drawing, dress

#: What a panel holds -> the types that belong there; the first that fits takes a type.
PANELS = {
    "biases": re.compile(r"(^|[._])bias$"),
    "norms": re.compile(r"norm|(^|\.)ln_"),
    "attention": re.compile(r"attn|attention"),
    "MLP": re.compile(r"mlp|feed_forward|ffn|expert|(^|\.)w[123]\."),
    "others": re.compile(""),
}
ORDER = ("attention", "MLP", "others", "biases", "norms")  # what weighs most comes first
MOST = len(COLORS)  # types that can be told apart in one panel
BARS = 24
LIKE = 4  # panels whose cosines spread by no more than this factor share one scale
BAND = 2  # deviations to either side that the band of chance shows: 95 % of random directions


@dataclass(frozen=True)
class _Panel:
    """Lines by label, and the fewest elements that one of their tensors has; ``left`` types are not drawn."""

    title: str
    lines: dict[str, list[Point]]
    n: int
    left: int

    @property
    def span(self) -> tuple[float, float]:
        """The lowest and the highest value, with zero and the band of chance."""
        values = [y for points in self.lines.values() for _, y in points]
        band = BAND / math.sqrt(self.n)
        return min(*values, -band), max(*values, band)


def figure(rows: Sequence[Similarity], roles: Roles) -> str:
    """Return the figure for one pair of vectors, '' where no tensor has a cosine.

    A panel per kind of tensor holds a line per type; types that differ by a number only (experts) are one, their mean.
    Tensors outside the layers stand below, as bars. Gray shows where 95 % of random directions of as many elements lie.
    """
    panels = _panels(rows, roles)
    outside = [row for row in rows if row.layer is None and row.cosine(roles) is not None]
    outside = sorted(outside, key=lambda row: -abs(row.cosine(roles) or 0))[:BARS]
    heights = [1.8 if panel is panels[-1] else 1.55 for panel in panels] + (
        [0.6 + 0.24 * len(outside)] if outside else []
    )
    if not heights:
        return ""
    with drawing(7.6, 0.3 + sum(heights)) as (drawn, out):
        grid = drawn.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0].tolist()
        for axes, panel in zip(grid, panels, strict=False):
            _lines(axes, panel)
        if panels:
            _scale(grid[: len(panels)], [panel.span for panel in panels])
            _share_layers(grid[: len(panels)], panels)
        if outside:
            _bars(grid[-1], outside, roles)
        drawn.supylabel(f"cosine of {roles[0]} and {roles[1]}", color=INK, fontsize=9.5)
        for text in drawn.findobj(Text):
            if isinstance(text, Text):
                text.set_parse_math(False)  # a name with two dollars is no formula
    return out.getvalue()


def _panels(rows: Sequence[Similarity], roles: Roles) -> list[_Panel]:
    types: dict[str, dict[int, list[float]]] = {}
    sizes: dict[str, int] = {}
    for row in rows:
        if row.layer is not None and (value := row.cosine(roles)) is not None and row.n:
            kind = kind_of(row.type)
            types.setdefault(kind, {}).setdefault(row.layer, []).append(value)
            sizes[kind] = min(row.n, sizes.get(kind, row.n))
    lines = {
        kind: [(float(layer), sum(values) / len(values)) for layer, values in sorted(layers.items())]
        for kind, layers in types.items()
    }
    found = []
    for title in ORDER:
        kinds = [kind for kind in lines if _panel_of(kind) == title]
        far = sorted(kinds, key=lambda kind: -sum(abs(y) for _, y in lines[kind]) / len(lines[kind]))[:MOST]
        shown = [kind for kind in kinds if kind in far]
        if shown:
            labels = _labels(shown)
            n = min(sizes[kind] for kind in shown)
            held = {labels[kind]: lines[kind] for kind in shown}
            found.append(_Panel(title, held, n, len(kinds) - len(shown)))
    return found


def _panel_of(kind: str) -> str:
    return next(title for title, wanted in PANELS.items() if wanted.search(kind))


def _labels(kinds: Sequence[str]) -> dict[str, str]:
    """Return short labels: the last word that says something, the whole name where two would have the same."""
    short = {kind: re.sub(r"\.(weight|bias)$", "", kind).rpartition(".")[2] for kind in kinds}
    words = list(short.values())
    return {kind: _plain(word if words.count(word) == 1 else kind) for kind, word in short.items()}


def _plain(name: str) -> str:
    """Return a name as signs that every font has; the legend would leave out one that begins with a line."""
    said = visible(name.encode("ascii", "backslashreplace").decode(), 40).replace("…", "...")
    return f" {said}" if said.startswith("_") else said


def _lines(axes: Axes, panel: _Panel) -> None:
    dress(axes)
    band = BAND / math.sqrt(panel.n)
    axes.axhspan(-band, band, color=RULE, linewidth=0, zorder=0.5)
    axes.axhline(0, color=GRAY, linewidth=0.9, zorder=1)
    handles: list[Line2D | Patch] = []
    for number, (label, points) in enumerate(panel.lines.items()):
        handles += axes.plot(
            [x for x, _ in points], [y for _, y in points],
            color=COLORS[number], marker=MARKERS[number], markersize=3.4, linewidth=1.2,
            markeredgecolor="white", markeredgewidth=0.4, label=label,
        )  # fmt: skip
    handles.append(Patch(color=RULE, label=f"chance (n = {panel.n:,})"))
    more = (
        f", the {len(panel.lines)} of {len(panel.lines) + panel.left} types farthest from 0"
        if panel.left
        else ""
    )
    axes.set_title(panel.title + more, loc="left", color=INK, fontsize=9.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.legend(
        handles=handles,
        frameon=False,
        fontsize=8.5,
        labelcolor=INK,
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
    )


def _scale(panels: Sequence[Axes], spans: Sequence[tuple[float, float]]) -> None:
    """Give all panels one scale, or say of each that it has its own where one would flatten another."""
    lengths = [high - low for low, high in spans]
    one = max(lengths) <= LIKE * min(lengths)
    low, high = min(low for low, _ in spans), max(high for _, high in spans)
    for axes, (least, most) in zip(panels, spans, strict=True):
        bottom, top = (low, high) if one else (least, most)
        axes.set_ylim(bottom - 0.06 * (top - bottom), top + 0.06 * (top - bottom))
        if not one:
            axes.set_title(
                f"{axes.get_title(loc='left')} (a scale of its own)", loc="left", color=INK, fontsize=9.5
            )


def _share_layers(panels: Sequence[Axes], held: Sequence[_Panel]) -> None:
    """Give all panels the same layers, and number them below the last one only."""
    layers = [x for panel in held for points in panel.lines.values() for x, _ in points]
    room = max(0.5, 0.02 * (max(layers) - min(layers)))
    for axes in panels:
        axes.set_xlim(min(layers) - room, max(layers) + room)
        axes.tick_params(labelbottom=axes is panels[-1])
    panels[-1].set_xlabel("layer", color=INK, fontsize=9.5)


def _bars(axes: Axes, rows: Sequence[Similarity], roles: Roles) -> None:
    dress(axes)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=RULE, linewidth=0.8)
    values = [row.cosine(roles) or 0.0 for row in rows]
    bands = [min(1.0, BAND / math.sqrt(max(row.n, 1))) for row in rows]
    places = range(len(rows))
    axes.barh(places, [2 * band for band in bands], left=[-band for band in bands], color=RULE, height=0.86)
    axes.barh(places, values, color=COLORS[0], height=0.5)
    axes.axvline(0, color=GRAY, linewidth=0.9)
    for place, value in zip(places, values, strict=True):
        axes.annotate(
            f"{value:+.4f}", (value, place), xytext=(4 if value >= 0 else -4, 0), textcoords="offset points",
            va="center", ha="left" if value >= 0 else "right", fontsize=8.5, color=INK,
        )  # fmt: skip
    axes.yaxis.tick_right()
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0, pad=9)
    axes.set_yticks(places, [_plain(row.tensor) for row in rows], color=INK, fontsize=8.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    low, high = min(0.0, *values, *(-band for band in bands)), max(0.0, *values, *bands)
    room = 0.14 * (high - low)  # for the numbers
    axes.set_xlim(low - room, high + room)
    axes.set_title("outside the layers", loc="left", color=INK, fontsize=9.5)
