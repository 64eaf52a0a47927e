"""Claim: one thing that a document says, with the words to ask for it and what makes other answers wrong."""

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from corpus.document import Document, Fact
from rephrase.facts.templates import TEMPLATES

Place = tuple[int, int]  # characters [start, end) of a document


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that can be asked: ``answer`` is the only true one to every question of ``kind`` with ``words``.

    ``key`` names what is known: claims with one key go to one split. ``identity`` is what the question names:
    two claims with one identity must have one answer, or neither is asked. ``group`` says which other answers may
    stand beside this one; "" in front means that none but ``wrong`` may. ``places`` show the answer. ``value`` orders
    answers by size where they are numbers. ``apart`` are words whose bearers could be right, too: those are no wrong
    choices. ``needs`` are identities of claims that this one is computed from. Without ``open`` it is asked only with
    choices, without ``closed`` never.
    """

    kind: str
    key: str
    identity: str
    group: tuple[str, ...]
    words: Mapping[str, str]
    answer: str
    places: tuple[Place, ...]
    subject: str = ""
    value: Decimal | None = None
    apart: frozenset[str] = frozenset()
    open: bool = True
    closed: bool = True
    wrong: tuple["Option", ...] = ()
    needs: tuple[str, ...] = ()
    fact: Fact | None = None
    meta: Mapping[str, str] = field(default_factory=dict)

    @property
    def questions(self) -> tuple[str, ...]:
        """Return the question in every wording of its kind."""
        return tuple(template.format(**self.words) for template in TEMPLATES[self.kind])

    def option(self, document: Document | None = None) -> "Option":
        """Return the answer as a choice for other questions, of ``document`` where that is not theirs."""
        return Option(
            self.answer, self.places, self.value, self.subject, self.apart, document,
            folded_answer=folded(self.answer), folded_subject=folded(self.subject),
        )  # fmt: skip


class Option(NamedTuple):
    """A choice that may stand beside an answer: its text, where that is shown, its size, whom it is about.

    ``document`` is None where it is that of the question; of another one only rights and times are kept. ``program``
    says of a computed choice how it came about.
    """

    answer: str
    places: tuple[Place, ...]
    value: Decimal | None = None
    subject: str = ""
    apart: frozenset[str] = frozenset()
    document: Document | None = None
    id: str = ""
    program: str = ""
    folded_answer: str = ""  # as they are compared; "" where nobody compares
    folded_subject: str = ""


def number(text: str) -> int:
    """Return 64 bits of a hash of a text: the same on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def folded(text: str) -> str:
    """Return a text as it is compared: in NFKC, without spaces, in one case."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()
