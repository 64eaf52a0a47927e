"""What de-duplication compares: options, the text as it is seen, and what tells near-equal documents apart."""

import hashlib
import unicodedata

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from corpus.document import Document

_MEETINGS = ("statement", "minutes", "opinions", "press_conference")


class DedupOptions(BaseModel):
    """How near-duplicates are found; the defaults find 99 % of the pairs above 0.8 (16 bands of 8 rows)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ngram: PositiveInt = 5  # characters
    permutations: int = Field(default=128, ge=8, le=1024)
    bands: PositiveInt = 16
    rows: PositiveInt = 8
    threshold: float = Field(default=0.8, gt=0.0, le=1.0)  # Jaccard similarity of the sets of n-grams
    seed: int = Field(default=1, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _fits(self) -> "DedupOptions":
        if self.bands * self.rows > self.permutations:
            raise ValueError(f"bands x rows must be at most {self.permutations}, the permutations")
        return self


def comparable(text: str) -> str:
    """Return ``text`` as de-duplication sees it: NFKC without white space. Applying it twice changes nothing."""
    return unicodedata.normalize("NFKC", "".join(unicodedata.normalize("NFKC", text).split()))


def content_hash(seen: str) -> bytes:
    """Return the 16 bytes that exact copies share; ``seen`` is the text as ``comparable`` gives it."""
    return hashlib.sha256(seen.encode()).digest()[:16]


def states(document: Document) -> bytes:
    """Return 8 bytes of what tells a document from one with nearly the same words; zeros when nothing does.

    That is the amounts that it states, else, for what comes of a meeting, the day of the meeting, for a list of
    companies the day of the list, for a term the term: 版権 and 著作権 are said in nearly the same words, and for a
    report its title, which names the year or month: the figures of two years stand in nearly the same words, too.
    """
    stated: object = sorted({(f.concept, f.period, f.number) for f in document.facts if f.kind == "amount"})
    kind = document.meta.get("kind")
    if not stated and document.event_at and kind in _MEETINGS:
        stated = document.event_at.isoformat()
    elif not stated and kind == "company_list" and (day := document.event_at or document.published_at):
        stated = day.isoformat()
    elif not stated and kind in ("term", "report"):
        stated = document.title
    return hashlib.sha256(repr(stated).encode()).digest()[:8] if stated else bytes(8)
