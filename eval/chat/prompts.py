"""What the judge is asked: prompts in the layout of MT-bench, filled with one dialogue."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datacards.errors import UserError
from eval.chat.questions import ChatQuestion, rows_of

FORMAT = "[[rating]]"
_ONE_TURN = frozenset({"question", "answer", "ref_answer_1"})


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """One prompt for grading a single answer; ``template`` names its parts in braces."""

    name: str
    system: str
    template: str

    def filled(self, question: ChatQuestion, answers: Sequence[str], turn: int) -> str:
        """Return the user's message that shows ``turn`` (from 0) with all that came before it, and nothing after.

        The first turn alone is shown as ``question`` and ``answer``, a later one as ``question_1``, ``answer_1`` and so
        on; ``ref_answer_1`` and so on are the references.
        """
        given = {f"ref_answer_{place}": text for place, text in enumerate(question.references[: turn + 1], 1)}
        if turn == 0:
            given |= {"question": question.turns[0], "answer": answers[0]}
        else:
            given |= {f"question_{place}": text for place, text in enumerate(question.turns[: turn + 1], 1)}
            given |= {f"answer_{place}": text for place, text in enumerate(answers[: turn + 1], 1)}
        parts = []
        for text, name, _, _ in string.Formatter().parse(self.template):
            parts.append(text)
            if name is not None:
                if name not in given:
                    raise UserError(
                        self.name, f"asks for '{name}'", f"turn {turn + 1} has {', '.join(sorted(given))}"
                    )
                parts.append(given[name])
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class JudgePrompts:
    """The prompts of a set: for the first turn and for later ones, each with references and without."""

    first: JudgePrompt
    later: JudgePrompt
    first_with_reference: JudgePrompt
    later_with_reference: JudgePrompt

    def choose(self, question: ChatQuestion, turn: int) -> JudgePrompt:
        """Return the prompt that ``turn`` (from 0) of ``question`` is graded with."""
        if question.references:
            return self.later_with_reference if turn else self.first_with_reference
        return self.later if turn else self.first


@dataclass(frozen=True)
class QuestionSet:
    """The questions of a set in order, and the prompts that their answers are judged with."""

    questions: tuple[ChatQuestion, ...]
    prompts: JudgePrompts


def our_prompts() -> JudgePrompts:
    """Return prompts of our own wording, for sets that come without."""
    return read_prompts(Path(__file__).with_name("judge_prompts.jsonl"))


def read_prompts(path: Path) -> JudgePrompts:
    """Return the four prompts for grading that the JSONL file holds, each text as it stands.

    Prompts for pairs are passed over. ``category`` is "math" for those with references, and a name that ends in
    ``-multi-turn`` is for later turns. Raises UserError where one of the four is missing or there twice.
    """
    found: dict[tuple[bool, bool], JudgePrompt] = {}
    for line, row in rows_of(path):
        where = f"{path.name}:{line}"
        if row.get("type") != "single":
            continue
        texts = [row.get(name) for name in ("name", "system_prompt", "prompt_template")]
        if not all(isinstance(text, str) and text for text in texts):
            raise UserError(where, "is no prompt", "name, system_prompt and prompt_template are texts")
        if row.get("output_format") != FORMAT:
            raise UserError(where, f"output_format {row.get('output_format')!r}", FORMAT)
        prompt = JudgePrompt(*map(str, texts))
        _check(where, prompt)
        kind = (row.get("category") == "math", prompt.name.endswith("-multi-turn"))
        if kind in found:
            raise UserError(where, f"{prompt.name} is for the same as {found[kind].name}")
        found[kind] = prompt
    return _whole(path, found)


def _whole(path: Path, found: Mapping[tuple[bool, bool], JudgePrompt]) -> JudgePrompts:
    if len(found) < 4:
        raise UserError(
            path.name,
            f"{len(found)} prompts for grading",
            "four: general and math, each for the first turn and (-multi-turn) for later ones",
        )
    return JudgePrompts(
        first=found[False, False],
        later=found[False, True],
        first_with_reference=found[True, False],
        later_with_reference=found[True, True],
    )


def _check(where: str, prompt: JudgePrompt) -> None:
    try:
        parts = list(string.Formatter().parse(prompt.template))
    except ValueError as error:
        raise UserError(
            where, f"its template cannot be read: {error}", "double a brace to show it"
        ) from error
    for _, name, form, conversion in parts:
        if name is None:
            continue
        stem, _, number = name.rpartition("_")
        numbered = stem in ("question", "answer", "ref_answer") and number.isdecimal()
        if form or conversion or not (name in _ONE_TURN or numbered):
            raise UserError(where, f"its template asks for '{name}'", "question, answer, ref_answer_N, ...")
