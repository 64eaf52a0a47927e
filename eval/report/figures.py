"""The figures of the report as SVG: the radar of categories with intervals, scores with intervals, values per prompt."""

import math
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.projections.polar import PolarAxes
from matplotlib.text import Text

from datacards.render.markup import visible
from datacards.render.plots import COLORS, GRAY, INK, MARKERS, RULE, canvas, drawing

#: A value with the ends of its interval; None where nothing was taken.
Span = tuple[float, float, float] | None
LONG = 34  # signs of a name in a figure


def radar(axes: Sequence[str], series: Sequence[tuple[str, Sequence[Span]]], *, top: float = 10.0) -> str:
    """Return figure 3 of arXiv 2409.19854: a spoke per category from 0 to ``top``, a line per model.

    A band shows the 95 % intervals; a category that a model was not asked breaks its line.
    """
    around = [2 * math.pi * place / len(axes) for place in range(len(axes))]
    with drawing(7.6, 5.2) as (figure, out):
        plot = figure.add_subplot(projection="polar")
        assert isinstance(plot, PolarAxes)  # noqa: S101  for the type checker
        plot.set_theta_offset(math.pi / 2)
        plot.set_theta_direction(-1)
        plot.grid(color=RULE, linewidth=0.8)
        plot.spines["polar"].set_color(RULE)
        for number, (name, spans) in enumerate(series):
            _around(plot, around, spans, number, name)
        plot.set_xticks(around, [short(axis) for axis in axes], color=INK, fontsize=9.5)
        plot.set_ylim(0, top)
        plot.set_rlabel_position(180 / len(axes))
        plot.tick_params(axis="y", labelsize=8, colors=GRAY)
        plot.legend(frameon=False, fontsize=9, labelcolor=INK, loc="center left", bbox_to_anchor=(1.14, 0.5))
        no_math(figure.findobj(Text))
    return out.getvalue()


def _around(plot: Axes, around: Sequence[float], spans: Sequence[Span], number: int, name: str) -> None:
    color = COLORS[number % len(COLORS)]
    style = "-" if number < len(COLORS) else "--"
    places = [*range(len(spans)), 0]
    for left, right in pairwise(places):
        a, b = spans[left], spans[right]
        if a is None or b is None:
            continue
        ends = [around[left], around[left] + 2 * math.pi / len(spans)]
        plot.fill_between(ends, [a[1], b[1]], [a[2], b[2]], color=color, alpha=0.16, linewidth=0)
        plot.plot(ends, [a[0], b[0]], color=color, linewidth=1.5, linestyle=style)
    known = [(angle, span[0]) for angle, span in zip(around, spans, strict=True) if span]
    plot.plot(
        [angle for angle, _ in known], [value for _, value in known], color=color, linestyle="none",
        marker=MARKERS[number % len(MARKERS)], markersize=4.5, label=short(name),
    )  # fmt: skip


def spans(
    rows: Sequence[tuple[str, Sequence[Span], float | None]], names: Sequence[str], *, x: str = ""
) -> str:
    """Return values with their 95 % intervals: a group per row, in it one dot per name.

    Every row is (label, a span or None per name, the value that guessing gives or None).
    """
    step = 0.8 / max(len(names), 1)
    with canvas(7.6, 0.9 + 0.19 * len(rows) * (len(names) + 1)) as (figure, axes, out):
        _sideways(axes)
        for place, (_, row, chance) in enumerate(rows):
            if chance is not None:
                axes.plot([chance] * 2, [place - 0.45, place + 0.45], color=GRAY, linewidth=1.2)
            for number, span in enumerate(row):
                if span:
                    _dot(axes, span, place + (number - (len(names) - 1) / 2) * step, number)
        for number, name in enumerate(names):
            marker = MARKERS[number % len(MARKERS)]
            axes.plot([], [], color=COLORS[number % len(COLORS)], marker=marker, markersize=5.5,
                      linestyle="none", label=short(name))  # fmt: skip
        _labels(axes, [label for label, _, _ in rows])
        axes.set_xlabel(x, color=INK, fontsize=9.5)
        if names:
            axes.legend(
                frameon=False, fontsize=9, labelcolor=INK, loc="center left", bbox_to_anchor=(1.01, 0.5)
            )
        no_math(figure.findobj(Text))
    return out.getvalue()


def forest(rows: Sequence[tuple[str, Span, str]], *, x: str) -> str:
    """Return differences with their 95 % intervals around a line at zero, each with its verdict in words; gray where it is none."""
    with canvas(7.6, 0.9 + 0.3 * len(rows)) as (figure, axes, out):
        _sideways(axes)
        axes.axvline(0, color=GRAY, linewidth=0.9)
        for place, (_, span, told) in enumerate(rows):
            if span:
                _dot(axes, span, place, 7 if told == "undecided" else 0)
        _labels(axes, [label for label, _, _ in rows])
        right = axes.twinx()
        right.set_ylim(axes.get_ylim())
        right.spines[:].set_visible(False)
        right.tick_params(length=0)
        right.set_yticks(range(len(rows)), [told for _, _, told in rows], color=INK, fontsize=9)
        axes.set_xlabel(x, color=INK, fontsize=9.5)
        no_math(figure.findobj(Text))
    return out.getvalue()


def _sideways(axes: Axes) -> None:
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=RULE, linewidth=0.8)


def _dot(axes: Axes, span: tuple[float, float, float], y: float, number: int) -> None:
    value, low, high = span
    axes.errorbar(
        value, y, xerr=[[max(0.0, value - low)], [max(0.0, high - value)]], color=COLORS[number % len(COLORS)],
        marker=MARKERS[number % len(MARKERS)], markersize=5.5, linewidth=1.4, linestyle="none",
    )  # fmt: skip


def _labels(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), [short(one) for one in labels], color=INK, fontsize=9.5)
    axes.set_ylim(len(labels) - 0.5, -0.5)


def short(name: str) -> str:
    """Return a name as a figure shows it: one line, no sign obeyed; a legend would leave out one that begins with "_"."""
    said = visible(name, LONG)
    return f" {said}" if said.startswith("_") else said


def no_math(texts: Sequence[object]) -> None:
    """Let a name with two dollars be no formula."""
    for text in texts:
        if isinstance(text, Text):
            text.set_parse_math(False)
