"""Figures that others published, each with where it stands: what is printed beside ours."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from datacards.card import Record

PRINTED = Path(__file__).with_name("printed.json")
Role = Literal["base", "domain", "instruct", "merged"]
#: The four models of arXiv 2409.19854 in the order of its tables, as they are called here.
ROLES: dict[Role, str] = {
    "base": "base",
    "domain": "continually pretrained",
    "instruct": "instruct",
    "merged": "merged",
}
OVERALL = "overall"


class Source(Record):
    """Where figures were published; ``label`` heads a column of them, ``note`` (and that of a suite) must be known."""

    label: str
    title: str
    link: str
    note: str = ""
    notes: dict[str, str] = Field(default_factory=dict)


class Printed(Record):
    """One published figure; ``where`` is the table or file of the source, ``task`` may be ``overall``."""

    source: str
    where: str
    role: Role
    suite: str
    task: str
    metric: str
    value: float
    stderr: float | None = None
    samples: int | None = None
    group: str = ""


class Publications(Record):
    """All published figures, with the names of the ``models`` by their role."""

    sources: dict[str, Source]
    models: dict[Role, str]
    figures: tuple[Printed, ...]

    def of(self, suite: str) -> list[Printed]:
        """Return the figures of one suite in the order of the file."""
        return [one for one in self.figures if one.suite == suite]


def published() -> Publications:
    """Return the figures of ``printed.json`` beside this module."""
    return Publications.model_validate_json(PRINTED.read_bytes())
