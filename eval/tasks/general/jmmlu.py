"""JMMLU: examination questions of 53 subjects in Japanese (Yin et al., 2024), a prompt of our own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from datacards.card import Rights
from eval.data import vendored
from eval.items import Answer, Item
from eval.tasks.base import LETTERS, Task, by_group, exam

DESCRIPTIONS = {
    "letter": "次の問題の答えとして正しいものを選択肢から選び、記号で答えなさい。",
    "text": "次の問題の答えとして正しいものを選択肢から選びなさい。",
}
#: The subjects of business and finance: what training on finance should raise; the others are what it must not lower.
BUSINESS = frozenset(
    {
        "business_ethics", "econometrics", "high_school_macroeconomics", "high_school_microeconomics", "management",
        "marketing", "professional_accounting", "public_relations",
    }
)  # fmt: skip


class Jmmlu(Task):
    """7,097 questions, four choices, zero examples, 53 subjects as groups.

    The figure of every subject is told, and those of ``business`` (the eight subjects of business and finance) and ``other``.
    """

    task: Literal["jmmlu"] = "jmmlu"
    answer: Literal["letter", "text"] = "letter"
    suite: ClassVar[str] = "general"
    rights: ClassVar[Rights | None] = Rights(
        license="CC-BY-SA-4.0",
        attribution="JMMLU, Kawahara lab, Waseda University (https://github.com/nlp-waseda/JMMLU), CC BY-SA 4.0; converted",
        redistribution=True,
    )

    def items(self, corpus: Path | None) -> list[Item]:
        """Return the questions by subject, in the publisher's order."""
        del corpus
        found = []
        for row in vendored("jmmlu"):
            choices = [choice.strip() for choice in row["choices"]]
            letters = LETTERS[: len(choices)]
            shown = tuple(letters if self.answer == "letter" else choices)
            found.append(
                Item(
                    id=row["id"],
                    context=exam(row["question"].strip(), "", choices, description=DESCRIPTIONS[self.answer]),
                    continuations=shown,
                    choices=shown,
                    gold=row["answer"],
                    label=row["subject"],
                    group=row["subject"],
                )
            )
        return found

    def parts(self, results: Sequence[Answer]) -> Mapping[str, Sequence[Answer]]:
        """Return the answers on business, on all else, and on every subject."""
        of = {
            "business": [result for result in results if result.item.group in BUSINESS],
            "other": [result for result in results if result.item.group not in BUSINESS],
        }
        return {name: members for name, members in {**of, **by_group(results)}.items() if members}
