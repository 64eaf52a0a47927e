"""The picture of a training: loss and rate, norms, held-out loss per source and monitored scores over the steps, as SVG text."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import get_font
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from datacards.render.markup import visible
from datacards.render.plots import COLORS, GRAY, INK, MARKERS, Point, drawing, dress, japanese_font
from datacards.trained import Training, numbers

BUCKETS = 90  # of each the lowest and the highest value are drawn
SMOOTH = 40  # a smoothed line is the mean over this part of the steps
MOST = len(COLORS)  # lines that can be told apart in one panel
LONGEST = 26  # signs of a name beside a panel
_WIDE, _LEFT, _RIGHT = 7.6, 0.75, 5.5  # inches: of the picture, and where a panel begins and ends
_ABOVE, _BELOW = 0.36, 0.5  # inches above a panel for its title, below the last one for the steps
#: What has a low panel of its own: figure, title, whether its scale is logarithmic.
_SINGLE = (
    ("lr", "learning rate", False),
    ("grad_norm", "norm of the gradient", True),
    ("update_norm", "norm of the update", True),
)
_MARKS = 12  # of one line
_POINT = re.compile(r"([ML] -?\d+\.\d)\d*( -?\d+\.\d)\d*")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Line:
    """A line of a panel; ``soft`` is drawn thin and gray, ``marked`` with a marker for every point."""

    label: str
    points: Sequence[Point]
    soft: bool = False
    marked: bool = False
    dashed: bool = False


@dataclass(frozen=True)
class _Panel:
    """Lines over the same steps; ``spots`` are single points that are pointed at."""

    title: str
    lines: Sequence[_Line]
    height: float
    log: bool = False
    spots: Sequence[Point] = field(default_factory=tuple)


def figure(
    steps: Sequence[Mapping[str, Any]],
    validation: Sequence[Mapping[str, Any]] = (),
    monitor: Sequence[Mapping[str, Any]] = (),
    training: Training | None = None,
) -> str:
    """Return one picture with a panel for each that has something to show, '' where ``steps`` has no loss.

    ``steps``, ``validation`` and ``monitor`` are the lines of the files of those names (``datacards.trained``). However
    many steps there are, a line has a few hundred points; a spike of one step stays in it.
    """
    panels = [panel for panel in _panels(steps, validation, monitor, training) if panel.lines]
    if not panels or not _series(steps, "loss")[0].size:
        return ""
    tall = _BELOW + sum(panel.height + _ABOVE for panel in panels)
    with drawing(_WIDE, tall, placed=True) as (
        drawn,
        out,
    ):  # to measure every text would take most of the time
        grid: list[Axes] = []
        top = tall
        for panel in panels:
            top -= _ABOVE + panel.height
            place = (_LEFT / _WIDE, top / tall, (_RIGHT - _LEFT) / _WIDE, panel.height / tall)
            grid.append(drawn.add_axes(place, sharex=grid[0] if grid else None))
        for axes, panel in zip(grid, panels, strict=True):
            _draw(axes, panel)
            axes.tick_params(bottom=axes is grid[-1], labelbottom=axes is grid[-1])
        grid[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
        grid[-1].set_xlabel("optimizer step", color=INK, fontsize=9.5)
        grid[-1].xaxis.set_label_coords(0.5, -0.3 / panels[-1].height)
        for text in drawn.findobj(Text):
            if isinstance(text, Text):
                text.set_parse_math(False)  # a name with two dollars is no formula
    return _POINT.sub(r"\1\2", out.getvalue())  # a tenth of a point is finer than screens are


def _panels(
    steps: Sequence[Mapping[str, Any]],
    validation: Sequence[Mapping[str, Any]],
    monitor: Sequence[Mapping[str, Any]],
    training: Training | None,
) -> list[_Panel]:
    at, loss = _series(steps, "loss")
    raw = _Line("each step", thinned(at, loss), soft=True)
    width = max(1, len(loss) // SMOOTH)
    mean = _Line(f"mean of {width:,}", thinned(at, running_mean(loss, width)))
    loss_lines = [raw, mean] if width > 1 else [_Line("each step", raw.points, marked=len(loss) < SMOOTH)]
    values = dict(zip(at.tolist(), loss.tolist(), strict=True))
    spiked = sorted({spike.step for spike in training.spikes} if training else ())
    spots = [(float(step), values[step]) for step in spiked if step in values][:BUCKETS]
    held, scores = _held_out(validation, training), _by_name(monitor, "scores")
    return [
        _Panel("loss (nats per token)", loss_lines, 1.5, spots=spots),
        *_single(steps),
        _Panel(_titled("held-out loss (nats per token)", held), held[:MOST], 1.5),
        _Panel(_titled("monitored scores", scores), scores[:MOST], 1.5),
    ]


def _single(steps: Sequence[Mapping[str, Any]]) -> list[_Panel]:
    """Return the low panels of one line each."""
    found = [(title, log, _series(steps, name, positive=log)) for name, title, log in _SINGLE]
    return [
        _Panel(title, [_Line(title, thinned(*series))], 0.6, log=log)
        for title, log, series in found
        if series[0].size
    ]


def _titled(title: str, lines: Sequence[_Line]) -> str:
    return title if len(lines) <= MOST else f"{title}, {MOST} of {len(lines)}"


def _held_out(validation: Sequence[Mapping[str, Any]], training: Training | None) -> list[_Line]:
    """Return a line per label, those that are measured only (dashed) first, then those with the most tokens."""
    only = {one.label for one in training.held_out if one.measured_only} if training else set()
    tokens = numbers(validation[-1].get("tokens")) if validation else {}
    lines = _by_name(validation, "losses")
    ordered = sorted(
        lines, key=lambda line: (line.label not in only, -tokens.get(line.label, 0.0), line.label)
    )
    return [_Line(line.label, line.points, marked=True, dashed=line.label in only) for line in ordered]


def _by_name(lines: Sequence[Mapping[str, Any]], key: str) -> list[_Line]:
    found: dict[str, list[Point]] = {}
    for line in lines:
        for name, value in numbers(line.get(key)).items():
            found.setdefault(name, []).append((float(line["step"]), value))
    made = []
    for name, points in found.items():
        at, values = np.array(points).T
        made.append(_Line(name, thinned(at, values), marked=True))
    return made


def _series(
    lines: Sequence[Mapping[str, Any]], name: str, *, positive: bool = False
) -> tuple[Floats, Floats]:
    """Return the steps and values of a figure, as far as they are finite numbers (``positive``: and above 0)."""
    found = [
        (line["step"], value)
        for line in lines
        if isinstance(value := line.get(name), int | float) and math.isfinite(value)
    ]
    at, values = np.array(found, np.float64).reshape(-1, 2).T
    kept = values > 0 if positive else np.ones(len(values), bool)
    return at[kept], values[kept]


def running_mean(values: Floats, width: int) -> Floats:
    """Return the mean of each value and of those before it, ``width`` in all or as many as there are."""
    ahead = np.concatenate(([0.0], np.cumsum(values)))
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(ends - width, 0)
    return np.asarray((ahead[ends] - ahead[begins]) / (ends - begins), np.float64)


def thinned(at: Floats, values: Floats) -> list[Point]:
    """Return a few hundred of the points: the ends, and of every bucket the lowest and the highest, so that spikes stay."""
    if len(values) > 2 * BUCKETS:
        edges = np.linspace(0, len(values), BUCKETS + 1).astype(int)
        kept = {0, len(values) - 1}
        for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            kept |= {
                first + int(np.argmin(values[first:last])),
                first + int(np.argmax(values[first:last])),
            }
        places = sorted(kept)
        at, values = at[places], values[places]
    return list(zip(at.tolist(), values.tolist(), strict=True))


def _draw(axes: Axes, panel: _Panel) -> None:
    dress(axes)
    for number, line in enumerate(panel.lines):
        x, y = zip(*line.points, strict=True)
        lone = line.marked or len(line.points) == 1  # a line of one point would not be seen
        axes.plot(
            x, y, label=plain(line.label), color=GRAY if line.soft else COLORS[number % len(COLORS)],
            linewidth=0.6 if line.soft else 1.4, alpha=0.55 if line.soft else 1.0,
            linestyle="--" if line.dashed else "-", marker=MARKERS[number % len(MARKERS)] if lone else "", markersize=3.4, markevery=max(1, len(x) // _MARKS),
            markeredgecolor="white", markeredgewidth=0.4,
        )  # fmt: skip
    if panel.spots:
        x, y = zip(*panel.spots, strict=True)
        axes.plot(x, y, label="spike", color=COLORS[1], marker="v", markersize=6, linestyle="none")
    if panel.log:
        axes.set_yscale("log")
        values = [value for line in panel.lines for _, value in line.points]
        axes.set_yticks([min(values), max(values)])  # powers of ten may all lie outside
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4 if panel.height > 1 else 2))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.set_title(panel.title, loc="left", y=1.0, color=INK, fontsize=9.5)
    axes.margins(x=0.02)
    if len(panel.lines) > 1 or panel.spots or panel.lines[0].label not in panel.title:
        axes.legend(
            frameon=False, fontsize=8.5, labelcolor=INK, loc="center left", bbox_to_anchor=(1.01, 0.5)
        )


def plain(name: str) -> str:
    """Return a name in signs that the font has; the legend would leave out one that begins with a line."""
    known = _signs()
    said = "".join(
        sign if not known or ord(sign) in known else "?"
        for sign in visible(name, LONGEST).replace("…", "...")
    )
    return f" {said}" if said.startswith("_") else said


@lru_cache(maxsize=1)
def _signs() -> frozenset[int]:
    font = japanese_font()
    return frozenset(get_font(str(font)).get_charmap()) if font else frozenset()
