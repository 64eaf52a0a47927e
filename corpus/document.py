"""Capture and Document, the two records of the data half, with Fact, Span and Drop beside them."""

import hashlib
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta, timezone
from itertools import accumulate
from typing import Any, Literal, NamedTuple, TypeVar

T = TypeVar("T")
_LONE = re.compile("[\ud800-\udfff]")
Format = Literal["markdown", "sections", "categories", "listing", "qa", "multiple_choice"]
JAPAN = timezone(timedelta(hours=9))  # days of publication are Japanese ones; there is no summer time


def day_in_japan(moment: datetime) -> date:
    """Return the Japanese day of an instant."""
    return moment.astimezone(JAPAN).date()


@dataclass(frozen=True, slots=True)
class Capture:
    """One response as fetched: evidence, never edited.

    ``url`` holds no key or token. ``fetched_at`` is an instant in UTC. ``headers`` are those of the response,
    in order. ``license`` names an entry of ``datacards.rights``. ``signals`` are what the publisher said about
    machine use at fetch time (robots rule, ``TDM-Reservation``, ``Content-Usage``). ``meta`` is what the
    spider knew of the page from elsewhere (the speaker in the index row, the row of an EDINET list).
    """

    url: str
    source: str
    fetched_at: datetime
    status: int
    headers: tuple[tuple[str, str], ...]
    media_type: str
    body: bytes
    license: str
    signals: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """SHA-256 of the body as hexadecimal text: the identity of the evidence."""
        return hashlib.sha256(self.body).hexdigest()


class Span(NamedTuple):
    """A stretch of a parent: ``id`` of the document (or ``sha256:...`` of a capture), characters [start, end)."""

    id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement that a document makes, with the characters [start, end) of its text that display it.

    ``subject`` is whom it is about (a company, a term), ``concept`` the machine name (an XBRL element's local
    name, ``industry``, ``sec_code``, ``definition``), ``label`` the Japanese name of the concept, ``value`` the
    text as displayed. For amounts ``number`` is the exact decimal value in ``unit`` (``JPY``, ``shares``, ``pure``)
    as text, scale and sign applied; ``period`` is ``YYYY-MM-DD`` for an instant or ``start/end``; ``decimals``
    as in XBRL. ``kind`` groups facts that may stand in for one another as wrong choices.
    """

    kind: Literal["amount", "term", "company"]
    subject: str
    concept: str
    label: str
    value: str
    start: int
    end: int
    number: str = ""
    unit: str = ""
    period: str = ""
    decimals: str = ""
    context: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One text with its metadata; its ``id`` follows from its content, so equal content has an equal id.

    ``format`` is one of the six. ``meta`` holds only what one source has (speaker, docID, ...; ``kind`` says
    what it is: speech, press_conference, minutes, opinions, statement, outlook, filing, term, company_list,
    article, page).
    ``made_from`` names every parent with the characters it came from. ``redistribution`` says whether the
    text may be given to others at all. ``facts`` travel with the base document and are stored beside it.
    ``available_at`` is the Japanese day from which a reader could have had it: the day of publication, else the
    day on which it was first seen (never that of the event); of what is made from several documents the latest.
    """

    text: str
    format: Format
    source: str
    url: str
    title: str
    captured_at: datetime
    license: str
    attribution: str
    redistribution: bool
    section: str = ""
    language: str = "ja"
    event_at: date | None = None
    published_at: date | None = None
    available_at: date | None = None
    made_from: tuple[Span, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    cluster_size: int = 1
    facts: tuple[Fact, ...] = ()
    _id: str = field(default="", init=False, repr=False, compare=False)  # once it was asked for

    @property
    def id(self) -> str:
        """First 32 hexadecimal digits of the SHA-256 over what makes the document itself."""
        if not self._id:
            parts = [self.format, self.source, self.url, self.section, self.text]
            made = hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:32]
            object.__setattr__(self, "_id", made)
        return self._id

    @property
    def n_chars(self) -> int:
        """Number of Unicode code points of the text."""
        return len(self.text)

    def edited(self, edits: Iterable[tuple[int, int, str]]) -> "Document":
        """Return the document with ``text[start:end]`` replaced for every ``(start, end, new)``.

        Edits must not overlap. Facts keep pointing at the characters that display them; a fact whose
        characters were changed is given up, since its evidence is no longer there. The text blocks of a
        filing, ``meta["blocks"]`` (a JSON list of ``[name, start, end]``), move along too.
        """
        ordered = sorted(edits)
        pieces, at = [], 0
        for start, end, new in ordered:
            if start < at:
                raise ValueError(f"edits overlap at character {start}")
            pieces += [self.text[at:start], new]
            at = end
        pieces.append(self.text[at:])
        moves = _Moves(ordered)
        facts = tuple(moved for fact in self.facts if (moved := moves.fact(fact)))
        meta = self.meta
        if "blocks" in meta:
            blocks = [
                [name, moves.position(start), moves.position(end)]
                for name, start, end in json.loads(meta["blocks"])
            ]
            meta = {**meta, "blocks": json.dumps(blocks, ensure_ascii=False)}
        return replace(self, text="".join(pieces), facts=facts, meta=meta)


class _Moves:
    """Where characters are after edits that are sorted and do not overlap."""

    def __init__(self, edits: Sequence[tuple[int, int, str]]) -> None:
        self.edits = edits
        self.ends = [end for _, end, _ in edits]
        self.shifts = [0, *accumulate(len(new) - (end - start) for start, end, new in edits)]

    def position(self, at: int) -> int:
        """Return where the boundary ``at`` is now; a boundary that was edited away is where the edit began."""
        before = bisect_right(self.ends, at)
        if before < len(self.edits):
            at = min(at, self.edits[before][0])
        return at + self.shifts[before]

    def fact(self, fact: Fact) -> Fact | None:
        """Return the fact where it is displayed now, or None when its characters were changed."""
        before = bisect_right(self.ends, fact.start)
        if before < len(self.edits) and self.edits[before][0] < fact.end:
            return None
        shift = self.shifts[before]
        return replace(fact, start=fact.start + shift, end=fact.end + shift)


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a document, or a capture, left: ``reason`` is a snake_case word that cards count."""

    reason: str
    detail: str = ""


def encodable(record: T) -> T:
    """Return a Document or a Drop with U+FFFD for every lone surrogate, so that no character moves.

    A damaged title of a PDF, for one, holds such halves of a character, and no file in UTF-8 can.
    """
    value: Any = record
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            value = _LONE.sub("\ufffd", value)
    elif isinstance(value, (Document, Fact, Drop)):
        every = {one.name: getattr(value, one.name) for one in fields(value) if one.init}
        new = {name: mended for name, old in every.items() if (mended := encodable(old)) is not old}
        value = replace(value, **new) if new else value
    elif type(value) is tuple or isinstance(value, dict):
        parts = value.values() if isinstance(value, dict) else value
        mended = [encodable(one) for one in parts]
        if any(one is not old for one, old in zip(mended, parts, strict=True)):
            value = dict(zip(value, mended, strict=True)) if isinstance(value, dict) else tuple(mended)
    return value
