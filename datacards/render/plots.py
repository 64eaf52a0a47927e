"""Plots as SVG text: loss curves, task-vector similarity per layer, scores with their errors, bars.

Figures are drawn without pyplot, so nothing is kept between two of them, and with a font that has Japanese, so that
no name comes out as boxes. The same input gives the same text.
"""

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

INK, GRAY, RULE = "#1d2433", "#6b7280", "#e3e5ea"
# Distinct for color-blind readers too (Okabe and Ito, 2008), the yellow left out: it vanishes on white.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#5b4b8a", "#7f7f7f")
MARKERS = "osD^vP*X"
_DPI = 72  # what SVG counts in

Point = tuple[float, float]


def japanese_font() -> Path | None:
    """Return the Japanese font that installs with matplotlib-fontja, found without importing that package."""
    spec = find_spec("matplotlib_fontja")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    return next(iter(sorted(folder.rglob("*.ttf"))), None) if folder else None


@contextmanager
def canvas(width: float, height: float) -> Iterator[tuple[Figure, Axes, StringIO]]:
    """Yield an empty plot of ``width`` x ``height`` inches and the stream that holds its SVG afterwards."""
    with drawing(width, height) as (figure, out):
        axes = figure.add_subplot()
        dress(axes)
        yield figure, axes, out


def dress(axes: Axes) -> None:
    """Take away from a plot what says nothing, and lay thin rules behind it."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRAY)
    axes.tick_params(colors=GRAY, labelsize=9, length=3)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)


@contextmanager
def drawing(width: float, height: float, *, placed: bool = False) -> Iterator[tuple[Figure, StringIO]]:
    """Yield an empty drawing and the stream that holds its SVG afterwards, every text in the Japanese font.

    Its axes are laid out so that all texts have room, unless the caller has ``placed`` them.
    """
    out = StringIO()
    with mpl.rc_context({"svg.hashsalt": "kanagura", "svg.fonttype": "path", "path.simplify": True}):
        figure = Figure(figsize=(width, height), dpi=_DPI)
        FigureCanvasSVG(figure)  # measures texts as they will be drawn
        yield figure, out
        if font := japanese_font():
            for text in figure.findobj(Text):
                if isinstance(text, Text):
                    size = text.get_fontsize()
                    text.set_fontproperties(FontProperties(fname=font, size=size))
        with warnings.catch_warnings():  # names may hold signs that no font has: a box says so
            warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
            if not placed:
                # As a property of the figure it would have all drawn twice.
                ConstrainedLayoutEngine().execute(figure)
            figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)


def lines(
    series: Mapping[str, Sequence[Point]],
    *,
    x: str,
    y: str,
    marked: bool = False,
    zero: bool = False,
    order: Sequence[str] = (),
) -> str:
    """Return a plot of one line per name; ``marked`` adds a marker per point, ``zero`` a line at zero.

    Names that stand in ``order`` take their color by their place there, the others those behind.
    """
    places = {name: place for place, name in enumerate(dict.fromkeys((*order, *series)))}
    with canvas(7.6, 3.4) as (_, axes, out):
        for name, points in series.items():
            number = places[name]
            color = COLORS[number % len(COLORS)]
            style = "-" if number < len(COLORS) else "--"
            marker = MARKERS[number % len(MARKERS)] if marked else ""
            axes.plot(
                [p[0] for p in points], [p[1] for p in points],
                color=color, linestyle=style, linewidth=1.6, marker=marker, markersize=4, label=name,
            )  # fmt: skip
        if zero:
            axes.axhline(0, color=GRAY, linewidth=0.8)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(x, color=INK, fontsize=9.5)
        axes.set_ylabel(y, color=INK, fontsize=9.5)
        if len(series) > 1:
            axes.legend(
                frameon=False, fontsize=9, labelcolor=INK, loc="center left", bbox_to_anchor=(1.01, 0.5)
            )
    return out.getvalue()


def smooth(points: Sequence[Point], width: int) -> list[Point]:
    """Return the running mean over the last ``width`` points."""
    found, window = [], 0.0
    for place, (x, y) in enumerate(points):
        window += y
        if place >= width:
            window -= points[place - width][1]
        found.append((x, window / min(place + 1, width)))
    return found


@dataclass(frozen=True)
class Dot:
    """A value with its standard error and the ends of its 95 % interval, each None where it is not known."""

    value: float
    stderr: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def reach(self) -> list[list[float]]:
        """Return how far the interval goes below and above, 1.96 standard errors where its ends are not known."""
        if self.low is not None and self.high is not None:
            return [[max(self.value - self.low, 0.0)], [max(self.high - self.value, 0.0)]]
        shown = self.stderr if self.stderr is not None and math.isfinite(self.stderr) else 0.0
        return [[1.96 * shown], [1.96 * shown]]


def dots(
    rows: Sequence[tuple[str, Sequence[Dot | None], float | None]],
    names: Sequence[str],
) -> str:
    """Return a plot of values with their 95 % intervals: a group per row, in it one dot per name.

    Every row is (label, a dot or None per name, the value that guessing gives or None).
    """
    step = 0.8 / max(len(names), 1)
    with canvas(7.6, 0.8 + 0.2 * len(rows) * (len(names) + 1)) as (_, axes, out):
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x", color=RULE, linewidth=0.8)
        for place, (_, values, chance) in enumerate(rows):
            if chance is not None:
                axes.plot(
                    [chance] * 2, [place - 0.45, place + 0.45], color=GRAY, linestyle=":", linewidth=1.2
                )
            for number, one in enumerate(values):
                if one is None:
                    continue
                axes.errorbar(
                    one.value, place + (number - (len(names) - 1) / 2) * step, xerr=one.reach,
                    color=COLORS[number % len(COLORS)], marker=MARKERS[number % len(MARKERS)], markersize=5.5,
                    linewidth=1.4, linestyle="none", label=names[number] if place == 0 else None,
                )  # fmt: skip
        axes.set_yticks(range(len(rows)), [label for label, _, _ in rows], color=INK, fontsize=9.5)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return out.getvalue()


def bars(rows: Mapping[str, Mapping[str, int]], parts: Sequence[str] = ()) -> str:
    """Return horizontal bars, one per name, stacked by part: {name: {part: number}}, in order of ``parts``."""
    held = {part for row in rows.values() for part in row}
    parts = parts or sorted(held, reverse=True)  # train before test
    with canvas(7.6, 0.7 + 0.34 * len(rows)) as (_, axes, out):
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x", color=RULE, linewidth=0.8)
        starts = [0] * len(rows)
        for number, part in enumerate(parts):
            sizes = [row.get(part, 0) for row in rows.values()]
            axes.barh(
                range(len(rows)),
                sizes,
                left=starts,
                color=COLORS[number % len(COLORS)],
                height=0.62,
                label=part,
            )
            starts = [start + size for start, size in zip(starts, sizes, strict=True)]
        for place, total in enumerate(starts):
            axes.annotate(
                f"{total:,}", (total, place), xytext=(5, 0), textcoords="offset points",
                va="center", fontsize=9, color=INK,
            )  # fmt: skip
        axes.set_yticks(range(len(rows)), list(rows), color=INK, fontsize=9.5)
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        if len(parts) > 1:
            axes.legend(
                frameon=False, fontsize=9, labelcolor=INK, loc="center left", bbox_to_anchor=(1.01, 0.5)
            )
    return out.getvalue()
