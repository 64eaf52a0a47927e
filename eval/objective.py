"""Benchmark tasks as an objective: what a search makes larger is what an evaluation would report."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from datacards.errors import UserError
from datacards.objective import Loaded, Objective
from datacards.plugins import make
from eval.base import Evaluator, Score
from eval.run import GROUP
from eval.scoring import score
from eval.tasks import AnyTask
from eval.tasks.base import Conversation


class Benchmark(Objective):
    """The mean over ``tasks`` of one figure each, as the evaluator that an evaluation recipe names takes it.

    ``metric`` is the figure of every task; by default each task's first, which is the one to compare models by. A task's
    ``subset`` keeps a trial short. What a model was chosen by is no test of it any more: choose on other items than
    those that the result is reported on.
    """

    tasks: tuple[AnyTask, ...] = Field(min_length=1)
    evaluator: str = "transformers"
    options: dict[str, Any] = Field(default_factory=dict)
    metric: str = ""
    aggregation: Literal["mean", "min"] = "mean"

    def check(self, corpus: Path | None) -> None:
        """Raise UserError for an unknown evaluator, a wrong option, a conversation, and a task that lacks its corpus."""
        make(GROUP, self.evaluator, self.options)
        for task in self.tasks:
            if isinstance(task, Conversation):
                raise UserError(
                    task.task, "is held as conversations, by which no model may be chosen",
                    "a judge would be asked at every trial, and the authors of pfmt-bench-fin-ja rule it out",
                    "leave it out, and report it of the model that was chosen",
                )  # fmt: skip
            if task.needs_corpus and corpus is None:
                raise UserError(task.task, "asks about a corpus", todo="add: --corpus NAME@VERSION")

    def tests(self) -> list[str]:
        """Return the names of the tasks."""
        return [task.task for task in self.tasks]

    def score(self, loaded: Loaded, corpus: Path | None) -> float:
        """Return the mean (or the lowest) of the tasks' figures."""
        evaluator: Evaluator = make(GROUP, self.evaluator, self.options)
        scores, _ = score(evaluator, loaded, self.tasks, corpus)
        figures = [self._figure(task.task, scores) for task in self.tasks]
        return min(figures) if self.aggregation == "min" else sum(figures) / len(figures)

    def _figure(self, task: str, scores: list[Score]) -> float:
        found = {score.metric: score.value for score in scores if score.task == task and not score.group}
        if not found or (self.metric and self.metric not in found):
            lacks = f"has no metric '{self.metric}'" if self.metric else "got no score"
            raise UserError(task, lacks, ", ".join(found), "correct the objective")
        return found[self.metric] if self.metric else next(iter(found.values()))
