"""Under which names a corpus version knows the items of a task: its test, and its ids of them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from datacards.errors import UserError
from eval.chat.questions import read_questions, turn_id
from eval.data.fetch import find
from eval.data.sources import source as source_of

#: Tests whose name in a corpus version is not that of the task.
_TESTS: Mapping[str, str] = {"pfmt_bench": "pfmt-bench-fin-ja", "edinet_bench": "EDINET-Bench"}
_OURS = re.compile(r"[0-9a-f]{16}")  # the ids of the tests that the project ships: the same on both sides


@dataclass(frozen=True, slots=True)
class Names:
    """The name of a test in corpus versions, and its ids of items there with those of the items here.

    ``numbered`` is empty where both are the same, and where the file that tells them is not on this machine: ``lacking``
    then says so.
    """

    test: str
    numbered: Mapping[str, str]
    lacking: str = ""

    def id(self, item: str) -> str | None:
        """Return the id here of an item there, None where nothing tells it."""
        return self.numbered.get(item) or (item if _OURS.fullmatch(item) else None)


def names_of(task: str) -> Names:
    """Return the names of a task; a file that may not be shipped is looked for on this machine, and never fetched."""
    test = _TESTS.get(task, task)
    if task not in _NUMBERED:
        return Names(test, {})
    source, numbered = _NUMBERED[task]
    if path := _file(source):
        return Names(test, numbered(path))
    return Names(test, {}, f"kanagura eval data get {source}")


def _file(source: str) -> Path | None:
    try:
        return find(source_of(source))
    except UserError:
        return None


def _dialogues(path: Path) -> dict[str, str]:
    """Return the ids of the turns of dialogues by NUMBER/TURN, as a corpus version has them."""
    return {
        f"{question.number}/{turn + 1}": turn_id(question, turn)
        for question in read_questions(path)
        for turn in range(len(question.turns))
    }


#: Of tests whose publisher numbers the items: the source that tells the numbers, and how.
_NUMBERED: Mapping[str, tuple[str, Callable[[Path], dict[str, str]]]] = {
    "pfmt_bench": ("pfmt_questions", _dialogues),
}
