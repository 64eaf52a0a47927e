"""chat_questions: any question set in the layout of MT-bench that lies in a local folder."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from datacards.errors import UserError
from eval.chat.prompts import QuestionSet, read_prompts
from eval.chat.questions import read_questions
from eval.chat.task import ChatTask

QUESTIONS, REFERENCES, PROMPTS = "question.jsonl", "reference_answer", "judge_prompts.jsonl"


class ChatQuestions(ChatTask):
    """The questions of ``folder``: ``question.jsonl``, ``judge_prompts.jsonl`` and, if any, one file of references.

    References are ``reference_answer/NAME.jsonl``.
    """

    task: Literal["chat_questions"] = "chat_questions"
    folder: str = Field(min_length=1)

    def question_set(self) -> QuestionSet:
        """Return the questions of the folder; raise UserError where a file is missing or wrong."""
        folder = Path(self.folder).expanduser()
        if not folder.is_dir():
            raise UserError(folder.name, "there is no such folder", todo="give the folder of a question set")
        references = sorted((folder / REFERENCES).glob("*.jsonl"))
        if len(references) > 1:
            raise UserError(REFERENCES, f"holds {len(references)} files", "one file of references at most")
        questions = read_questions(folder / QUESTIONS, references[0] if references else None)
        return QuestionSet(questions, read_prompts(folder / PROMPTS))
