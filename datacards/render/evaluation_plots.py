"""The picture of an evaluation: every headline figure with its interval and what guessing gives, as SVG text."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from datacards.evaluated import Score
from datacards.render.evaluation import SHOWN, bounds, figure, headlines
from datacards.render.plots import COLORS, GRAY, INK, RULE, drawing, dress
from datacards.render.training_plots import plain

_WIDE, _LEFT, _RIGHT = 7.6, 1.9, 4.1  # inches: of the picture, where a panel begins, how wide it is
_ROW, _ABOVE, _BELOW = 0.27, 0.12, 0.38  # inches: of a row, above a panel, below it for its scale


def forest(scores: Sequence[Score]) -> str:
    """Return one picture with a row per task, '' where there is no finite figure.

    Figures that lie with their intervals between 0 and 1 share a scale; the others, such as a judge's scores or bits,
    have one with those of the same metric.
    """
    panels = _panels([one for one in headlines(scores) if math.isfinite(one.value)][:SHOWN])
    if not panels:
        return ""
    tall = sum(_ABOVE + _ROW * len(panel) + _BELOW for panel in panels)
    with drawing(_WIDE, tall, placed=True) as (drawn, out):
        top = tall
        for panel in panels:
            height = _ROW * len(panel)
            top -= _ABOVE + height
            _draw(drawn.add_axes((_LEFT / _WIDE, top / tall, _RIGHT / _WIDE, height / tall)), panel)
            top -= _BELOW
        for text in drawn.findobj(Text):
            if isinstance(text, Text):
                text.set_parse_math(False)  # a name with two dollars is no formula
    return out.getvalue()


def _panels(scores: Sequence[Score]) -> list[list[Score]]:
    found: dict[str, list[Score]] = {}
    for one in scores:
        low, high = bounds(one) or (one.value, one.value)
        found.setdefault("" if 0 <= low <= high <= 1 else one.metric, []).append(one)
    return list(found.values())


def _draw(axes: Axes, scores: Sequence[Score]) -> None:
    dress(axes)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=RULE, linewidth=0.8)
    for place, one in enumerate(scores):
        low, high = bounds(one) or (one.value, one.value)
        axes.plot([low, high], [place, place], color=COLORS[0], linewidth=1.6, solid_capstyle="butt")
        axes.plot([one.value], [place], color=COLORS[0], marker="o", markersize=5)
        if one.chance is not None:
            axes.plot(
                [one.chance] * 2, [place - 0.35, place + 0.35], color=GRAY, linestyle=":", linewidth=1.4
            )
        told = figure(one.value) + (f" [{figure(low)}, {figure(high)}]" if low < high else "")
        axes.text(
            1.02, place, told, transform=axes.get_yaxis_transform(), va="center", color=INK, fontsize=8.5
        )
    axes.set_yticks(
        range(len(scores)),
        [f"{plain(one.task)}  {plain(one.metric)}" for one in scores],
        color=INK,
        fontsize=8.5,
    )
    axes.set_ylim(len(scores) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(5))
