"""What a run would ask of a model and of its judge, told before anything is spent."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eval.chat.answering import Wanted
from eval.chat.kept import KeptAnswers, Raw
from eval.chat.run import ANSWERS, JUDGMENTS, spoken, ways_of
from eval.judge.estimate import estimate
from eval.tasks.base import Effort

if TYPE_CHECKING:
    from eval.chat.task import ChatTask

#: Characters of an answer that is not written yet: the middle of the means of twelve published models (400 to 2,074).
ASSUMED = 850
_TEXT = "答えです。"


def effort_of(task: "ChatTask", model: Path, kept: Path) -> Effort:
    """Return what a run of ``task`` would take, less what ``kept`` holds; nothing is asked of anybody.

    Answers that are not there yet are taken to have ``ASSUMED`` characters and to pass every gate: the judge's part is an
    estimate for them, and exact in number for the others.
    """
    whole = task.question_set()
    questions, note = task.drawn(whole.questions)
    missing: list[Wanted] = []
    assumed = Raw((_TEXT * (ASSUMED // len(_TEXT) + 1))[:ASSUMED], "stop")

    def assume(wanted: Sequence[Wanted], take: Callable[[int, Raw], None]) -> None:
        missing.extend(wanted)
        for place in range(len(wanted)):
            take(place, assumed)

    known = KeptAnswers(kept / ANSWERS, only_read=True)
    answered = spoken(task, ways_of(task, model), questions, assume, known)
    asks = [ask for _, ask in task.asks(answered, whole.prompts)]
    told = f"judge {task.judge.model}: {estimate(asks, task.judge, kept / JUDGMENTS)}"
    written = f"{len(missing):,} answers to write, taken to have {ASSUMED} characters" if missing else ""
    return Effort(
        items=len(answered),
        of=len(task.ways) * sum(len(question.turns) for question in whole.questions),
        kept=sum(one.said.raw is not assumed for one in answered),
        characters=sum(_size(want) for want in missing),
        told="; ".join(part for part in (note, written, told) if part),
    )


def _size(want: Wanted) -> int:
    return len(want.text or "") + sum(len(message["content"]) for message in want.messages or ())
