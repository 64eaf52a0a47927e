"""How figures are written: the value, its error or interval, and the mean over a suite."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from datacards.evaluated import Score
from eval.report.blocks import Cell
from eval.report.found import Column, Taken

Z = 1.959964  # standard errors of a 95 % interval where none was taken


@dataclass(frozen=True, slots=True)
class Overall:
    """The unweighted mean of a suite's figures, with the error that independent tasks give it."""

    value: float
    stderr: float | None
    tasks: int


def error_of(score: Score) -> float | None:
    """Return the standard error that holds for a score: the clustered one where it was taken."""
    error = score.clustered if score.clustered is not None else score.stderr
    return error if error is not None and math.isfinite(error) else None


def bounds(score: Score) -> tuple[float, float] | None:
    """Return the 95 % interval of a score, made of its error where none was taken; None where there is neither."""
    if score.low is not None and score.high is not None:
        return score.low, score.high
    if (error := error_of(score)) is None:
        return None
    return score.value - Z * error, score.value + Z * error


def plain(value: float) -> str:
    """Return a figure with four decimals, or four digits where it is large."""
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.1f}"


def told(score: Score) -> str:
    """Return the error of a score and its interval in brackets, '' where it has none."""
    error, interval = error_of(score), bounds(score)
    parts = [f"± {error:.3f}" if error is not None else ""]
    parts += [f"[{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""]
    return " ".join(filter(None, parts))


def cell(taken: Taken | None, metric: str = "", group: str = "", *, strong: bool = False) -> Cell | str:
    """Return the cell of one figure with its lineage, a dash where it was not taken."""
    score = taken.score(metric, group) if taken else None
    if taken is None or score is None:
        return "–"
    return Cell(plain(score.value), told(score), (taken.key,), strong)


def overall(column: Column, tasks: Sequence[str]) -> Overall | None:
    """Return the mean of the first figures of ``tasks``; None where one was not asked or where they are no shares.

    The tasks are independent of each other, so the variances add: sqrt(sum of squares) / number of tasks.
    """
    scores = [taken.score() if (taken := column.taken.get(name)) else None for name in tasks]
    known = [score for score in scores if score is not None]
    if len(known) < 2 or len(known) < len(scores) or not all(score.higher_is_better for score in known):
        return None
    errors = [error_of(score) for score in known]
    total = sum(error * error for error in errors if error is not None)
    stderr = None if None in errors else math.sqrt(total) / len(known)
    return Overall(sum(score.value for score in known) / len(known), stderr, len(known))


def overall_cell(found: Overall | None, trails: Iterable[str]) -> Cell | str:
    """Return the cell of a mean over a suite."""
    if found is None:
        return "–"
    more = ""
    if found.stderr is not None:
        low, high = found.value - Z * found.stderr, found.value + Z * found.stderr
        more = f"± {found.stderr:.3f} [{low:.3f}, {high:.3f}]"
    return Cell(plain(found.value), more, tuple(trails), strong=True)
