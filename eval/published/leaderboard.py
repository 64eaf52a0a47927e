"""The leaderboard of the financial benchmark, made again from its result files and held against its printed table."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from datacards.errors import UserError
from datacards.render.markup import visible
from eval.published.results import TASKS, Published

START, END = "<!-- lb start -->", "<!-- lb end -->"
NAME = re.compile(r"\[([^\]]+)\]\([^)]*\)|(.+)")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a model, its best prompt, the mean and every task's figure there, in percent with two places."""

    model: str
    prompt: str
    mean: str
    figures: tuple[str, ...]  # in order of TASKS


def leaderboard(results: Iterable[Published], models: set[str]) -> list[Row]:
    """Return one Row per model of ``models``, its best prompt by mean, best model first.

    As the benchmark makes it: one prompt version for all tasks, the best of all versions. What is chosen on the test
    set is flattered by the choice; see the default prompt for a fair look.
    """
    best: dict[str, Published] = {}
    for one in results:
        if one.model in models and one.mean > (best[one.model].mean if one.model in best else 0.0):
            best[one.model] = one
    return [_row(one) for one in sorted(best.values(), key=lambda one: -one.mean)]


def printed(readme: str) -> list[Row]:
    """Return the rows of the table that the benchmark's README prints; UserError where it has none."""
    if START not in readme or END not in readme:
        raise UserError("README.md", "has no leaderboard", f"a table between {START} and {END}")
    lines = readme.split(START)[1].split(END, maxsplit=1)[0].strip().splitlines()
    rows = []
    for line in lines[2:]:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != len(TASKS) + 3:
            raise UserError(
                "README.md",
                f"a row of {len(cells)} cells: {visible(line, 80)}",
                f"{len(TASKS) + 3} cells a row",
            )
        name, mean, *figures, prompt = cells
        found = NAME.fullmatch(name)
        rows.append(Row((found[1] or found[2]) if found else name, prompt, mean, tuple(figures)))
    return rows


def differences(ours: Sequence[Row], theirs: Sequence[Row]) -> list[str]:
    """Return every printed row that is not ours, for a reader; empty where all are. Rows of ours may be missing there.

    Which of several prompts with one and the same mean is named depends on the order of files there, so the prompt
    counts only where the figures differ too.
    """
    held = {row.model: row for row in ours}
    told = [f"{row.model}: not among ours" for row in theirs if row.model not in held]
    for row in theirs:
        mine = held.get(row.model)
        if mine and (mine.mean, mine.figures) != (row.mean, row.figures):
            told.append(
                f"{row.model}: ours {mine.mean} {' '.join(mine.figures)} ({mine.prompt}), "
                f"printed {row.mean} {' '.join(row.figures)} ({row.prompt})"
            )
    return told


def unprinted(ours: Sequence[Row], theirs: Sequence[Row]) -> list[str]:
    """Return the models that have results and no printed row, in order of their names."""
    return sorted({row.model for row in ours} - {row.model for row in theirs})


def _row(one: Published) -> Row:
    figures = tuple(f"{100 * one.headline(task):.2f}" for task in TASKS)
    return Row(one.model, one.version, f"{100 * one.mean:.2f}", figures)
