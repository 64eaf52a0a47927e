"""cpa_audit: short-answer questions on auditing from the Japanese CPA examinations."""

from pathlib import Path
from typing import ClassVar, Literal

from datacards.card import Rights
from eval.data import vendored
from eval.items import Item
from eval.tasks.base import LETTERS, Task, exam

DESCRIPTION = "以下の問題の答えとして適切な記号の組み合わせを選択肢から選んでアルファベットで答えなさい。"
CHOICES = 6


class CpaAudit(Task):
    """398 questions, six choices, default prompt of the Japanese financial benchmark, zero examples.

    38 questions have five choices; the benchmark shows their sixth as ``nan`` and so do we, or its figures could not
    be compared with ours.
    """

    task: Literal["cpa_audit"] = "cpa_audit"
    suite: ClassVar[str] = "fin-harness"
    rights: ClassVar[Rights | None] = Rights(
        license="CC-BY-4.0",
        attribution="公認会計士・監査審査会 公認会計士試験; compiled by Masuda, Nakagawa and Hoshino (2023), "
        "https://github.com/pfnet-research/japanese-lm-fin-harness, CC BY 4.0; converted",
        redistribution=True,
    )

    def items(self, corpus: Path | None) -> list[Item]:
        """Return the questions in order of examination and number."""
        del corpus
        found = []
        for row in vendored("cpa_audit"):
            shown = [*row["choices"], *["nan"] * (CHOICES - len(row["choices"]))]
            statements = "".join(f"{mark}: {text}\n" for mark, text in row["statements"].items())
            letters = tuple(LETTERS[:CHOICES])
            found.append(
                Item(
                    id=row["id"],
                    context=exam(
                        row["question"], statements.removesuffix("\n"), shown, description=DESCRIPTION
                    ),
                    continuations=letters,
                    choices=letters,
                    gold=row["answer"],
                    label=letters[row["answer"]],
                )
            )
        return found
