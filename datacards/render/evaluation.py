"""The part of an evaluation's page that says what the model scored, how sure that is, and what guessing scores."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from datacards.card import Card
from datacards.evaluated import SCORES, Score, TaskRecord, read_scores, read_tasks
from datacards.render.markdown import Markdown, code, strong, table, text

FOREST = "plots/scores.svg"
SHOWN = 40  # rows of a table; the others stand in scores.json
HEAD = ("task", "metric", "value", "95 % interval", "± s.e.", "guessing", "items")
_READ = (
    "The first figure of a task is the one to compare models by. Where items share a text, its error and interval "
    "account for that; two models are compared on their items with `kanagura eval compare`, not by their intervals."
)
Z = 1.959963984540054  # standard errors of a 95 % interval where none was taken


@dataclass(frozen=True)
class Suite:
    """The unweighted mean of the headline figures of one suite's tasks, with the error of independent tasks.

    ``above_chance`` is the mean of (value - chance) / (1 - chance), None where a task has no chance.
    """

    name: str
    tasks: int
    value: float
    stderr: float | None
    above_chance: float | None


def has_scores(card: Card) -> bool:
    """Tell whether a version is an evaluation with scores."""
    return card.kind == "evaluation" and any(file.path == SCORES for file in card.files)


def headlines(scores: Sequence[Score]) -> list[Score]:
    """Return the figure to compare models by of every task: the first that is of all items."""
    found: dict[str, Score] = {}
    for one in scores:
        if not one.group:
            found.setdefault(one.task, one)
    return list(found.values())


def error(score: Score) -> float | None:
    """Return the standard error to show: by the texts that items share where it is known, else of independent items."""
    shown = score.clustered if score.clustered is not None else score.stderr
    return shown if shown is not None and math.isfinite(shown) else None


def bounds(score: Score) -> tuple[float, float] | None:
    """Return the 95 % interval: the one that was measured, else 1.96 standard errors to either side, if there are any.

    Of an error of zero, as where all items are right, none is made: it would say that nothing else can be.
    """
    if score.low is not None and score.high is not None:
        return score.low, score.high
    shown = error(score)
    return (score.value - Z * shown, score.value + Z * shown) if shown else None


def suites(scores: Sequence[Score], tasks: Sequence[TaskRecord]) -> list[Suite]:
    """Return the means of the suites that have two tasks or more, all of which are better the higher they are.

    Conversations have none: two ways to score them are no two tests.
    """
    names = {record.task: record.suite for record in tasks if record.kind != "chat"}
    found: dict[str, list[Score]] = {}
    for one in headlines(scores):
        if suite := names.get(one.task, ""):
            found.setdefault(suite, []).append(one)
    return [
        _suite(name, several)
        for name, several in found.items()
        if len(several) > 1 and all(one.higher_is_better for one in several)
    ]


def _suite(name: str, scores: Sequence[Score]) -> Suite:
    number = len(scores)
    errors = [shown for one in scores if (shown := error(one)) is not None]
    chances = [one.chance for one in scores if one.chance is not None and one.chance < 1]
    above = None
    if len(chances) == number:
        above = sum((one.value - c) / (1 - c) for one, c in zip(scores, chances, strict=True)) / number
    return Suite(
        name=name,
        tasks=number,
        value=sum(one.value for one in scores) / number,
        stderr=math.hypot(*errors) / number if len(errors) == number else None,
        above_chance=above,
    )


def evaluation_part(card: Card, path: Path) -> list[str]:
    """Return the parts of the page of an evaluation whose files lie in ``path``, none for any other version."""
    if not has_scores(card):
        return []
    scores, tasks = read_scores(path), read_tasks(path)
    first = headlines(scores)
    others = [one for one in scores if one not in first]
    drawn = any(file.path == FOREST for file in card.files)
    return [
        "## Scores",
        _table(first),
        *_suites(suites(scores, tasks)),
        *([f"![{_alt(first)}]({FOREST})"] if drawn else []),
        _READ,
        *_notes(first),
        *(["### Other figures", _table(others, parts=True)] if others else []),
    ]


def _table(scores: Sequence[Score], *, parts: bool = False) -> str:
    rows: list[tuple[object, ...]] = [_row(one, parts=parts) for one in scores[:SHOWN]]
    if rest := len(scores) - SHOWN if len(scores) > SHOWN else 0:
        rows.append((f"{rest:,} others", *[""] * (len(HEAD) - 1)))
    return table(HEAD, rows)


def _row(one: Score, *, parts: bool) -> tuple[object, ...]:
    shown, between = error(one), bounds(one)
    task = f"{one.task}: {one.group}" if one.group else one.task
    return (
        task if parts else strong(task), one.metric, figure(one.value),
        f"{figure(between[0])} to {figure(between[1])}" if between else "",
        "" if shown is None else figure(shown), "" if one.chance is None else figure(one.chance), one.samples,
    )  # fmt: skip


def figure(value: float) -> str:
    """Return a figure as it is shown: four decimals, five digits where it is large."""
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.5g}"


def _suites(found: Sequence[Suite]) -> Iterable[str]:
    for one in found:
        told = f"Mean of the {one.tasks} tasks of {code(one.name)}: {strong(figure(one.value))}"
        if one.stderr is not None:
            low, high = one.value - Z * one.stderr, one.value + Z * one.stderr
            told += f" ± {figure(one.stderr)} (95 % interval {figure(low)} to {figure(high)})"
        if one.above_chance is not None:
            told += f"; {figure(one.above_chance)} of the way from guessing to all right"
        yield f"{told}."


def _notes(scores: Sequence[Score]) -> Iterable[str]:
    rows = [f"- {strong(one.task)}: {text(one.note)}." for one in scores if one.note]
    if rows:
        yield "\n".join(rows[:SHOWN])


def _alt(scores: Sequence[Score]) -> Markdown:
    """Return what the picture is to who cannot see it."""
    told = ", ".join(f"{one.task} {figure(one.value)}" for one in scores[:8])
    more = f" and {len(scores) - 8} more" if len(scores) > 8 else ""
    return Markdown(text(f"scores with their 95 % intervals and what guessing gives: {told}{more}"))
