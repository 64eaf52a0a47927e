"""Reads the stored judgments of pfmt-bench-fin-ja again: every score, every prompt, both leaderboards."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datacards.errors import UserError
from eval.chat.gates import corrected, official
from eval.chat.languages import Detector
from eval.chat.parsing import FAILED, read_stored
from eval.chat.prompts import JudgePrompts, read_prompts
from eval.chat.questions import ChatQuestion, read_answers, read_questions, rows_of
from eval.chat.scores import Bounds, Mean, Turn, bounds, by_category, mean, overall

NAME = "pfmt_bench_fin_ja"
PROMPTS = "judge_prompts.jsonl"
REFERENCES = "reference_answer/gpt-4o+human.jsonl"

#: The overall figures in the picture of the repository's README (judge gpt-4o-mini), rounded there to two places.
PICTURED: Mapping[str, float] = {
    "claude-3-5-sonnet-20240620": 9.07,
    "gpt-4o": 8.99,
    "claude-3-opus-20240229": 8.70,
    "claude-3-haiku-20240307": 8.55,
    "claude-3-sonnet-20240229": 8.41,
    "gpt-4": 8.37,
    "plamo-1.0-prime-beta": 8.32,
    "claude-2.1": 8.20,
    "nvidia_nemotron-4-340b-instruct": 8.07,
    "gpt-35-turbo": 8.04,
}
PICTURED_JUDGE = "gpt-4o-mini"


@dataclass(frozen=True)
class Reread:
    """One stored file of judgments: how much came out otherwise, and the figures of both leaderboards.

    ``scores_differ`` counts scores that our reading of the text does not give, ``prompts_differ`` prompts that ours do
    not equal letter for letter (None without the model's answers), ``gates`` how often our gate and theirs said (stop,
    stop), (stop, pass), (pass, stop), (pass, pass), ours first. ``bounds`` are the overall figure with failures as nothing
    and without them; ``regained`` answers were stopped for their language and would pass when all of them is looked at.
    ``pictured`` is the printed overall, None for none.
    """

    judge: str
    model: str
    rows: int
    scores_differ: int
    prompts_differ: int | None
    failures: Mapping[str, int]
    overall: Mean
    average: Mean
    bounds: Bounds
    regained: int | None = None
    categories: Mapping[str, Mean] = field(default_factory=dict)
    gates: tuple[int, int, int, int] | None = None
    pictured: float | None = None

    @property
    def as_pictured(self) -> bool | None:
        """Say whether the overall figure rounds to the printed one, None where none is printed."""
        return None if self.pictured is None else abs(self.overall.value - self.pictured) <= 0.005 + 1e-9


def is_here(folder: Path) -> bool:
    """Say whether ``folder`` is a checkout of the benchmark, or its folder of data."""
    return _base(folder) is not None


def reread(folder: Path, detector: Detector | None = None) -> list[Reread]:
    """Read every stored judgment below ``folder`` again; ``detector`` decides the gate of languages anew, if given.

    Raises UserError where ``folder`` is no checkout of the benchmark and for a file that cannot be read.
    """
    base = _base(folder)
    if base is None:
        raise UserError(folder.name, f"holds no data/{NAME}", todo="give a checkout of pfmt-bench-fin-ja")
    references = base / REFERENCES
    questions = {
        question.number: question
        for question in read_questions(base / "question.jsonl", references if references.is_file() else None)
    }
    prompts = read_prompts(base.parent / PROMPTS)
    found = []
    for path in sorted(base.glob("model_judgment/*_single/*.jsonl")):
        answers = base / "model_answer" / path.name
        found.append(_file(path, questions, prompts, answers if answers.is_file() else None, detector))
    if not found:
        raise UserError(folder.name, "holds no stored judgment", f"{NAME}/model_judgment/*_single/*.jsonl")
    return found


def _base(folder: Path) -> Path | None:
    places = (folder / "data" / NAME, folder / NAME, folder)
    return next((place for place in places if (place / "question.jsonl").is_file()), None)


def _file(
    path: Path,
    questions: Mapping[int, ChatQuestion],
    prompts: JudgePrompts,
    answers_path: Path | None,
    detector: Detector | None,
) -> Reread:
    answers = _answers(answers_path, questions) if answers_path else None
    turns: dict[tuple[int, int], Turn] = {}
    rows = scores = differ = 0
    regained = 0
    gates: Counter[tuple[bool, bool]] = Counter()
    for line, row in rows_of(path):
        question, number = _place(f"{path.name}:{line}", row, questions)
        rows += 1
        score, failure = read_stored(str(row["judgment"]))
        scores += score != float(row["score"])
        key = (question.number, number)
        if key not in turns:  # as published, the first of several stands
            counted = None if score == FAILED else score
            turns[key] = Turn(question.id, number, question.category, counted, failure)
        if answers is None:
            continue
        given = answers[question.number]
        differ += (
            prompts.choose(question, number - 1).filled(question, given, number - 1) != row["user_prompt"]
        )
        if failure == "language":
            regained += not corrected(question, number - 1, given[number - 1])
        if detector is not None and failure != "empty":
            ours = official(question, number - 1, given[number - 1], detector) == "language"
            gates[ours, failure == "language"] += 1
    kept = sorted(turns.items())
    judged = [turn for _, turn in kept]
    categories = by_category(judged)
    judge = path.parent.name.removesuffix("_single")
    order = ((True, True), (True, False), (False, True), (False, False))
    return Reread(
        judge=judge,
        model=path.stem,
        rows=rows,
        scores_differ=scores,
        prompts_differ=None if answers is None else differ,
        failures=Counter(turn.failure for turn in judged if turn.failure),
        overall=overall(categories),
        average=mean(judged),
        bounds=bounds(judged),
        regained=None if answers is None else regained,
        categories=categories,
        gates=None if detector is None or answers is None else tuple(gates[key] for key in order),  # type: ignore[arg-type]
        pictured=PICTURED.get(path.stem) if judge == PICTURED_JUDGE else None,
    )


def _place(
    where: str, row: Mapping[str, Any], questions: Mapping[int, ChatQuestion]
) -> tuple[ChatQuestion, int]:
    number, turn, score = row.get("question_id"), row.get("turn"), row.get("score")
    question = questions.get(number) if isinstance(number, int) else None
    known = question is not None and isinstance(turn, int) and 1 <= turn <= len(question.turns)
    if not known or not isinstance(score, int | float) or not {"judgment", "user_prompt"} <= row.keys():
        raise UserError(
            where, "is no judgment of this question set", "question_id, turn, judgment, score, user_prompt"
        )
    assert question is not None and isinstance(turn, int)  # noqa: S101, PT018  what known says
    return question, turn


def _answers(path: Path, questions: Mapping[int, ChatQuestion]) -> Mapping[int, Sequence[str]]:
    found = read_answers(path)
    for number, question in questions.items():
        if len(found.get(number, ())) < len(question.turns):
            raise UserError(path.name, f"has no whole answer to question {number}", "a text for every turn")
    return found
