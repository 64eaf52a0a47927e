"""Asks one model a question set, has its answers judged, and gives scores, records and files of both ways."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from datacards.evaluated import SAMPLES, Score, TaskRecord
from datacards.objective import Loaded
from eval.chat.answering import Settings, Way, WayName, Write, converse, ways
from eval.chat.grading import Answered, gated, graded
from eval.chat.kept import KeptAnswers
from eval.chat.prompts import QuestionSet
from eval.chat.questions import ChatQuestion, digest_of_questions
from eval.chat.report import scores_of
from eval.chat.served import served_writer
from eval.chat.tables import write_answers, write_judgments, write_turns
from eval.chat.writers import has_template, local_writer
from eval.items import sha256_of
from eval.judge.asks import Ask, Judgment
from eval.judge.run import judge

if TYPE_CHECKING:
    from eval.chat.task import ChatTask

ANSWERS, JUDGMENTS = "answers.jsonl", "judgments.sqlite"


@dataclass(frozen=True)
class Asked:
    """The questions that are asked of a set."""

    whole: QuestionSet
    questions: Sequence[ChatQuestion]


def evaluate(
    task: "ChatTask", model: Path | Loaded, kept: Path | None, out: Path | None
) -> tuple[list[Score], list[TaskRecord]]:
    """Return the scores of ``model`` on ``task``, the figures to compare by first, and one record per way.

    What this model answered and was given before lies in the folder ``kept`` and is not asked for again; an interrupted
    run goes on. Below ``out`` a file ``samples/TASK.parquet`` is written for the first way,
    ``samples/TASK_WAY.parquet`` for a second one, and the answers and judgments of both beside them. Raises UserError
    where questions cannot be had, the model cannot be asked, or the judge's endpoint or budget ends the run.
    """
    whole = task.question_set()
    questions, note = task.drawn(whole.questions)
    answered = answers_of(task, model, questions, kept)
    judgments = _judged(task, whole, answered, kept)
    rows = [graded(one, given) for one, given in zip(answered, judgments, strict=True)]
    if out is not None:
        write_answers(out / SAMPLES / f"{task.task}.answers.parquet", rows)
        write_judgments(out / SAMPLES / f"{task.task}.judgments.parquet", rows)
    scores: list[Score] = []
    records = []
    for number, way in enumerate(task.ways):
        name = task.task if number == 0 else f"{task.task}_{way}"
        part = [row for row in rows if row.answered.way == way]
        if out is not None:
            write_turns(out / SAMPLES / f"{name}.parquet", part)
        scores += scores_of(name, way, part, note)
        records.append(_record(task, name, way, Asked(whole, questions)))
    return scores, records


def answers_of(
    task: "ChatTask", model: Path | Loaded, questions: Sequence[ChatQuestion], kept: Path | None
) -> list[Answered]:
    """Return the answers of ``model`` in every way of ``task``, each past the gates or stopped by one."""
    known = KeptAnswers(None if kept is None else kept / ANSWERS)
    write = (
        served_writer(task.served)
        if task.served
        else local_writer(model, dtype=task.dtype, batch_tokens=task.batch_tokens)
    )
    return spoken(task, ways_of(task, model), questions, write, known)


def spoken(
    task: "ChatTask",
    held: Sequence[Way],
    questions: Sequence[ChatQuestion],
    write: Write,
    known: KeptAnswers,
) -> list[Answered]:
    """Return the answers that ``write`` and ``known`` give in the ways ``held``, each past the gates or stopped by one."""
    settings, detector = task.settings(), task.detector()
    found: list[Answered] = []
    for way in held:
        said = converse(questions, way, settings, write, known)
        found += gated(way.name, questions, said, detector)
    return found


def ways_of(task: "ChatTask", model: Path | Loaded) -> list[Way]:
    """Return how dialogues are held with ``model``."""
    return ways(task.ways, templated=has_template(model), served=task.served is not None)


def _judged(
    task: "ChatTask", whole: QuestionSet, answered: Sequence[Answered], kept: Path | None
) -> list[list[Judgment]]:
    asks = task.asks(answered, whole.prompts)
    found: list[list[Judgment]] = [[] for _ in answered]
    if asks:
        judgments = _asked(task, [ask for _, ask in asks], kept)
        for (place, _), judgment in zip(asks, judgments, strict=True):
            found[place].append(judgment)
    return found


def _asked(task: "ChatTask", asks: Sequence[Ask], kept: Path | None) -> list[Judgment]:
    if kept is not None:
        return judge(asks, task.judge, kept / JUDGMENTS)
    with TemporaryDirectory() as folder:
        return judge(asks, task.judge, Path(folder) / JUDGMENTS)


def _record(task: "ChatTask", name: str, way: WayName, asked: Asked) -> TaskRecord:
    return TaskRecord(
        task=name,
        kind="chat",
        metric=way,
        figure="groups",
        samples=sum(len(question.turns) for question in asked.questions),
        of=sum(len(question.turns) for question in asked.whole.questions),
        digest=_digest(task, way, asked),
        suite=task.suite if name == task.task or not task.suite else f"{task.suite} ({way})",
        source=task.rights.attribution if task.rights else "",
        options={
            **task.model_dump(mode="json", exclude={"batch_tokens"}),
            "way": way,
            "repetition_penalty": task.settings().repetition_penalty,
            "detector": task.detector().name if way == "official" else "script",
        },
    )


def _digest(task: "ChatTask", way: WayName, asked: Asked) -> str:
    """Return the SHA-256 over all that two models must have been given alike to be compared."""
    settings: Settings = task.settings()
    return sha256_of(
        {
            "questions": digest_of_questions(tuple(asked.questions)),
            "prompts": repr(asked.whole.prompts),
            "way": way,
            "settings": [
                settings.system,
                settings.max_tokens,
                task.repetition_penalty,
                settings.temperature,
            ],
            "judge": task.model_dump(mode="json")["judge"],
            "repeats": [task.repeats, task.repeated],
        }
    )
