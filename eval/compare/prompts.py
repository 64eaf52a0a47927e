"""How much a figure depends on the words of the prompt: the mean and the range over versions of one task."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from datacards.errors import UserError
from eval.compare.outcome import Outcome, chosen
from eval.compare.paired import matched


@dataclass(frozen=True)
class Prompts:
    """One model's figures of a task under several prompts, by the prompt's name: their mean, lowest and highest.

    A model is to be judged by the mean or by one prompt that was chosen beforehand; the highest is chosen on the test.
    """

    task: str
    metric: str
    values: dict[str, float]
    mean: float
    low: float
    high: float

    @property
    def range(self) -> float:
        """Return how far apart the prompts are."""
        return self.high - self.low

    @property
    def told(self) -> str:
        """Return the mean and the range in words, with the prompts that give its ends."""
        lowest, highest = (pick(self.values, key=self.values.__getitem__) for pick in (min, max))
        return (
            f"{self.metric} {self.mean:.4f} on average over {len(self.values)} prompts, "
            f"from {self.low:.4f} ({lowest}) to {self.high:.4f} ({highest})"
        )


def over_prompts(outcomes: Sequence[Outcome]) -> tuple[Prompts, Outcome]:
    """Return the figures of one task under several prompts, and the outcome whose figure is their mean.

    That outcome is compared as any other: an item counts with all its prompts, and they are no independent questions.
    Raises UserError unless all are of the same items and the same figure.
    """
    first = outcomes[0]
    for one in outcomes:
        if (one.metric, one.figure, sorted(one.ids)) != (first.metric, first.figure, sorted(first.ids)):
            raise UserError(
                one.task,
                "the prompts were not asked on the same questions",
                todo="score each prompt on all of them",
            )
    aligned = [chosen(one, matched(first.ids, one.ids)[1]) for one in outcomes]
    names = [str(one.options.get("prompt", place)) for place, one in enumerate(outcomes)]
    if len(set(names)) < len(names):
        raise UserError(first.task, "a prompt was named twice", todo="name each version once")
    values = {name: one.value for name, one in zip(names, outcomes, strict=True)}
    numbers = list(values.values())
    told = Prompts(first.task, first.metric, values, float(np.mean(numbers)), min(numbers), max(numbers))
    halves = [np.hsplit(one.parts, 2) for one in aligned]
    joined = replace(
        first,
        digest=" ".join(sorted(one.digest for one in outcomes)),
        parts=np.hstack([half[side] for side in (0, 1) for half in halves]),
        guess=None,
        contexts=None,
        note="; ".join(dict.fromkeys(one.note for one in outcomes if one.note)),
    )
    return told, joined
