"""A plot of a search as SVG: the score of every trial with the best so far, and the numbers of the best."""

from collections.abc import Sequence
from itertools import accumulate

from matplotlib.axes import Axes

from datacards.render.plots import COLORS, GRAY, INK, RULE, drawing, dress
from merge.evolve.trials import Trial, best_of
from merge.evolve.vary import Dimension

MOST = 24  # variables that are drawn; of more the first


def plot(trials: Sequence[Trial], dimensions: Sequence[Dimension]) -> str:
    """Return the SVG text; the same trials give the same text."""
    shown = dimensions[:MOST]
    with drawing(7.6, 3.2 + 0.3 * (len(shown) + 2)) as (figure, out):
        above, below = figure.subplots(2, 1, height_ratios=[3.2, 0.3 * (len(shown) + 2)])
        for axes in (above, below):
            dress(axes)
        _scores(above, trials)
        _values(below, trials, shown)
    return out.getvalue()


def _scores(axes: Axes, trials: Sequence[Trial]) -> None:
    scored = [(trial.number, trial.score) for trial in trials if trial.score is not None]
    numbers = [number for number, _ in scored]
    best = list(accumulate((score for _, score in scored), max))
    axes.plot(
        numbers, [score for _, score in scored],
        linestyle="none", marker="o", markersize=3.5, color=COLORS[4], label="trial",
    )  # fmt: skip
    axes.step(numbers, best, where="post", color=COLORS[0], linewidth=1.6, label="best so far")
    if trials[0].score is not None:
        axes.axhline(trials[0].score, color=COLORS[1], linestyle="--", linewidth=1.2, label="start")
    axes.set_xlabel("trial", color=INK, fontsize=9.5)
    axes.set_ylabel("score", color=INK, fontsize=9.5)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)


def _values(axes: Axes, trials: Sequence[Trial], dimensions: Sequence[Dimension]) -> None:
    """Draw where in its bounds each number begins and where the best has it."""
    best = best_of(trials)
    for place, one in enumerate(dimensions):
        width = one.upper - one.lower
        axes.plot([0, 1], [place, place], color=RULE, linewidth=3, zorder=1)
        axes.plot(
            (one.start - one.lower) / width, place, marker="|", markersize=11, color=COLORS[1], zorder=2
        )
        if best:
            value = best.values[one.name]
            axes.plot(
                (value - one.lower) / width, place, marker="o", markersize=5.5, color=COLORS[0], zorder=3
            )
            axes.annotate(f"{value:.3f}", (1.02, place), va="center", fontsize=9, color=INK)
        axes.annotate(f"{one.lower:g} to {one.upper:g}", (1.12, place), va="center", fontsize=8, color=GRAY)
    axes.set_yticks(range(len(dimensions)), [one.name for one in dimensions], color=INK, fontsize=9.5)
    axes.set_xlim(-0.02, 1.3)
    axes.set_ylim(len(dimensions) - 0.4, -0.6)
    axes.set_xticks([])
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
