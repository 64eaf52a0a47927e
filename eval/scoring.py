"""Draws the items of tasks, has an evaluator ask them, and turns the results into scores and samples files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from datacards.errors import UserError
from datacards.evaluated import SAMPLES, Score, TaskRecord
from datacards.objective import Loaded
from eval.base import Evaluator
from eval.compare.outcome import Outcome, outcome_of, restricted
from eval.compare.single import interval
from eval.items import Answer, Asked, Reply, Result, digest_of
from eval.kept import Kept
from eval.samples import write_samples
from eval.tasks.base import Task


class Drawn:
    """The items of one task that are scored, with what must be said of them."""

    def __init__(self, task: Task, corpus: Path | None) -> None:
        self.task = task
        self.items, self.note, self.of = task.draw(corpus)
        if not self.items:
            raise UserError(task.task, "has no item", todo="check its options, or leave it out")

    def record(self) -> TaskRecord:
        """Return what the version says of the task."""
        task = self.task
        return TaskRecord(
            task=task.task,
            kind=task.kind,
            metric=task.metric,
            figure=task.figure,
            samples=len(self.items),
            of=self.of,
            digest=digest_of(self.items),
            suite=task.suite,
            source=task.rights.attribution if task.rights else "",
            options=task.model_dump(mode="json"),
        )


def score(
    evaluator: Evaluator,
    model: Path | Loaded,
    tasks: Sequence[Task],
    corpus: Path | None,
    *,
    out: Path | None = None,
    kept: Kept | None = None,
) -> tuple[list[Score], list[TaskRecord]]:
    """Ask ``model`` every task; return the scores in the order of the tasks, and what was asked.

    One ``samples/TASK.parquet`` with a row per item is written below ``out``. Results that ``kept`` holds are not asked
    for again. Raises UserError for a task without items and for likelihoods that are no numbers.
    """
    kept = kept or Kept(None)
    drawn = _drawn(tasks, corpus)
    known = {name: kept.find(name, one.items) for name, one in drawn.items()}
    missing = {
        name: [item for place, item in enumerate(one.items) if place not in known[name]]
        for name, one in drawn.items()
    }
    found: Mapping[str, Sequence[Result]] = {}
    if any(missing.values()):
        asked = {name: items for name, items in missing.items() if items}
        found = evaluator.ask(model=model, asked=asked, keep=kept.add)
    scores: list[Score] = []
    for name, one in drawn.items():
        results = _in_order(name, one.items, known[name], found.get(name, ()))
        scores += _measured(one, results, out)
    return scores, [one.record() for one in drawn.values()]


def _drawn(tasks: Sequence[Task], corpus: Path | None) -> dict[str, Drawn]:
    """Return the items of every task; raise UserError naming all tasks that have none, not the first alone."""
    drawn, wrong = {}, []
    for task in tasks:
        try:
            drawn[task.task] = Drawn(task, corpus)
        except UserError as error:
            wrong.append(error)
    if len(wrong) > 1:
        raise UserError("tasks", f"{len(wrong)} cannot be asked\n" + "\n".join(e.message for e in wrong))
    if wrong:
        raise wrong[0]
    return drawn


def _in_order(
    name: str, items: Sequence[Asked], known: Mapping[int, Result], found: Sequence[Result]
) -> list[Result]:
    if len(known) + len(found) != len(items):
        raise UserError(name, f"got {len(found)} of {len(items) - len(known)} results from the evaluator")
    rest = iter(found)
    return [known[place] if place in known else next(rest) for place in range(len(items))]


def _measured(drawn: Drawn, results: Sequence[Result], out: Path | None) -> list[Score]:
    task = drawn.task
    if bad := sum(not result.finite for result in results):
        raise UserError(
            task.task,
            f"{bad} of {len(results)} items have a likelihood that is no number",
            todo="check the weights, or choose another dtype",
        )
    if out is not None:
        pairs = [task.value(result) for result in results]
        write_samples(
            out / SAMPLES / f"{task.task}.parquet", results, [v for v, _ in pairs], [w for _, w in pairs]
        )
    outcome = outcome_of(out, drawn.record()) if out else None
    parts = {"": results, **task.parts(results)}
    return [score for group, members in parts.items() for score in _scores(drawn, group, members, outcome)]


def _scores(drawn: Drawn, group: str, results: Sequence[Result], outcome: Outcome | None) -> list[Score]:
    """Return the figures of all results, or the first figure of a part of them."""
    task = drawn.task
    note = _note(drawn.note, results)
    chance = task.chance([result.item for result in results])
    figures = task.measure(results)
    scores = [
        Score(
            task=task.task, metric=metric, value=value, stderr=stderr, samples=len(results), note=note, group=group,
            figure=task.figure if place == 0 else "mean", chance=chance if place == 0 else None,
            higher_is_better=task.higher_is_better,
        )
        for place, (metric, value, stderr) in enumerate(figures[:1] if group else figures)
    ]  # fmt: skip
    if outcome is None:
        return scores
    part = restricted(outcome, {result.item.id for result in results}) if group else outcome
    return [_certain(scores[0], part), *scores[1:]]


def _certain(score: Score, outcome: Outcome) -> Score:
    """Return the figure to compare by with its error by the texts that items share, its interval, and its chance.

    They are of the file that was written, as is all that is said of it later.
    """
    stderr, low, high = interval(outcome)
    chance = outcome.chance if score.chance is None else score.chance
    return score.model_copy(update={"clustered": stderr, "low": low, "high": high, "chance": chance})


def _note(note: str, results: Sequence[Result]) -> str:
    cut = sum(isinstance(result, Answer | Reply) and result.truncated for result in results)
    parts = [
        note,
        f"prompts that lost their beginning because they did not fit the model: {cut}" if cut else "",
    ]
    return "; ".join(part for part in parts if part)
