"""The examinations of the Japanese financial benchmark: questions with lettered or numbered choices."""

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from datacards.card import Rights
from datacards.errors import UserError
from eval.data.fetch import open_source
from eval.data.sources import source
from eval.items import Answer, Item, content_id
from eval.metrics import accuracy, reciprocal_rank
from eval.tasks.base import Measured, Task
from eval.tasks.prompts import (
    BARE,
    LAYOUTS,
    LETTERS,
    REQUESTS,
    Dialect,
    Layout,
    Prompt,
    description,
    laid_out,
    scored,
)

CUTS = (2, 3, 4)  # map_2 to map_4 count no right choice that is ranked below
LACKS_A_BREAK = ("0.6", "v0.1")  # the one prompt of security_sales_1 whose question ends in a line break


@dataclass(frozen=True, slots=True)
class Asking:
    """One question of an examination as its publisher has it; ``answer`` is the place of the right choice."""

    id: str
    question: str
    context: str
    choices: tuple[str, ...]
    answer: int
    group: str = ""


class Exam(Task):
    """An examination with any of the benchmark's nine prompts, zero examples.

    ``prompt`` is the version as the benchmark numbers it, ``dialect`` the wording of its releases since April 2024 or
    of those before. Ids are of the questions, whatever the prompt.
    """

    prompt: Prompt = "default"
    dialect: Dialect = "v0.2"
    suite: ClassVar[str] = "fin-harness"
    requests: ClassVar[str] = "exam"  # the family of requests
    layouts: ClassVar[dict[str, Layout]] = LAYOUTS

    @abstractmethod
    def questions(self) -> Sequence[Asking]:
        """Return the questions in their publisher's order, or in one that their content gives."""

    def items(self, corpus: Path | None) -> list[Item]:
        """Return the questions as ``prompt`` asks them; UserError where they are not on this machine."""
        del corpus
        return self.asked(self.questions())

    def asked(self, questions: Sequence[Asking]) -> list[Item]:
        """Return ``questions`` as ``prompt`` asks them, those that share a text in one cluster."""
        wanted = REQUESTS[self.requests]
        request = wanted.get(self.prompt, wanted["0.2.1"])
        opening = description(self.prompt, request, self.dialect)
        layout = self.layouts[self.prompt]
        shared = Counter(one.context for one in questions)
        items = []
        for one in questions:
            choices = scored(layout, one.choices)
            items.append(
                Item(
                    id=one.id,
                    context=opening + self.body(layout, one, request),
                    continuations=choices,
                    choices=choices,
                    gold=choices.index(choices[one.answer]),  # the first of equals, as in the original
                    label=LETTERS[one.answer],
                    group=one.group,
                    cluster=content_id({"text": one.context})
                    if one.context and shared[one.context] > 1
                    else "",
                )
            )
        return items

    def body(self, layout: Layout, one: Asking, request: str) -> str:
        """Return ``one`` as ``layout`` has it."""
        return laid_out(layout, one.question, one.context, one.choices, request=request)

    def measure(self, answers: Sequence[Answer]) -> list[Measured]:
        """Return accuracy and mean reciprocal ranks, by likelihood and by likelihood per character."""
        found = [
            Measured("acc", *accuracy(answers)),
            Measured("acc_norm", *accuracy(answers, per_character=True)),
        ]
        for ending, per_character in (("", False), ("_norm", True)):
            for cut in (None, *CUTS):
                name = f"map{'' if cut is None else f'_{cut}'}{ending}"
                found.append(Measured(name, *reciprocal_rank(answers, cut=cut, per_character=per_character)))
        return found


class Published(Exam):
    """An examination whose questions may not be passed on: read from its published file (``kanagura eval data``)."""

    def questions(self) -> list[Asking]:
        """Return the questions in the order of the published file; UserError where it can neither be found nor fetched."""
        found = read(open_source(self.task))
        if len(found) != source(self.task).items:
            raise UserError(
                self.task, f"{len(found)} questions", f"{source(self.task).items} are in the file"
            )
        return found


class CmaBasics(Published):
    """38 sample questions on the basics of securities analysis, four choices."""

    task: Literal["cma_basics"] = "cma_basics"
    rights: ClassVar[Rights | None] = Rights(
        license="all-rights-reserved",
        attribution="公益社団法人日本証券アナリスト協会 sample questions, as compiled in "
        "https://github.com/pfnet-research/japanese-lm-fin-harness; not to be passed on",
        redistribution=False,
    )


class Fp2(Published):
    """475 questions of the financial planners' examination, second grade; the choices are the digits １ to ４."""

    task: Literal["fp2"] = "fp2"
    requests: ClassVar[str] = "numbers"
    layouts: ClassVar[dict[str, Layout]] = BARE
    rights: ClassVar[Rights | None] = Rights(
        license="all-rights-reserved",
        attribution="日本FP協会 2級ファイナンシャル・プランニング技能検定, as compiled in "
        "https://github.com/pfnet-research/japanese-lm-fin-harness; not to be passed on",
        redistribution=False,
    )


class SecuritySales1(Published):
    """57 questions of mock examinations for sales representatives, class 1: 38 with two choices, 19 with four."""

    task: Literal["security_sales_1"] = "security_sales_1"
    rights: ClassVar[Rights | None] = Rights(
        license="all-rights-reserved",
        attribution="株式会社ビジネス教育出版社 証券外務員一種 mock examinations, as compiled in "
        "https://github.com/pfnet-research/japanese-lm-fin-harness; not to be passed on",
        redistribution=False,
    )

    def body(self, layout: Layout, one: Asking, request: str) -> str:
        """Return ``one`` as ``layout`` has it, with the line break that the original has in one case."""
        if (self.prompt, self.dialect) == LACKS_A_BREAK:
            layout = Layout(
                layout.body.replace("{told}", "{told}\n"), layout.option, layout.between, layout.answer
            )
        return super().body(layout, one, request)


def read(path: Path) -> list[Asking]:
    """Return the questions of a file in the benchmark's layout: ``{"data": [{question, context, choices, answer}]}``.

    ``choices`` are ``{id, text}`` with ids from 0 in order, ``answer`` is the id of the right one. Raises UserError for
    any other layout, and for a choice without text.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["data"]
        return [_asking(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            path.name, f"cannot be read: {error!r}", "a benchmark file: data, with question, choices, answer"
        ) from error


def _asking(row: dict[str, Any]) -> Asking:
    choices = tuple(str(choice["text"]) for choice in row["choices"])
    if [choice["id"] for choice in row["choices"]] != list(range(len(choices))) or not all(choices):
        raise ValueError(f"choices of question {row.get('id')} are not numbered from 0, or one is empty")
    if not 0 <= row["answer"] < len(choices):
        raise ValueError(f"question {row.get('id')} has no choice {row['answer']}")
    question, context, answer = str(row["question"]), str(row["context"] or ""), int(row["answer"])
    content = {"question": question, "context": context, "choices": list(choices), "answer": answer}
    return Asking(content_id(content), question, context, choices, answer)
