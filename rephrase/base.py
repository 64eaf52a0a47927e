"""Generator: documents with their facts in, candidate questions out; the seam between the stage and an engine.

A generator that asks a model turns documents into prompts and replies into questions itself. The seam lies at
questions and not at prompts because the embedded default needs no model, and so has no prompts to hand out.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from collections.abc import Generator as Generated
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from corpus.document import Document, Drop, Format, Span
from rephrase.requests import Reply, Request

Style = Literal["easy", "medium", "hard", "qa", "multiple_choice"]
#: The format of the documents of each style. The first three are WRAP's rephrasings (arXiv 2401.16380, section 3).
FORMATS: dict[Style, Format] = {
    "easy": "markdown", "medium": "markdown", "hard": "markdown", "qa": "qa", "multiple_choice": "multiple_choice",
}  # fmt: skip
REPHRASED = "rephrased"  # the kind, in ``meta``, of the documents of the first three


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of work: a span of a document asked about in one style, for the ``sample``-th time.

    ``key`` names the last request of it ("" where none was made), ``attempts`` counts them, ``item`` counts what one
    reply said.
    """

    span: Span
    style: Style
    sample: int = 0
    key: str = ""
    attempts: int = 0
    item: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """One candidate question about ``parent``.

    ``spans`` are the characters of the parent that prove the answer. For multiple choice ``choices`` holds the
    texts and ``answer_index`` the place of the true one; ``answer`` is always the text of the true answer. Where wrong
    choices are taken from documents, their spans stand behind that of the answer, and ``beside`` holds the documents.
    ``key`` names the fact that is asked for: questions with one key go to one split. ``meta`` holds strings.
    """

    style: Style
    question: str
    answer: str
    parent: Document
    spans: tuple[Span, ...]
    key: str
    choices: tuple[str, ...] = ()
    answer_index: int = -1
    beside: tuple[Document, ...] = ()
    meta: dict[str, str] = field(default_factory=dict)
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A candidate that was not good enough: why, about which parent, and its text, kept aside."""

    drop: Drop
    parent: Document
    text: str
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request about a unit with its reply, for the generation log of the version; ``purpose`` is ask or round_trip.

    ``kept`` says that nothing was paid for it: an earlier run had the reply already, or another unit asked the same.
    ``sent`` and ``came`` are seconds of the monotonic clock, for whoever measures speed.
    """

    request: Request
    reply: Reply
    parent: Document
    unit: Unit
    purpose: str
    kept: bool = False
    sent: float = 0.0
    came: float = 0.0


class Generator(BaseModel, ABC):
    """Writes questions about documents. Subclass it; its fields are the options a recipe may set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Options that say where and how fast it works and nothing of what comes out. They are no part of what a version is
    #: asked for by: a run goes on with other servers, and no card names a machine.
    places: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def generate(
        self, documents: Callable[[], Iterator[Document]], *, styles: tuple[Style, ...], seed: int, work: Path
    ) -> Generated[Question | Reject | Exchange]:
        """Yield questions, and rejects with their reasons, in an order that depends on the input alone.

        Whoever takes no more closes it: then what is under way ends.

        An engine's requests and replies are yielded beside them, before what was made of them.

        ``documents()`` starts a fresh pass over the markdown documents of the corpus version, facts attached.
        ``work`` outlives a killed run: an engine that is slow keeps its finished replies there.
        """

    def report(self, styles: tuple[Style, ...]) -> dict[str, Any]:
        """Return what a page should tell besides: ``model``, ``prompts`` (name -> SHA-256), ``tests`` held against."""
        return {}
