"""The passage around evidence: whole lines, with the headings and the head of the table above them as context."""

import re
from bisect import bisect_left
from collections.abc import Sequence

from corpus.document import Document, Span
from rephrase.candidate import Chunk
from rephrase.facts.claim import Place

_HEADING = re.compile(r"^(#{1,6}) +(.*)$", re.MULTILINE)
_COLUMNS = (
    "会社名, 証券コード, 業種"  # what the lines of a list of companies hold (see ``corpus.extract.csv``)
)
_HEAD = 3  # rows that may be a table's head: two of names and the rule between
_OVER = 400  # characters above a table in which the line that belongs to it is searched


class Passages:
    """Gives the passages of one document; its headings are looked for once."""

    def __init__(self, document: Document) -> None:
        self.document = document
        found = list(_HEADING.finditer(document.text))
        self._starts = [match.start() for match in found]
        self._headings = [(len(match[1]), match[2].strip()) for match in found]

    def around(self, places: Sequence[Place]) -> Chunk:
        """Return the whole lines that hold all ``places``; context is what stands above and says what they mean."""
        document, text = self.document, self.document.text
        start = text.rfind("\n", 0, min(first for first, _ in places)) + 1
        end = text.find("\n", max(last for _, last in places))
        above = [document.title, _days(document), *self._above(start)]
        if document.meta.get("kind") == "company_list":
            above.append(_COLUMNS)
        if text[start : start + 1] == "|":
            above += _head(text, start)
        span = Span(document.id, start, len(text) if end < 0 else end)
        return Chunk(document, span, "\n".join(line for line in above if line))

    def _above(self, start: int) -> list[str]:
        """Return the headings above a place, the highest first."""
        found: list[str] = []
        deepest = 7
        for level, said in reversed(self._headings[: bisect_left(self._starts, start)]):
            if level < deepest:
                found.append(said)
                deepest = level
            if level == 1:
                break
        return found[::-1]


def _days(document: Document) -> str:
    days = [document.meta.get(name, "") for name in ("period_start", "period_end")]
    said = [f"{day[:4]}年{int(day[5:7])}月{int(day[8:])}日" for day in days if len(day) == len("2025-03-31")]
    return "から".join(said) if said else str(document.event_at or "")


def _head(text: str, start: int) -> list[str]:
    """Return the first rows of the table that holds the row at ``start``, and the line above it."""
    top = start
    while top > 0:
        before = text.rfind("\n", 0, top - 1) + 1
        if text[before] != "|":
            break
        top = before
    over = [line for line in text[max(top - _OVER, 0) : top].split("\n") if line]
    return [*over[-1:], *text[top:start].split("\n")[:_HEAD]]
