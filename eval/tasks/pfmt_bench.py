"""pfmt_bench: the Preferred Multi-turn Benchmark for Finance in Japanese, 360 dialogues of two turns."""

from typing import ClassVar, Literal

from datacards.card import Rights
from datacards.errors import UserError
from eval.chat.prompts import QuestionSet, read_prompts
from eval.chat.questions import read_questions
from eval.chat.task import ChatTask
from eval.data.fetch import open_source

DIALOGUES = 360


class PfmtBench(ChatTask):
    """The published questions, references (mathematics only) and judge prompts, fetched at their pinned address.

    Hirano and Imajo (2024), doi:10.51094/jxiv.1000. Its authors ask that no model be tuned, merged or chosen by it.
    """

    task: Literal["pfmt_bench"] = "pfmt_bench"
    suite: ClassVar[str] = "pfmt-bench-fin-ja"
    rights: ClassVar[Rights | None] = Rights(
        license="all-rights-reserved",
        attribution="pfmt-bench-fin-ja, Hirano and Imajo (2024), https://github.com/pfnet-research/pfmt-bench-fin-ja; "
        "questions under Anthropic's terms, references under OpenAI's; fetched, not passed on",
        redistribution=False,
    )

    def question_set(self) -> QuestionSet:
        """Return the 360 dialogues; raise UserError where their files can neither be found nor fetched."""
        questions = read_questions(open_source("pfmt_questions"), open_source("pfmt_references"))
        if len(questions) != DIALOGUES:
            raise UserError(self.task, f"{len(questions)} questions", f"{DIALOGUES}")
        return QuestionSet(questions, read_prompts(open_source("pfmt_judge_prompts")))
