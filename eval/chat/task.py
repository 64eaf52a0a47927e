"""What every task of dialogues is: its questions, its judge's prompts, how answers are drawn, and who judges them."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, field_serializer

from datacards.errors import UserError
from datacards.evaluated import Score, TaskRecord
from eval.chat.answering import Settings, WayName
from eval.chat.grading import Answered, asks_of
from eval.chat.languages import Detector, detector
from eval.chat.plan import effort_of
from eval.chat.prompts import JudgePrompts, QuestionSet
from eval.chat.questions import ChatQuestion, turn_id
from eval.chat.run import evaluate
from eval.chat.templates import MAX_TOKENS, REPETITION_PENALTY, SYSTEM
from eval.evaluators.loading import Dtype
from eval.evaluators.writing import BATCH_TOKENS
from eval.items import Question
from eval.judge.asks import Ask
from eval.judge.endpoint import Endpoint
from eval.judge.repeats import SHARE, TIMES
from eval.tasks.base import Conversation, Effort, stratified

#: What of an endpoint bears on what it says.
_BEARING = ("model", "revision", "max_tokens", "temperatures", "seed", "extra", "after")
#: What of an endpoint that answers for the model bears on the answers.
_SENT = ("model", "revision", "seed", "extra")


class ChatTask(Conversation):
    """Dialogues that a model answers turn by turn and a ``judge`` grades from 1 to 10, in two ways side by side.

    ``official`` is the published benchmark to the letter: plain text, an answer that goes on with the next turn counts
    as empty, the language is told from twenty characters. ``corrected`` shows the dialogue in the model's own chat
    template where it has one, cuts the marker off instead, and looks at the whole answer.

    The answers to a share of the questions (``repeated``) are judged ``repeats`` times, to know the judge's noise; the
    official way takes the first judgment, the corrected one their mean.
    ``served`` is an endpoint that answers for the model, which then gets messages in both ways and is not loaded here; it
    is sent no repetition penalty but what its ``extra`` says.
    ``language_model`` is a fastText model for the official gate (the published one is ``lid.176.bin``); without it
    scripts decide. ``temperature`` overrides the table by category, for looks at answers. ``subset`` is a number of
    questions. A score is no score for a model that was tuned or chosen by the same questions.
    """

    judge: Endpoint
    served: Endpoint | None = None
    ways: tuple[WayName, ...] = Field(default=("official", "corrected"), min_length=1)
    repeats: int = Field(default=TIMES, ge=1, le=32)
    repeated: float = Field(default=SHARE, ge=0, le=1)
    system: str = SYSTEM
    max_tokens: int = Field(default=MAX_TOKENS, ge=1)
    repetition_penalty: float = Field(default=REPETITION_PENALTY, gt=0)
    temperature: float | None = Field(default=None, ge=0)
    language_model: str = ""
    dtype: Dtype = "bfloat16"
    batch_tokens: int = Field(default=4 * BATCH_TOKENS, ge=1)
    metric: ClassVar[str] = "official"

    @abstractmethod
    def question_set(self) -> QuestionSet:
        """Return the questions and the judge's prompts. Raises UserError where they cannot be had."""

    def items(self, corpus: Path | None) -> list[Question]:
        """Return one item per turn: what the user says, under the question's id and the turn's number (from 1)."""
        del corpus
        return [item for question in self.question_set().questions for item in turns_of(question)]

    def converse(self, *, model: Path, kept: Path, out: Path) -> tuple[list[Score], list[TaskRecord]]:
        """Return the scores and the record of every way; see ``eval.chat.run.evaluate``."""
        return evaluate(self, model, kept / "chat", out)

    def effort(self, *, model: Path, kept: Path) -> Effort:
        """Return what a run would ask of the model and of the judge, less what is kept."""
        return effort_of(self, model, kept / "chat")

    def drawn(self, questions: Sequence[ChatQuestion]) -> tuple[list[ChatQuestion], str]:
        """Return the questions to ask, every category in its share, and what a reader must know of that."""
        if len({question.id for question in questions}) < len(questions):
            raise UserError(self.task, "asks the same question twice", todo="leave one of them out")
        if self.subset is None or self.subset >= len(questions):
            return list(questions), ""
        openings = [
            Question(question.id, question.turns[0], (), label=question.category) for question in questions
        ]
        chosen = {item.id for item in stratified(openings, self.subset, self.seed)}
        kept = [question for question in questions if question.id in chosen]
        return kept, f"a draw of {len(kept)} of {len(questions)} questions, no benchmark figure"

    def asks(self, answered: Sequence[Answered], prompts: JudgePrompts) -> list[tuple[int, Ask]]:
        """Return what the judge is asked, each with the place of its answer among ``answered``."""
        return asks_of(answered, prompts, repeats=self.repeats, share=self.repeated, seed=self.seed)

    def detector(self) -> Detector:
        """Return what tells the language at the official gate."""
        return detector(Path(self.language_model).expanduser() if self.language_model else None)

    def settings(self) -> Settings:
        """Return what answers are drawn with."""
        engine: dict[str, Any] = {"dtype": self.dtype}
        if self.served:
            engine = self.served.model_dump(mode="json", include=set(_SENT))
        return Settings(
            system=self.system,
            max_tokens=self.max_tokens,
            repetition_penalty=1.0 if self.served else self.repetition_penalty,
            seed=self.seed,
            engine=engine,
            temperature=self.temperature,
        )

    @field_serializer("judge", "served")
    def _named(self, endpoint: Endpoint | None) -> dict[str, Any] | None:
        """Leave out where an endpoint is, what it costs and how it is asked: none of it bears on a score."""
        return None if endpoint is None else endpoint.model_dump(mode="json", include=set(_BEARING))

    @field_serializer("language_model")
    def _file(self, path: str) -> str:
        return Path(path).name


def turns_of(question: ChatQuestion) -> list[Question]:
    """Return one item per turn of ``question``."""
    return [
        Question(
            id=turn_id(question, turn),
            context=text,
            targets=question.references[turn : turn + 1],
            until=(),
            label=question.category,
            group=question.category,
            cluster=question.id,
        )
        for turn, text in enumerate(question.turns)
    ]
