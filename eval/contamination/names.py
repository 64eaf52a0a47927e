"""Under which names a corpus version knows the items of a task: its test, and its ids of them."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from datacards.errors import UserError
from eval.chat.answering import WAYS
from eval.chat.questions import ChatQuestion, read_questions, turn_id
from eval.data import vendored
from eval.data.fetch import find
from eval.data.sources import source as source_of
from eval.tasks.exams import read

EDINET = "EDINET-Bench"
#: Tests whose name in a corpus version is not that of the task.
_TESTS: Mapping[str, str] = {
    "edinet_earnings_forecast": EDINET, "edinet_fraud_detection": EDINET, "edinet_industry_prediction": EDINET,
    "mgsm_en": "mgsm", "mgsm_ja": "mgsm", "pfmt_bench": "pfmt-bench-fin-ja", "translation_en_ja": "mgsm",
    "translation_ja_en": "mgsm",
}  # fmt: skip
_OURS = re.compile(r"[0-9a-f]{16}")  # the ids of the tests that the project ships: the same on both sides


@dataclass(frozen=True, slots=True)
class Names:
    """The name of a test in corpus versions, and what says how they name the items of a task.

    ``there`` returns the id in corpus versions of an item here, None where nothing on this machine tells it: ``lacking``
    then says what would. ``known`` says whether an id there is one that ``there`` may return.
    """

    test: str
    there: Callable[[str], str | None]
    known: Callable[[str], bool]
    lacking: str = "build it again"

    def strange(self, items: Collection[str]) -> bool:
        """Say whether some of the ids that a corpus version gives cannot be joined with any here."""
        return not all(map(self.known, items))


def names_of(task: str) -> Names:
    """Return the names of a task; a file that may not be shipped is looked for on this machine, and never fetched.

    A test of dialogues has a second task where it is scored in two ways: its items are the same.
    """
    task = next((task.removesuffix(f"_{way}") for way in WAYS if task.endswith(f"_{way}")), task)
    test = _TESTS.get(task, task)
    if test == EDINET:  # the document id of a filing, with a number where a filing stands more than once
        return Names(test, lambda item: item.partition("/")[0], lambda item: True)
    if task == "ja_mt_bench":
        return _numbered(test, _shipped_dialogues(), "")
    if task not in _NUMBERED:
        return Names(test, lambda item: item, lambda item: bool(_OURS.fullmatch(item)))
    source, numbered = _NUMBERED[task]
    path = _file(source)
    return _numbered(test, numbered(path) if path else {}, f"kanagura eval data get {source}")


def _numbered(test: str, table: Mapping[str, str], lacking: str) -> Names:
    return Names(test, table.get, frozenset(table.values()).__contains__, lacking)


def _file(source: str) -> Path | None:
    try:
        return find(source_of(source))
    except UserError:
        return None


def dialogue_numbers(path: Path) -> dict[str, str]:
    """Return NUMBER/TURN, as a corpus version has it, by the id of the turn of a dialogue."""
    return {
        turn_id(question, turn): f"{question.number}/{turn + 1}"
        for question in read_questions(path)
        for turn in range(len(question.turns))
    }


def _shipped_dialogues() -> dict[str, str]:
    """Return ROW/TURN, as a corpus version has it, by the id of the turn of a dialogue of Japanese MT-bench."""
    return {
        turn_id(question, turn): f"{row['id']}/{turn + 1}"
        for row in vendored("ja_mt_bench")
        for question in [ChatQuestion(row["number"], row["category"], tuple(row["turns"]))]
        for turn in range(len(question.turns))
    }


def exam_numbers(path: Path) -> dict[str, str]:
    """Return the publisher's number of every question of an examination, by our id of it."""
    rows = json.loads(path.read_text(encoding="utf-8"))["data"]
    numbers = [str(place if row.get("id") in (None, "") else row["id"]) for place, row in enumerate(rows)]
    return {asked.id: number for asked, number in zip(read(path), numbers, strict=True)}


#: Of tests whose publisher numbers the items: the source that tells the numbers, and how.
_NUMBERED: Mapping[str, tuple[str, Callable[[Path], dict[str, str]]]] = {
    "cma_basics": ("cma_basics", exam_numbers),
    "fp2": ("fp2", exam_numbers),
    "pfmt_bench": ("pfmt_questions", dialogue_numbers),
    "security_sales_1": ("security_sales_1", exam_numbers),
}
