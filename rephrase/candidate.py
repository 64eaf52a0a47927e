"""What is judged: a chunk of a document, and one item that was written about it."""

from dataclasses import dataclass

from corpus.document import Document, Span
from rephrase.base import Style


@dataclass(frozen=True, slots=True)
class Chunk:
    """The characters ``span`` of a document that an item is written about.

    ``context`` is what the writer was told besides, one line or more outside of the span: title, headings above, day,
    the head and the unit line of a table whose rows stand in the span.
    """

    document: Document
    span: Span
    context: str = ""

    @property
    def passage(self) -> str:
        """Return the text of the span."""
        return self.document.text[self.span.start : self.span.end]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One item before it is believed.

    For ``qa`` and ``multiple_choice`` ``question`` and ``answer`` are what they say, ``wrong`` the wrong choices of
    the latter. For a rephrasing (``easy``, ``medium``, ``hard``) ``answer`` is the new text and ``question`` is empty.
    """

    style: Style
    question: str
    answer: str
    chunk: Chunk
    wrong: tuple[str, ...] = ()

    @property
    def claim(self) -> str:
        """Return what must be true: the question with its right answer, without the wrong choices."""
        return f"{self.question}\n{self.answer}" if self.question else self.answer
