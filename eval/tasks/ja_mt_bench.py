"""ja_mt_bench: Japanese MT-bench, 80 dialogues of two turns, for what a model forgets of general conversation."""

from typing import ClassVar, Literal

from datacards.card import Rights
from eval.chat.answering import WayName
from eval.chat.prompts import QuestionSet, our_prompts
from eval.chat.questions import ChatQuestion
from eval.chat.task import ChatTask
from eval.data import vendored


class JaMtBench(ChatTask):
    """The questions as shipped, judged with prompts of our own: no published figure compares.

    One way is enough, as nothing published is to be met: the corrected one.
    """

    task: Literal["ja_mt_bench"] = "ja_mt_bench"
    ways: tuple[WayName, ...] = ("corrected",)
    suite: ClassVar[str] = "mt_bench"  # of its own: points from 1 to 10 make no mean with shares
    metric: ClassVar[str] = "corrected"
    rights: ClassVar[Rights | None] = Rights(
        license="Apache-2.0",
        attribution="Japanese MT-bench, Stability AI Japan, by way of https://github.com/llm-jp/llm-jp-judge, Apache-2.0; "
        "converted",
        redistribution=True,
    )

    def question_set(self) -> QuestionSet:
        """Return the 80 dialogues in order of number."""
        questions = tuple(
            ChatQuestion(
                number=row["number"],
                category=row["category"],
                turns=tuple(row["turns"]),
                references=tuple(row["references"]),
            )
            for row in vendored("ja_mt_bench")
        )
        return QuestionSet(questions, our_prompts())
