"""How figures are written: the value, its error or interval, and the mean over a suite."""

from collections.abc import Iterable, Sequence

from datacards.evaluated import Score
from datacards.render.evaluation import Z, bounds, error
from eval.compare.suite import Mean, mean_of
from eval.report.blocks import Cell
from eval.report.found import Column, Taken


def plain(value: float) -> str:
    """Return a figure with four decimals, or four digits where it is large."""
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.1f}"


def told(score: Score) -> str:
    """Return the error of a score and its interval in brackets, '' where it has none."""
    return _spread(error(score), *(bounds(score) or (None, None)))


def cell(taken: Taken | None, metric: str = "", group: str = "", *, strong: bool = False) -> Cell | str:
    """Return the cell of one figure with its lineage, a dash where it was not taken."""
    score = taken.score(metric, group) if taken else None
    if taken is None or score is None:
        return "–"
    return Cell(plain(score.value), told(score), (taken.key,), strong)


def overall(column: Column, tasks: Sequence[str]) -> Mean | None:
    """Return the mean of the first figures of ``tasks``; None where one was not asked or is no share that should be large."""
    taken = [column.taken.get(name) for name in tasks]
    known = [
        one.outcome
        for one in taken
        if one and one.outcome and one.outcome.higher_is_better and one.record.kind != "chat"
    ]
    return mean_of(known) if 1 < len(known) == len(tasks) else None


def mean_cells(found: Mean | None, trails: Iterable[str]) -> tuple[Cell | str, Cell | str]:
    """Return the cells of a mean over a suite and of the mean above chance, dashes where there is none."""
    if found is None:
        return "–", "–"
    keys = tuple(trails)
    spread = _spread(found.stderr, found.low, found.high)
    first = Cell(plain(found.value), spread, keys, strong=True)
    if found.above_chance is None:
        return first, "–"
    off = found.above_chance_stderr
    ends = (None, None) if off is None else (found.above_chance - Z * off, found.above_chance + Z * off)
    return first, Cell(plain(found.above_chance), _spread(off, *ends), keys)


def _spread(off: float | None, low: float | None, high: float | None) -> str:
    parts = [f"± {off:.3f}" if off is not None else ""]
    parts += [f"[{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""]
    return " ".join(filter(None, parts))
