"""examples: what a model writes to a few prompts, kept to be read side by side with what others write to the same."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, field_serializer

from datacards.card import Rights
from datacards.errors import UserError
from datacards.evaluated import SAMPLES, Figure, Score, TaskRecord
from eval.chat.answering import Said, Settings, Way, converse
from eval.chat.kept import KeptAnswers
from eval.chat.questions import ChatQuestion, digest_of_questions, read_questions, turn_id
from eval.chat.templates import REPETITION_PENALTY, SYSTEM
from eval.chat.writers import has_template, local_writer
from eval.data import HERE
from eval.evaluators.loading import Dtype
from eval.items import Kind, sha256_of
from eval.samples import COMMON
from eval.tasks.base import Conversation, Effort, weighted
from eval.tasks.general.local import Stated

SHIPPED = HERE / "examples.jsonl"
ANSWERS = "examples.jsonl"  # in the folder of what a model was asked once
COLUMNS = pa.schema(
    [
        *COMMON,  # value: 1 where anything was written
        ("turn", pa.int32()),  # from 1
        ("prompt", pa.string()),  # what the user says in this turn
        ("reply", pa.string()),  # without the marker of a next turn
        ("written", pa.string()),  # as the model wrote it
        ("template", pa.string()),  # own or one_shot
        ("finish", pa.string()),  # stop or length
        ("reply_tokens", pa.int32()),
        ("context_tokens", pa.int32()),
        ("truncated", pa.bool_()),  # the prompt did not fit the model and lost its beginning
    ]
)


class Examples(Conversation, Stated):
    """Replies at temperature 0 and repetition penalty 1.1, as the examples of arXiv 2409.19854, without a judge.

    ``questions`` is a file in the layout of MT-bench; without one, six prompts written for this project are taken. A
    model with a chat template of its own is shown it (``own``), any other the plain text of pfmt-bench-fin-ja, which
    ``one_shot`` shows to all. The one figure is the share of prompts to which anything was written at all. The prompts
    are kept with the replies, so say under which ``license`` those of a file are, and whether they may be passed on.
    """

    task: Literal["examples"] = "examples"
    questions: str = ""
    template: Literal["own", "one_shot"] = "own"
    system: str = SYSTEM
    max_tokens: int = Field(default=512, ge=1)
    repetition_penalty: float = Field(default=REPETITION_PENALTY, gt=0)
    dtype: Dtype = "bfloat16"
    batch_tokens: int = Field(default=1 << 16, ge=1)
    kind: ClassVar[Kind] = "reply"
    metric: ClassVar[str] = "answered"
    figure: ClassVar[Figure] = "mean"

    @property
    def rights(self) -> Rights | None:  # type: ignore[override]  # those of a file are said in the recipe
        """Return the rights of the prompts, None for those of this project."""
        return self.stated(Path(self.questions).name) if self.questions else None

    @field_serializer("questions")
    def _without_place(self, questions: str) -> str:
        """Say which file it was without saying where it lies."""
        if not questions:
            return ""
        path = Path(questions).expanduser()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else "gone"
        return f"{path.name} sha256:{digest}"

    def converse(self, *, model: Path, kept: Path, out: Path) -> tuple[list[Score], list[TaskRecord]]:
        """Have the replies written that were not kept, and return the share of those that hold anything."""
        questions, whole = self._asked()
        own = self.template == "own" and has_template(model)
        way = Way("corrected", own=own, strict=False)
        write = local_writer(model, dtype=self.dtype, batch_tokens=self.batch_tokens)
        said = converse(questions, way, self._settings(), write, KeptAnswers(kept / ANSWERS))
        table = _table(questions, said, "own" if own else "one_shot")
        (out / SAMPLES).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, out / SAMPLES / f"{self.task}.parquet", compression="zstd")
        value = weighted(self.metric, [(value, 1.0) for value in table["value"].to_pylist()])
        score = Score(
            task=self.task, metric=self.metric, value=value.value, stderr=value.stderr, samples=len(table),
            note="examples to read, no benchmark",
        )  # fmt: skip
        return [score], [self._record(questions, whole)]

    def effort(self, *, model: Path, kept: Path) -> Effort:
        """Return how many replies there are to write; what is kept is not looked at."""
        del model, kept
        questions, whole = self._asked()
        turns = [turn for question in questions for turn in question.turns]
        return Effort(len(turns), _turns(whole), 0, sum(map(len, turns)), "greedy, no judge")

    def _asked(self) -> tuple[list[ChatQuestion], Sequence[ChatQuestion]]:
        path = Path(self.questions).expanduser() if self.questions else SHIPPED
        if not path.is_file():
            raise UserError(
                self.task, f"there is no file '{path.name}'", "one JSON object a line, with its turns"
            )
        whole = read_questions(path)
        return list(whole[: self.subset]), whole

    def _settings(self) -> Settings:
        return Settings(
            system=self.system,
            max_tokens=self.max_tokens,
            repetition_penalty=self.repetition_penalty,
            seed=self.seed,
            engine={"dtype": self.dtype},
            temperature=0.0,
        )

    def _record(self, questions: Sequence[ChatQuestion], whole: Sequence[ChatQuestion]) -> TaskRecord:
        options = self.model_dump(mode="json", exclude={"batch_tokens"})
        asked = [digest_of_questions(tuple(questions)), self.system, self.max_tokens, self.repetition_penalty]
        return TaskRecord(
            task=self.task, kind=self.kind, metric=self.metric, figure=self.figure, samples=_turns(questions),
            of=_turns(whole), digest=sha256_of(asked), source=self.attribution, options=options,
            compared=False,
        )  # fmt: skip


def _turns(questions: Sequence[ChatQuestion]) -> int:
    return sum(len(question.turns) for question in questions)


def _table(questions: Sequence[ChatQuestion], said: Sequence[Sequence[Said]], template: str) -> pa.Table:
    rows = [
        {
            "id": turn_id(question, turn),
            "cluster": question.id,
            "group": question.category,
            "value": float(bool(one.text.strip())),
            "weight": 1.0,
            "context_sha256": hashlib.sha256(one.prompt.encode()).hexdigest(),
            "turn": turn + 1,
            "prompt": question.turns[turn],
            "reply": one.text,
            "written": one.raw.text,
            "template": template,
            "finish": one.raw.finish,
            "reply_tokens": one.raw.tokens,
            "context_tokens": one.raw.context_tokens,
            "truncated": one.raw.truncated,
        }
        for question, answers in zip(questions, said, strict=True)
        for turn, one in enumerate(answers)
    ]
    return pa.Table.from_pylist(rows, schema=COLUMNS)
