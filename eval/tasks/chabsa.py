"""chABSA: is a sentence of an annual report positive or negative about a target?"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from datacards.card import Rights
from datacards.evaluated import Figure
from eval.data import vendored
from eval.items import Answer, Item
from eval.metrics import accuracy, mean_f1
from eval.tasks.base import Measured, Task
from eval.tasks.prompts import Dialect, Prompt, description, opinion

CHOICES = ("positive", "negative")


class Chabsa(Task):
    """7,723 opinions with any of the benchmark's prompts, zero examples.

    ``prompt`` 0.1.2 and 0.2.1, which need letters to choose from, are asked as 0.1 and 0.2, as the benchmark does.

    Neutral opinions (258) stay in and are always wrong. The benchmark's figure is the macro F1 of scikit-learn times
    1.5: the mean of three F1s of which the neutral one is zero. ``f1`` is the mean of the two others, which is the
    same number wherever neutral items are among the items, and keeps its meaning on a subset where none is (there the
    original's factor would give a perfect model 1.5).
    """

    task: Literal["chabsa"] = "chabsa"
    prompt: Prompt = "default"
    dialect: Dialect = "v0.2"
    suite: ClassVar[str] = "fin-harness"
    metric: ClassVar[str] = "f1"
    figure: ClassVar[Figure] = "f1"
    rights: ClassVar[Rights | None] = Rights(
        license="CC-BY-4.0",
        attribution="chABSA-dataset, TIS Inc. / chakki (https://github.com/chakki-works/chABSA-dataset), CC BY 4.0; converted",
        redistribution=True,
    )

    def items(self, corpus: Path | None) -> list[Item]:
        """Return the opinions in order of report, sentence and place."""
        del corpus
        version, asked = opinion(self.prompt, self.dialect)
        opening = description(version, asked.request, self.dialect)
        # The oldest wording of one prompt takes the sentence without the white space around it.
        trims = (version, self.dialect) == ("0.6", "v0.1")
        return [
            Item(
                id=row["id"],
                context=opening
                + asked.body.format(
                    sentence=row["sentence"].strip() if trims else row["sentence"], target=row["target"]
                ),
                continuations=tuple(f"{asked.delimiter}{choice}" for choice in CHOICES),
                choices=CHOICES,
                gold=CHOICES.index(row["polarity"]) if row["polarity"] in CHOICES else None,
                label=row["polarity"],
                cluster=row["report"],
            )
            for row in vendored("chabsa")
        ]

    def measure(self, answers: Sequence[Answer]) -> list[Measured]:
        """Return f1, acc and their variants by likelihood per character."""
        return [
            Measured("f1", *mean_f1(answers)),
            Measured("acc", *accuracy(answers)),
            Measured("f1_norm", *mean_f1(answers, per_character=True)),
            Measured("acc_norm", *accuracy(answers, per_character=True)),
        ]
