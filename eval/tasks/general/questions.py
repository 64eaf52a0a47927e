"""questions: multiple-choice questions of one's own, from local JSON Lines or CSV files."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, field_serializer

from datacards.card import Rights
from datacards.errors import UserError
from eval.items import Answer, Item, content_id
from eval.tasks.base import LETTERS, Task, by_group, exam
from eval.tasks.general.local import Stated, local_file, told

SUFFIXES = (".jsonl", ".jsonl.gz", ".csv")
MAX_BYTES = 64_000_000  # of one file, unpacked
ROW = (
    "question; choices (a list, or choice0, choice1, ...); answer: a choice, its letter, or its place from 0"
)


class Questions(Task, Stated):
    """Every row of ``files``: ``question``, ``choices`` and ``answer``, if any ``context``, ``group`` and ``cluster``.

    In a CSV file ``choices`` is a JSON list, or stands in the columns ``choice0``, ``choice1`` and so on. ``answer`` is the text
    of a choice, else its letter, else its place counted from 0. A row without ``group`` belongs to that of its file's name;
    where there are several groups each has a figure of its own. ``show`` says what the model must find likely. The version records
    the files by a digest of their contents, never by where they lie, and keeps the texts of choices that were shown as
    such: say under which ``license`` the questions are, and whether they may be passed on.
    """

    task: Literal["questions"] = "questions"
    files: tuple[str, ...] = Field(min_length=1)
    show: Literal["letter", "text"] = "letter"
    description: str = "以下の問題の適切な答えを選択肢から選んで答えなさい。"

    needs_corpus: ClassVar[bool] = False

    @property
    def rights(self) -> Rights:  # type: ignore[override]  # said in the recipe
        """Return the rights of the questions."""
        return self.stated(", ".join(Path(name).name for name in self.files))

    @field_serializer("files")
    def _told(self, files: tuple[str, ...]) -> str:
        return told([Path(name).expanduser() for name in files])

    def items(self, corpus: Path | None) -> list[Item]:
        """Return the questions in the order of files and rows; raise UserError naming file and row of one that is none."""
        del corpus
        found: dict[str, Item] = {}
        for name in self.files:
            path = local_file(self.task, name, SUFFIXES)
            for number, row in enumerate(_rows(path), 1):
                item = self._item(f"{path.name}, row {number}", path.name.partition(".")[0], row)
                found.setdefault(item.id, item)  # a question that stands twice is asked once
        return list(found.values())

    def _item(self, where: str, file: str, row: Mapping[str, Any]) -> Item:
        question, context = (str(row.get(name) or "").strip() for name in ("question", "context"))
        choices = _choices(where, row)
        gold = _place(row.get("answer"), choices)
        if not question or gold is None or not 2 <= len(set(choices)) == len(choices) <= len(LETTERS):
            raise UserError(
                where, f"is no question: answer {row.get('answer')!r} of {len(choices)} choices", ROW,
                "correct the row; no choice may be empty or stand twice",
            )  # fmt: skip
        letters = LETTERS[: len(choices)]
        shown = tuple(letters if self.show == "letter" else choices)
        return Item(
            id=content_id(
                {"question": question, "context": context, "choices": choices, "answer": choices[gold]}
            ),
            context=exam(question, context, choices, description=self.description),
            continuations=shown,
            choices=shown,
            gold=gold,
            label=letters[gold],
            group=str(row.get("group") or row.get("subject") or file),
            cluster=str(row.get("cluster") or (content_id({"context": context}) if context else "")),
        )

    def parts(self, results: Sequence[Answer]) -> Mapping[str, Sequence[Answer]]:
        """Return the answers of every group, where there are several."""
        groups = by_group(results)
        return groups if len(groups) > 1 else {}


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as stream:
            body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES:,} bytes")
        text = body.decode("utf-8-sig")
        if path.name.endswith(".csv"):
            yield from csv.DictReader(io.StringIO(text, newline=""), strict=True)
            return
        for line in filter(str.strip, text.split("\n")):
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("a line is no JSON object")
            json.dumps(row, ensure_ascii=False).encode()  # halves of surrogate pairs, which no file can hold
            yield row
    except (ValueError, csv.Error, RecursionError, EOFError, OSError, zlib.error) as error:
        raise UserError(path.name, f"cannot be read: {error}", f"rows with {ROW}, in UTF-8") from error


def _choices(where: str, row: Mapping[str, Any]) -> list[str]:
    given = row.get("choices")
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError as error:
            raise UserError(where, f"choices are no JSON list: {error}", ROW) from error
    if given is None:
        given = [row[f"choice{at}"] for at in range(len(LETTERS)) if row.get(f"choice{at}") not in (None, "")]
    choices = [str(choice).strip() for choice in given] if isinstance(given, list) else []
    return choices if all(choices) else []


def _place(answer: object, choices: Sequence[str]) -> int | None:
    """Return the place of the right choice, None where ``answer`` names none."""
    word = str(answer).strip()
    if isinstance(answer, str) and word in choices:
        return choices.index(word)
    if len(word) == 1 and word in LETTERS[: len(choices)]:
        return LETTERS.index(word)
    if isinstance(answer, bool) or not (word.isascii() and word.isdigit()):
        return None
    return int(word) if int(word) < len(choices) else None
