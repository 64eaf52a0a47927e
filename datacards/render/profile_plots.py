"""The plots of a dataset's page, drawn from its profile: sources, years, lengths, clusters, quality."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from datacards.profile.quality import TOLD
from datacards.profile.record import OTHERS, Histogram, Profile
from datacards.render import plots
from datacards.render.markdown import plain

MOST = 14  # bars of one plot; what is smaller counts together
LONGEST = 28  # characters of a name beside a bar
_BINS = 25  # of a share
_KEPT = 64  # drawings of each kind: versions that follow on each other show much alike, and none draws as fast as it reads


def drawn(profile: Profile) -> Iterator[tuple[str, str]]:
    """Yield the name of every plot that has something to show, with its SVG."""
    drawings: dict[str, Callable[[Profile], str]] = {
        "sources": _sources,
        "years": _years,
        "length": _lengths,
        "clusters": _clusters,
        "quality": _quality,
    }
    for name, draw in drawings.items():
        if svg := draw(profile):
            yield name, svg


def _sources(profile: Profile) -> str:
    rows: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for part in profile.parts:
        rows[part.source or "unknown"][part.format] += part.rows
    if not rows:
        return ""
    ordered = sorted(rows, key=lambda name: (-sum(rows[name].values()), name))
    shown = {_short(name): dict(rows[name]) for name in ordered[:MOST]}
    if rest := ordered[MOST:]:
        shown[f"{len(rest):,} others"] = {
            one: sum(rows[name].get(one, 0) for name in rest) for one in profile.formats
        }
    return _bars(tuple((name, tuple(row.items())) for name, row in shown.items()), profile.formats)


@lru_cache(maxsize=_KEPT)
def _bars(rows: tuple[tuple[str, tuple[tuple[str, int], ...]], ...], parts: tuple[str, ...]) -> str:
    return plots.bars({name: dict(row) for name, row in rows}, parts)


def _short(name: str) -> str:
    """Return a name without what a plot would read as a formula, cut to fit beside a bar."""
    line = plain(name).replace("$", "＄")
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _years(profile: Profile) -> str:
    rows: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for group in profile.groups["year"]:
        if group.value not in ("", OTHERS):
            rows[group.format][group.value] += group.rows
    years = sorted({int(year) for held in rows.values() for year in held})
    if not years:
        return ""
    if years[-1] - years[0] < 80:  # a wrong year far away leaves no room for the others
        years = list(range(years[0], years[-1] + 1))
    places = [str(year) for year in years]
    series = {one: [rows[one].get(year, 0) for year in places] for one in profile.formats if one in rows}
    return columns(places, series, y="documents")


def _lengths(profile: Profile) -> str:
    if not profile.lengths:
        return ""
    used = [at for one in profile.lengths.values() for at, count in enumerate(one.counts) if count]
    low, high = min(used), max(used) + 1
    edges = next(iter(profile.lengths.values())).edges
    names = [f"{int(edge):,}" for edge in edges[low:high]]
    series = {name: list(one.counts[low:high]) for name, one in profile.lengths.items()}
    return columns(names, series, x="characters of the text, from", y="documents")


def _clusters(profile: Profile) -> str:
    one = profile.clusters
    if one is None:
        return ""
    high = max(at for at, count in enumerate(one.counts) if count) + 1
    names = [_range(one, at) for at in range(high)]
    return columns(
        names,
        {"": list(one.counts[:high])},
        x="near-duplicates that a document stands for",
        y="documents",
        log=True,
    )


def _range(one: Histogram, at: int) -> str:
    first = int(one.edges[at])
    if at + 1 == len(one.edges):
        return f"{first:,}+"
    last = int(one.edges[at + 1]) - 1
    return f"{first:,}" if last == first else f"{first:,}–{last:,}"


def columns(
    names: Sequence[str],
    series: Mapping[str, Sequence[int]],
    *,
    x: str = "",
    y: str = "",
    log: bool = False,
) -> str:
    """Return upright bars, one per name, stacked by series; ``log`` makes the scale logarithmic, for one series."""
    return _columns(
        tuple(names), tuple((name, tuple(values)) for name, values in series.items()), x=x, y=y, log=log
    )


@lru_cache(maxsize=_KEPT)
def _columns(
    names: tuple[str, ...], series: tuple[tuple[str, tuple[int, ...]], ...], *, x: str, y: str, log: bool
) -> str:
    with plots.canvas(7.6, 3.0) as (_, axes, out):
        start = np.zeros(len(names))
        for number, (name, values) in enumerate(series):
            axes.bar(
                range(len(names)), values, bottom=None if log else start, width=0.8, label=name,
                color=plots.COLORS[number % len(plots.COLORS)],
            )  # fmt: skip
            start += np.asarray(values)
        if log:
            axes.set_yscale("log")
            axes.set_ylim(bottom=0.5)
        step = max(1, -(-len(names) // 16))
        first = (len(names) - 1) % step  # the last name always stands there
        axes.set_xticks(
            range(first, len(names), step), list(names[first::step]), rotation=40 if len(names) > 10 else 0,
            ha="right" if len(names) > 10 else "center",
        )  # fmt: skip
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_xlabel(x, color=plots.INK, fontsize=9.5)
        axes.set_ylabel(y, color=plots.INK, fontsize=9.5)
        if len(series) > 1:
            axes.legend(
                frameon=False, fontsize=9, labelcolor=plots.INK, loc="center left", bbox_to_anchor=(1.01, 0.5)
            )
    return out.getvalue()


def _quality(profile: Profile) -> str:
    """Return small plots side by side, one for every signal, each with its own height."""
    signals = profile.quality.signals if profile.quality else ()
    return _signals(tuple((one.name, one.values) for one in signals)) if signals else ""


@lru_cache(maxsize=_KEPT)
def _signals(signals: tuple[tuple[str, Histogram], ...]) -> str:
    across = 4
    down = -(-len(signals) // across)
    with plots.drawing(7.6, 0.35 + 1.35 * down) as (figure, out):
        for place, (name, values) in enumerate(signals, 1):
            axes = figure.add_subplot(down, across, place)
            plots.dress(axes)
            told = wrap(plain(TOLD.get(name, name)), 28)
            axes.set_title("\n".join(told), fontsize=7, color=plots.INK)
            _histogram(axes, values)
    return out.getvalue()


def _histogram(axes: Axes, one: Histogram) -> None:
    counts = np.asarray(one.counts, dtype=float)
    shares = one.edges[-1] == 1.0
    if shares:
        counts[-2] += counts[-1]  # what is 1 itself
        merged = counts[:-1].reshape(_BINS, -1).sum(axis=1)
        axes.bar(np.arange(_BINS) / _BINS, merged, width=1 / _BINS, align="edge", color=plots.COLORS[0])
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.5, 1], ["0", "½", "1"], fontsize=7)
    else:
        used = np.flatnonzero(counts)
        low, high = used.min(), used.max() + 1
        axes.bar(range(high - low), counts[low:high], color=plots.COLORS[0])
        step = max(1, (high - low) // 4)
        ticks = range(0, high - low, step)
        axes.set_xticks(list(ticks), [f"{one.edges[low + at]:,.0f}" for at in ticks], fontsize=7)
    axes.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _brief(value)))
    axes.tick_params(labelsize=7)


def _brief(value: float) -> str:
    for size, sign in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{sign}"
    return f"{value:g}"
