"""cpa_audit: short-answer questions on auditing from the Japanese CPA examinations."""

from typing import ClassVar, Literal

from datacards.card import Rights
from eval.data import vendored
from eval.tasks.exams import Asking, Exam

CHOICES = 6


class CpaAudit(Exam):
    """398 questions, six choices, each a combination of statements.

    38 questions have five choices; the benchmark shows their sixth as ``nan`` and so do we, or its figures could not
    be compared with ours.
    """

    task: Literal["cpa_audit"] = "cpa_audit"
    requests: ClassVar[str] = "combinations"
    rights: ClassVar[Rights | None] = Rights(
        license="CC-BY-4.0",
        attribution="公認会計士・監査審査会 公認会計士試験; compiled by Masuda, Nakagawa and Hoshino (2023), "
        "https://github.com/pfnet-research/japanese-lm-fin-harness, CC BY 4.0; converted",
        redistribution=True,
    )

    def questions(self) -> list[Asking]:
        """Return the questions in order of examination and number."""
        return [
            Asking(
                id=row["id"],
                question=row["question"],
                context="\n".join(f"{mark}: {text}" for mark, text in row["statements"].items()),
                choices=(*row["choices"], *["nan"] * (CHOICES - len(row["choices"]))),
                answer=row["answer"],
                group=row["exam"],
            )
            for row in vendored("cpa_audit")
        ]
