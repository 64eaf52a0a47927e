"""From answers to judged turns: gates first, then the judge, and what each way makes of its replies."""

from collections.abc import Sequence
from dataclasses import dataclass

from eval.chat.answering import Said, WayName
from eval.chat.gates import Gate, corrected, official
from eval.chat.languages import Detector
from eval.chat.prompts import JudgePrompts
from eval.chat.questions import ChatQuestion
from eval.chat.scores import Turn
from eval.judge.asks import Ask, Judgment
from eval.judge.repeats import repeated


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer of one way, with the gate that it fails ('' for none): then no judge sees it."""

    way: WayName
    question: ChatQuestion
    turn: int  # from 0
    said: Said
    gate: Gate
    answers: tuple[str, ...]  # of all turns up to this one


@dataclass(frozen=True, slots=True)
class Graded:
    """One answer with its judgments, and the turn that its way makes of them."""

    answered: Answered
    judgments: tuple[Judgment, ...]
    turn: Turn


def gated(
    way: WayName, questions: Sequence[ChatQuestion], said: Sequence[Sequence[Said]], detector: Detector
) -> list[Answered]:
    """Return every answer of one way in order of question and turn, with the gate that it fails."""
    found = []
    for question, answers in zip(questions, said, strict=True):
        texts = tuple(one.text for one in answers)
        for turn, one in enumerate(answers):
            strict = way == "official"
            gate = (
                official(question, turn, one.text, detector)
                if strict
                else corrected(question, turn, one.text)
            )
            found.append(Answered(way, question, turn, one, gate, texts[: turn + 1]))
    return found


def asks_of(
    answered: Sequence[Answered], prompts: JudgePrompts, *, repeats: int, share: float, seed: int
) -> list[tuple[int, Ask]]:
    """Return what a judge is asked, each with the place of its answer: nothing where a gate was failed.

    Every answer is judged once, and those of a ``share`` of the questions of each category ``repeats`` times, the same
    questions in every way and for every model.
    """
    firsts = [(place, _ask(one, prompts)) for place, one in enumerate(answered) if not one.gate]
    found = list(firsts)
    for way in dict.fromkeys(one.way for one in answered):
        mine = [(place, ask) for place, ask in firsts if answered[place].way == way]
        places = {(ask.question, ask.turn): place for place, ask in mine}
        groups = [answered[place].question.category for place, _ in mine]
        more = repeated([ask for _, ask in mine], groups, share=share, times=repeats, seed=seed)
        found += [(places[ask.question, ask.turn], ask) for ask in more]
    return found


def _ask(answered: Answered, prompts: JudgePrompts) -> Ask:
    question, turn = answered.question, answered.turn
    prompt = prompts.choose(question, turn)
    return Ask(
        question=question.id,
        turn=turn + 1,
        system=prompt.system,
        prompt=prompt.filled(question, answered.answers, turn),
        references=question.references[: turn + 1],
        answer=answered.said.text,
    )


def graded(answered: Answered, judgments: Sequence[Judgment]) -> Graded:
    """Return the answer with the score that its way makes of the judgments of its answer.

    A failed gate scores 0. The official way takes the first judgment as published, whatever its range, the corrected
    one the mean of those within the scale; without any the turn has no score.
    """
    question = answered.question
    score, failure = _official(answered, judgments)
    if answered.way == "corrected":
        score, failure = _corrected(answered, judgments)
    turn = Turn(question.id, answered.turn + 1, question.category, score, failure)
    return Graded(answered, tuple(judgments), turn)


def _official(answered: Answered, judgments: Sequence[Judgment]) -> tuple[float | None, str]:
    if answered.gate:
        return 0.0, _gate(answered)
    first = judgments[0]
    if first.official < 0:
        return None, first.failure or "unparsed"
    return first.official, ""


def _corrected(answered: Answered, judgments: Sequence[Judgment]) -> tuple[float | None, str]:
    if answered.gate:
        return 0.0, _gate(answered)
    known = [one.score for one in judgments if one.score is not None]
    if not known:
        return None, judgments[0].failure or "unparsed"
    return sum(known) / len(known), ""


def _gate(answered: Answered) -> str:
    return "injection" if answered.gate == "empty" and answered.said.injected else answered.gate
