"""MGSM: word problems of primary school in Japanese and English (Shi et al., 2022), worked examples of our own."""

import re
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from datacards.card import Rights
from eval.data import vendored
from eval.items import Question, Reply
from eval.tasks.general.numbers import numbers
from eval.tasks.general.replies import ReplyTask, first_line, prompt

RIGHTS = Rights(
    license="CC-BY-4.0",
    attribution="MGSM, Google (https://github.com/google-research/url-nlp), CC BY 4.0; converted",
    redistribution=True,
)
TOLERANCE = 1e-6  # of whole numbers, which all answers are


class Wording(NamedTuple):
    """What one language puts around a problem, and the worked examples (problem, solution), written for this project."""

    description: str
    problem: str
    solution: str
    answer: re.Pattern[str]
    examples: tuple[tuple[str, str], ...]


JAPANESE = Wording(
    "次の文章題を順を追って解き、最後に「答えは」に続けて数を書きなさい。",
    "問題: ", "解答: ", re.compile(r"答え(?:は|[:：])"),
    (
        (
            "売店は1個120円の菓子パンを朝に35個、昼に48個売りました。売り上げは全部でいくらですか？",
            "売れた数は35+48=83個です。売り上げは83×120=9960円です。答えは9960です。",
        ),
        (
            "貯金が2万円ある人が、毎月3000円ずつ貯めます。1年後の貯金はいくらですか？",
            "1年は12か月なので、増える分は3000×12=36000円です。貯金は20000+36000=56000円です。答えは56000です。",
        ),
        (
            "96ページの報告書を1日に8ページずつ読みます。4日読んだところで、残りは何ページですか？",
            "4日で読むのは8×4=32ページです。残りは96-32=64ページです。答えは64です。",
        ),
        (
            "定価5000円の本が2割引きで売られています。3冊買うといくらですか？",
            "1冊の値段は5000×0.8=4000円です。3冊では4000×3=12000円です。答えは12000です。",
        ),
    ),
)  # fmt: skip
ENGLISH = Wording(
    "Solve the problem step by step and end with \"The answer is\" and the number.",
    "Problem: ", "Solution: ", re.compile(r"answer is|Answer:", re.IGNORECASE),
    (
        (
            "A kiosk sold 35 buns in the morning and 48 at noon, at 120 yen each. How many yen did it take in?",
            "It sold 35 + 48 = 83 buns. It took in 83 x 120 = 9960 yen. The answer is 9960.",
        ),
        (
            "Someone who has saved 20,000 yen adds 3,000 yen a month. How many yen are saved after a year?",
            "A year has 12 months, so 3000 x 12 = 36000 yen are added. That makes 20000 + 36000 = 56000 yen. The answer is 56000.",
        ),
        (
            "A report has 96 pages and Mika reads 8 of them a day. How many are left after 4 days?",
            "In 4 days she reads 8 x 4 = 32 pages. 96 - 32 = 64 pages are left. The answer is 64.",
        ),
        (
            "A book with a price of 5,000 yen is sold at 20% off. How many yen are 3 of them?",
            "One costs 5000 x 0.8 = 4000 yen. Three cost 4000 x 3 = 12000 yen. The answer is 12000.",
        ),
    ),
)  # fmt: skip
WORDINGS = {"ja": JAPANESE, "en": ENGLISH}


class Mgsm(ReplyTask):
    """What both languages share: 250 problems, ``shots`` worked examples, the number behind the last "answer is".

    A reply without these words gives its last number. An answer is right where it equals the target.
    """

    shots: int = Field(default=4, ge=0, le=4)
    suite: ClassVar[str] = "general"
    metric: ClassVar[str] = "acc"
    language: ClassVar[str]
    rights: ClassVar[Rights | None] = RIGHTS

    def items(self, corpus: Path | None) -> list[Question]:
        """Return the problems in the publisher's order."""
        del corpus
        words = WORDINGS[self.language]
        examples = [
            f"{words.problem}{problem}\n{words.solution}{solution}"
            for problem, solution in words.examples[: self.shots]
        ]
        return [
            Question(
                id=row["id"],
                context=prompt(
                    words.description,
                    examples,
                    f"{words.problem}{row['question']}\n{words.solution.rstrip()}",
                ),
                targets=(row["answer"],),
                until=(f"\n{words.problem}", "\n\n\n"),
                max_tokens=512,
            )
            for row in vendored("mgsm")
            if row["language"] == self.language
        ]

    def found(self, reply: Reply) -> str | None:
        """Return the number behind the last "answer is" (there behind the last equals sign), else the last one, as text."""
        _, *answers = WORDINGS[self.language].answer.split(reply.text)
        line = first_line(answers[-1]) if answers else None
        given = (
            numbers((line or "").rpartition("=")[2], dates=True)[:1] or numbers(reply.text, dates=True)[-1:]
        )
        return repr(given[0].value) if given else None

    def worth(self, answer: str, question: Question) -> float:
        """Return 1 where the number is the target."""
        return float(any(abs(float(answer) - float(target)) <= TOLERANCE for target in question.targets))


class MgsmJa(Mgsm):
    """250 problems in Japanese."""

    task: Literal["mgsm_ja"] = "mgsm_ja"
    language: ClassVar[str] = "ja"


class MgsmEn(Mgsm):
    """The same 250 problems in English: what a model loses of another language while it learns Japanese finance."""

    task: Literal["mgsm_en"] = "mgsm_en"
    language: ClassVar[str] = "en"
