"""jfinqa: arithmetic over tables of Japanese financial statements, a prompt of our own."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from datacards.card import Rights
from eval.data import vendored
from eval.items import Asked, Question, Reply
from eval.tasks.base import by_group
from eval.tasks.general.numbers import SCALES, Number, numbers
from eval.tasks.general.replies import ReplyTask, first_line, prompt

TOLERANCE = 0.01  # of the right number
ANSWER = "答え:"
#: Answers in words, each with its opposite: of a pair one is right, and a reply must name that one alone.
OPPOSITES = (("増収", "減収"), ("増益", "減益"), ("改善", "悪化"), ("増加", "減少"), ("はい", "いいえ"))
_MARK = re.compile(r"答え\s?[:：は]|Answer\s?:", re.IGNORECASE)
#: Worked examples, written for this project; the companies are invented.
EXAMPLES = (
    (
        "以下は汐凪水産の2024年3月期の損益計算書の抜粋である。",
        ["項目", "金額(百万円)"], [["売上高", "12,500"], ["営業利益", "750"], ["当期純利益", "480"]],
        "汐凪水産の2024年3月期の営業利益率は何%か。", "6.00%",
    ),
    (
        "以下は汐凪水産の連結損益計算書の概要である。",
        ["", "2024年3月期", "2023年3月期"], [["売上高", "12,500", "13,100"], ["営業利益", "750", "690"]],
        "汐凪水産の2024年3月期は増収か減収か。", "減収",
    ),
    (
        "以下は汐凪水産の2024年3月期の貸借対照表の抜粋である。",
        ["項目", "金額(百万円)"], [["流動資産", "5,200"], ["固定資産", "7,900"], ["資産合計", "13,100"]],
        "流動資産と固定資産の合計はいくらか。", "13,100百万円",
    ),
)  # fmt: skip


class Jfinqa(ReplyTask):
    """1,000 questions in three subsets, each with a table; questions on one filing form a cluster.

    A number is right within 1 % of the answer, with its sign; one written with a scale (億円) and one in the table's own are the
    same number. An answer in words is right where it is named and its opposite is not. What stands behind the last ``答え``, else
    the first line, is read: of it what follows the last equals sign, and there the first number that is no date.
    """

    task: Literal["jfinqa"] = "jfinqa"
    shots: int = Field(default=3, ge=0, le=len(EXAMPLES))
    metric: ClassVar[str] = "acc"
    rights: ClassVar[Rights | None] = Rights(
        license="Apache-2.0",
        attribution="jfinqa, ajtgjmdjp (https://github.com/ajtgjmdjp/jfinqa), Apache-2.0; source values: 出典：EDINET, Public Data "
        "License 1.0; converted",
        redistribution=True,
    )

    def items(self, corpus: Path | None) -> list[Question]:
        """Return the questions in order of the publisher's names."""
        del corpus
        description = (
            "表を読み、質問に答えなさい。「答え:」に続けて、数値は単位とともに、ほかは一語で書きなさい。"
        )
        examples = [
            f"{_asked([before], headers, rows, [], question)} {answer}"
            for before, headers, rows, question, answer in EXAMPLES[: self.shots]
        ]
        return [
            Question(
                id=row["id"],
                context=prompt(
                    description,
                    examples,
                    _asked(row["before"], row["headers"], row["rows"], row["after"], row["question"]),
                ),
                targets=(row["answer"],),
                until=("\n\n", "\n質問:"),
                max_tokens=128,
                label=row["subtask"],
                group=row["subtask"],
                cluster=row["filing"],
            )
            for row in vendored("jfinqa")
        ]

    def found(self, reply: Reply) -> str | None:
        """Return what stands behind the last 答え, else the first line, if it holds a number or a word that answers."""
        marked = _MARK.split(reply.text)
        line = first_line(marked[-1])
        if line is None:
            return None
        words = numbers(line) if numbers(reply.item.targets[0]) else _named(line)
        return line if words else None

    def worth(self, answer: str, question: Question) -> float:
        """Return 1 where the answer is right."""
        target = question.targets[0]
        right = numbers(target)
        if not right:
            return float(_named(answer) == [target])
        given = numbers(answer.rpartition("=")[2] or answer)
        return float(bool(given) and _same(given[0], right[0]))

    def parts(self, results: Sequence[Reply]) -> Mapping[str, Sequence[Reply]]:
        """Return the replies of every subset."""
        return by_group(results)

    def chance(self, items: Sequence[Asked]) -> float | None:
        """Return what guessing the answers in words scores: half of them; numbers are not guessed."""
        words = sum(isinstance(item, Question) and not numbers(item.targets[0]) for item in items)
        return words / 2 / len(items)


def _asked(
    before: Sequence[str],
    headers: Sequence[str],
    rows: Sequence[Sequence[Any]],
    after: Sequence[str],
    question: str,
) -> str:
    """Return the question below its table in Markdown, ending where the answer begins."""
    lines = [headers, ["---"] * len(headers), *rows]
    table = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
    told = "\n".join([*before, table, *after])
    return f"{told}\n質問: {question}\n{ANSWER}"


def _same(given: Number, right: Number) -> bool:
    """Return whether ``given`` lies within 1 % of ``right``, whose scale is that of the table where one of them names none."""
    if given.percent and right.scaled:
        return False
    value = given.value
    if (
        given.scaled != right.scaled
    ):  # one names a scale, the other is in the table's own: every table is in 百万円
        value = value / SCALES["百万"] if given.scaled else value * SCALES["百万"]
    return abs(value - right.value) <= TOLERANCE * abs(right.value)


def _named(text: str) -> list[str]:
    """Return the answers in words that ``text`` names without their opposite."""
    found = []
    for pair in OPPOSITES:
        named = [word for word in pair if word in text]
        if len(named) == 1:
            found += named
    return found
