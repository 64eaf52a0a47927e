"""corpus_questions: multiple-choice questions on the held-out facts of a dataset version."""

import json
from pathlib import Path
from typing import ClassVar, Literal

import pyarrow.parquet as pq

from datacards.errors import UserError
from eval.items import Item, content_id
from eval.tasks.base import LETTERS, Task, exam

FORMAT = "multiple_choice"
DESCRIPTIONS = {
    "text": "以下の問題の適切な答えを選択肢から選んで答えなさい。",
    "letter": "以下の問題の適切な答えを選択肢から選んでアルファベットで答えなさい。",
}


class CorpusQuestions(Task):
    """Every document of the format ``multiple_choice`` in the split ``test`` of the corpus that was given.

    ``answer`` says what the model must find likely: the whole ``text`` of a choice, or its ``letter``.
    """

    task: Literal["corpus_questions"] = "corpus_questions"
    answer: Literal["text", "letter"] = "text"
    needs_corpus: ClassVar[bool] = True

    def items(self, corpus: Path | None) -> list[Item]:
        """Return the questions in order of id; raise UserError when the dataset version has none."""
        if corpus is None:
            raise UserError(
                self.task, "no corpus was given", "it asks about a dataset", "add: --corpus NAME@VERSION"
            )
        paths = sorted((corpus / FORMAT).glob("test-*.parquet"))
        rows = [row for path in paths for row in pq.read_table(path, columns=["id", "meta"]).to_pylist()]
        if not rows:
            raise UserError(
                self.task, f"no {FORMAT} questions in the split test of the corpus",
                todo="give a version made by: kanagura rephrase",
            )  # fmt: skip
        return sorted(
            (self._item(row["id"], json.loads(row["meta"])) for row in rows), key=lambda item: item.id
        )

    def _item(self, document: str, meta: dict[str, str]) -> Item:
        try:
            choices: list[str] = [str(choice) for choice in json.loads(meta["choices"])]
            question, gold = meta["question"], int(meta["answer"])
        except (KeyError, ValueError, TypeError) as error:
            raise UserError(
                document, f"is no question: {error!r}", "question, choices, answer in meta"
            ) from error
        if not 0 <= gold < len(choices) <= len(LETTERS) or not all(choices):
            raise UserError(
                document, f"answer {gold} of {len(choices)} choices", "none empty, the answer among them"
            )
        shown = tuple(choices) if self.answer == "text" else tuple(LETTERS[: len(choices)])
        return Item(
            id=content_id({"question": question, "choices": choices, "answer": gold}),
            context=exam(question, "", choices, description=DESCRIPTIONS[self.answer]),
            continuations=shown,
            choices=shown,
            gold=gold,
            label=meta.get("concept", ""),
            cluster=meta.get("subject", ""),
        )
