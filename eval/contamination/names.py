"""Under which names a corpus version knows the items of a task: its test, and its ids of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: Tests whose name in a corpus version is not that of the task.
_TESTS: Mapping[str, str] = {"pfmt_bench": "pfmt-bench-fin-ja", "edinet_bench": "EDINET-Bench"}


@dataclass(frozen=True, slots=True)
class Names:
    """The name of a test in corpus versions, and how an id there becomes the ids of items here."""

    test: str
    ids: Callable[[str], tuple[str, ...]]


def names_of(task: str) -> Names:
    """Return the names of a task: of the tests that the project ships, the ids are the same on both sides."""
    return Names(_TESTS.get(task, task), lambda item: (item,))
