"""JGLUE: common sense, inference and reading in Japanese (Kurihara et al., 2022), prompts of our own."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from datacards.card import Rights
from eval.data import vendored
from eval.items import Answer, Item, Question, Reply, content_id
from eval.metrics import accuracy, mean_f1
from eval.tasks.base import LETTERS, Measured, Task, exam, weighted
from eval.tasks.general.replies import ReplyTask, first_line, prompt

RIGHTS = Rights(
    license="CC-BY-SA-4.0",
    attribution="JGLUE, Yahoo Japan Corporation and Waseda University (https://github.com/yahoojapan/JGLUE), CC BY-SA 4.0; converted",
    redistribution=True,
)
RELATIONS = {"entailment": "含意", "contradiction": "矛盾", "neutral": "中立"}
ANSWER = "答え:"
#: Worked examples for reading, written for this project.
READING = (
    (
        ("潮見信用金庫は1952年に港町の漁業者が集まって設立した協同組織の金融機関である。本店は潮見市港町にあり、預金の約七割を"
        "個人が占める。2019年に隣の岬信用金庫と合併した。"),
        "潮見信用金庫が合併した相手はどこか。", "岬信用金庫",
    ),
    (
        ("手形割引とは、満期日の前に受取手形を銀行などに買い取ってもらい、現金に換えることをいう。銀行は満期日までの利息に当たる割引料を"
        "手形の額面から差し引く。"),
        "手形の額面から差し引かれるものは何か。", "割引料",
    ),
)  # fmt: skip


class Jcommonsenseqa(Task):
    """1,119 questions with five choices; the model must find likely the ``text`` of a choice, or its ``letter``."""

    task: Literal["jcommonsenseqa"] = "jcommonsenseqa"
    answer: Literal["text", "letter"] = "text"
    suite: ClassVar[str] = "general"
    rights: ClassVar[Rights | None] = RIGHTS

    def items(self, corpus: Path | None) -> list[Item]:
        """Return the questions in the publisher's order."""
        del corpus
        asked = "答え" if self.answer == "text" else "答えの記号"
        description = f"次の質問に最もふさわしい{asked}を選択肢から選びなさい。"
        found = []
        for row in vendored("jcommonsenseqa"):
            letters = LETTERS[: len(row["choices"])]
            shown = tuple(row["choices"] if self.answer == "text" else letters)
            found.append(
                Item(
                    id=row["id"],
                    context=exam(row["question"], "", row["choices"], description=description),
                    continuations=shown,
                    choices=shown,
                    gold=row["answer"],
                    label=letters[row["answer"]],
                )
            )
        return found


class Jnli(Task):
    """2,434 pairs of captions: does the second follow from the first, contradict it, or neither?

    Pairs that describe one picture share sentences and form a cluster. The largest class, neutral, has 0.555 of the items:
    ``f1``, the mean over the three classes, tells a model that answers one word from one that reads.
    """

    task: Literal["jnli"] = "jnli"
    suite: ClassVar[str] = "general"
    rights: ClassVar[Rights | None] = RIGHTS

    def items(self, corpus: Path | None) -> list[Item]:
        """Return the pairs in the publisher's order."""
        del corpus
        choices = tuple(RELATIONS.values())
        description = "前提の文と仮説の文の関係を、含意、矛盾、中立のどれかで答えなさい。"
        return [
            Item(
                id=row["id"],
                context=f"{description}\n\n前提: {row['sentence1']}\n仮説: {row['sentence2']}\n関係:",
                continuations=choices,
                choices=choices,
                gold=list(RELATIONS).index(row["label"]),
                label=row["label"],
                cluster=row["image"],
            )
            for row in vendored("jnli")
        ]

    def measure(self, results: Sequence[Answer]) -> list[Measured]:
        """Return acc, and the mean F1 of the classes."""
        return [Measured("acc", *accuracy(results)), Measured("f1", *mean_f1(results))]


class Jsquad(ReplyTask):
    """4,442 questions on paragraphs of Wikipedia that are answered in the paragraph's own words.

    ``char_f1`` and ``em`` follow SQuAD (Rajpurkar et al., 2016) with characters in the place of words: both texts in NFKC and lower
    case, without white space and punctuation; F1 of the two bags of characters; the best of the given answers counts.
    ``shots`` worked examples, written for this project, stand in front. Questions on one paragraph form a cluster.
    """

    task: Literal["jsquad"] = "jsquad"
    shots: int = Field(default=2, ge=0, le=len(READING))
    suite: ClassVar[str] = "general"
    metric: ClassVar[str] = "char_f1"
    rights: ClassVar[Rights | None] = RIGHTS

    def items(self, corpus: Path | None) -> list[Question]:
        """Return the questions in the publisher's order."""
        del corpus
        description = "文章を読み、質問の答えを文章中の言葉でできるだけ短く書きなさい。"
        examples = [
            f"{self._asked(text, question)}{answer}" for text, question, answer in READING[: self.shots]
        ]
        return [
            Question(
                id=row["id"],
                context=prompt(description, examples, self._asked(row["context"], row["question"])),
                targets=tuple(row["answers"]),
                until=("\n",),
                max_tokens=64,
                cluster=content_id({"context": row["context"]}),
            )
            for row in vendored("jsquad")
        ]

    def _asked(self, text: str, question: str) -> str:
        return f"文章: {text}\n質問: {question}\n{ANSWER}"

    def found(self, reply: Reply) -> str | None:
        """Return the first line of the reply."""
        return first_line(reply.text)

    def worth(self, answer: str, question: Question) -> float:
        """Return the F1 of characters with the target that is nearest."""
        return max(char_f1(answer, target) for target in question.targets)

    def measure(self, results: Sequence[Reply]) -> list[Measured]:
        """Return char_f1, em (the share of exact answers) and answered."""
        exact = [float(self._exact(reply)) for reply in results]
        first, *rest = super().measure(results)
        return [first, weighted("em", [(value, 1.0) for value in exact]), *rest]

    def _exact(self, reply: Reply) -> bool:
        answer = self.found(reply)
        return answer is not None and any(bare(answer) == bare(target) for target in reply.item.targets)


def bare(text: str) -> str:
    """Return ``text`` in NFKC and lower case without white space and punctuation."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return "".join(
        sign for sign in plain if not sign.isspace() and not unicodedata.category(sign).startswith("P")
    )


def char_f1(answer: str, target: str) -> float:
    """Return 2c / (a + t): ``c`` characters that ``answer`` and ``target`` share, of ``a`` and ``t``; 1 where both are empty."""
    given, wanted = bare(answer), bare(target)
    if not given or not wanted:
        return float(given == wanted)
    shared = sum((Counter(given) & Counter(wanted)).values())
    return 2 * shared / (len(given) + len(wanted))
