"""What the choice of a prompt makes of a score: every model and task that was asked in several words."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace

from datacards.errors import UserError
from datacards.evaluated import TaskRecord
from datacards.render.evaluation import bounds
from eval.compare.prompts import over_prompts
from eval.compare.single import interval
from eval.report import figures
from eval.report.blocks import Block, Cell, Grid, Picture, Value, Words
from eval.report.found import Column, Found, Taken
from eval.report.numbers import cell, plain
from eval.report.slugs import slug

MANY = 4  # prompts whose intervals a row has no room for
_TOLD = (
    "The prompt of the tables above is the first; it is fixed before the run. The best of several prompts, chosen on the "
    "test itself, says more of the choice than of the model: the mean and the range do not."
)


def prompt_blocks(found: Found, suite: str, records: Sequence[TaskRecord]) -> Iterable[Block]:
    """Yield the table and the figure of the values per prompt, nothing where each task was asked in one way."""
    asked = [
        (record, column, _all(column, record.task))
        for record in records
        for column in found.columns
        if record.task in column.others
    ]
    if not asked:
        return
    names = {_name(one) for _, _, all_ in asked for one in all_}
    prompts = sorted(names, key=lambda name: (name != "default", name))
    bare = len(prompts) > MANY
    rows: list[tuple[Value, ...]] = []
    for record, column, all_ in asked:
        by_prompt = {_name(one): one for one in reversed(all_)}
        values = [score.value for one in all_ if (score := one.score())]
        keys = tuple(one.key for one in all_)
        rows.append(
            (
                Cell(record.task, strong=True),
                column.label,
                Cell(plain(statistics.fmean(values)), _spread(all_), () if bare else keys),
                plain(max(values) - min(values)),
                *(_cell(by_prompt.get(prompt), bare=bare) for prompt in prompts),
            )
        )
    head = ("task", "model", "mean", "range", *prompts)
    caption = f"Values per prompt: {suite or 'tasks of no suite'}"
    yield Grid(f"prompts-{slug(suite)}", caption, head, tuple(rows), range(2, len(head)))
    drawn = figures.spans(
        [
            (f"{record.task}, {column.label}", [_span(all_, prompt) for prompt in prompts], None)
            for record, column, all_ in asked
        ],
        prompts,
    )
    yield Picture(
        f"prompts-{slug(suite)}", "Values per prompt with their 95 % intervals.",
        "values per prompt; the table above has the numbers", drawn,
    )  # fmt: skip
    yield Words(_TOLD)


def _cell(taken: Taken | None, *, bare: bool) -> Cell | str:
    """Return the cell of one prompt, without its interval where the figure below has room for it and a row has not."""
    found = cell(taken)
    return replace(found, more="") if bare and isinstance(found, Cell) else found


def _spread(all_: Sequence[Taken]) -> str:
    """Return the interval of the mean over prompts: an item counts with all its prompts, which are no other questions."""
    try:
        _, joined = over_prompts([one.outcome for one in all_ if one.outcome])
    except UserError:
        return "not of the same items"
    told = interval(joined)
    return "" if told.low is None or told.high is None else f"[{told.low:.3f}, {told.high:.3f}]"


def _all(column: Column, task: str) -> list[Taken]:
    return [column.taken[task], *column.others[task]]


def _name(one: Taken) -> str:
    return one.prompt or "default"


def _span(all_: Sequence[Taken], prompt: str) -> figures.Span:
    one = next((one for one in all_ if _name(one) == prompt), None)
    score = one.score() if one else None
    if score is None:
        return None
    low, high = bounds(score) or (score.value, score.value)
    return score.value, low, high
