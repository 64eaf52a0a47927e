"""chat_questions: any question set in the layout of MT-bench that lies in a local folder."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_serializer

from datacards.card import Rights
from datacards.errors import UserError
from eval.chat.prompts import QuestionSet, our_prompts, read_prompts
from eval.chat.questions import read_questions
from eval.chat.task import ChatTask
from eval.tasks.general.local import Stated

QUESTIONS, REFERENCES, PROMPTS = "question.jsonl", "reference_answer", "judge_prompts.jsonl"


class ChatQuestions(ChatTask, Stated):
    """The questions of ``folder``: ``question.jsonl`` and, if any, one file of references and prompts for the judge.

    References are ``reference_answer/NAME.jsonl``, prompts ``judge_prompts.jsonl``; without them our own are asked.
    Replies and judgments are kept and may repeat a question: say under which ``license`` these are.
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
        own = folder / PROMPTS
        return QuestionSet(questions, read_prompts(own) if own.is_file() else our_prompts())

    @property
    def rights(self) -> Rights:  # type: ignore[override]  # said in the recipe
        """Return the rights of the questions."""
        return self.stated(Path(self.folder).name)

    @field_serializer("folder")
    def _inside(self, folder: str) -> str:
        """Keep where a folder lies on this machine out of versions."""
        path = Path(folder).expanduser()
        return path.name if path.is_absolute() else folder
