"""An item of the corruption test in parts: what may be made wrong, and the words between."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from bench.measures.wordings import Fiscal, Saying
from corpus.document import Fact
from rephrase.base import Style
from rephrase.candidate import Candidate, Chunk

Kind = Literal["number", "date", "unit", "company", "period"]
KINDS: tuple[Kind, ...] = ("number", "date", "unit", "company", "period")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of an item. ``kind`` says what it states, "" for words that state nothing which is made wrong.

    ``value`` and ``saying`` belong to numbers and their units, ``when`` to days and ``fiscal`` to fiscal periods
    whose meaning is known; parts that were found in prose have their text alone.
    """

    text: str
    kind: Kind | Literal["", "direction"] = ""
    value: Decimal | None = None
    saying: Saying | None = None
    when: date | None = None
    fiscal: Fiscal | None = None
    origin: int = -1  # of prose: which part of its sentence this one repeats


@dataclass(frozen=True, slots=True)
class Item:
    """A true item: its parts, the passage, the facts that prove it, and how they prove it.

    ``proof``: the claim states ``facts[0]`` itself (``fact``), a figure computed from both (``derived``), or repeats
    a sentence of the passage (``prose``).
    """

    form: str
    style: Style
    question: tuple[Part, ...]
    answer: tuple[Part, ...]
    chunk: Chunk
    proof: Literal["fact", "derived", "prose"]
    facts: tuple[Fact, ...] = ()
    sentence: tuple[Part, ...] = ()
    wrong: tuple[str, ...] = ()
    topic: str = ""  # what a sentence of prose gives the asked number for

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return all parts, those of the question first."""
        return self.question + self.answer

    @property
    def candidate(self) -> Candidate:
        """Return the item as it is judged."""
        return Candidate(self.style, joined(self.question), joined(self.answer), self.chunk, self.wrong)

    def with_part(self, place: int, part: Part) -> "Item":
        """Return the item with one part in place of another."""
        parts = [*self.parts[:place], part, *self.parts[place + 1 :]]
        split = len(self.question)
        return replace(self, question=tuple(parts[:split]), answer=tuple(parts[split:]))


def joined(parts: Sequence[Part]) -> str:
    """Return the text of parts."""
    return "".join(part.text for part in parts)


def amount(value: Decimal, saying: Saying) -> Iterator[Part]:
    """Yield the parts of an amount: 約, its digits, its unit."""
    if saying.about:
        yield Part("約")
    yield Part(saying.digits(value), "number", value=value, saying=saying)
    yield Part(saying.unit, "unit", value=value, saying=saying)
