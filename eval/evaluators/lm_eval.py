"""Scores by likelihood through lm-evaluation-harness, used as a library with our own tasks."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import PositiveInt

from datacards.errors import UserError
from datacards.objective import Loaded
from eval.base import Evaluator, Score
from eval.items import Answer, Item, write_samples
from eval.tasks.base import Task


class LmEval(Evaluator):
    """Zero-shot log-likelihoods of the choices from the harness's Hugging Face backend.

    The harness supplies tokenization, batching by length and likelihoods; all figures are computed here from the
    answers, so that one run yields every metric. ``bos: none`` is the rule of every published figure of the Japanese
    financial benchmark; ``tokenizer`` follows the tokenizer's default. Log-softmax is taken in float32 whatever the
    ``dtype`` of the weights. ``limit`` scores the first items of each task only, for trying things out.
    """

    batch_size: PositiveInt = 16
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    bos: Literal["none", "tokenizer"] = "none"
    max_length: PositiveInt | None = None
    limit: PositiveInt | None = None

    def evaluate(
        self, *, model: Path | Loaded, tasks: Sequence[Task], corpus: Path | None, out: Path
    ) -> list[Score]:
        """Score ``model``, a folder or a model in memory; see the base class."""
        drawn = {task.task: task.draw(corpus) for task in tasks}
        answers = self._answers(model, {name: items[: self.limit] for name, (items, _) in drawn.items()})
        scores = []
        for task in tasks:
            given = answers[task.task]
            if bad := sum(not all(map(math.isfinite, answer.loglikelihoods)) for answer in given):
                raise UserError(
                    task.task,
                    f"{bad} of {len(given)} items have a likelihood that is no number",
                    todo="check the weights, or choose another dtype",
                )
            write_samples(out / "samples" / f"{task.task}.parquet", given)
            note = self._note(drawn[task.task][1], given)
            scores += [
                Score(
                    task=task.task, metric=metric, value=value, stderr=stderr, samples=len(given), note=note
                )
                for metric, value, stderr in task.measure(given)
            ]
        return scores

    def device(self) -> str:
        """Return the accelerator's name, or ``cpu``."""
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"

    def _note(self, note: str, answers: Sequence[Answer]) -> str:
        cut = sum(answer.truncated for answer in answers)
        parts = [
            note,
            f"at most the first {self.limit} items, no benchmark figure" if self.limit else "",
            f"prompts that lost their beginning because they did not fit the model: {cut}" if cut else "",
        ]
        return "; ".join(part for part in parts if part)

    def _answers(self, model: Path | Loaded, items: dict[str, list[Item]]) -> dict[str, list[Answer]]:
        from eval.evaluators.harness import likelihoods

        return likelihoods(
            model,
            items,
            batch_size=self.batch_size,
            dtype=self.dtype,
            add_bos_token=False if self.bos == "none" else None,
            max_length=self.max_length,
        )
