"""What a chunk offers as ground: its text with its context, its periods, the facts that it shows, its document's days."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache
from operator import attrgetter

from corpus.document import Document, Fact, Span
from corpus.folding import folded
from rephrase.candidate import Chunk
from rephrase.grounding.calendar import Period
from rephrase.grounding.names import companies, core, names, plain
from rephrase.grounding.own import own_period
from rephrase.grounding.periods import periods
from rephrase.grounding.reading import Reading, reading
from rephrase.grounding.scope import scope
from rephrase.grounding.statements import Labeled, Statement, labeled, pairs, statements

_OF_DOCUMENT = ("submitted", "period_start", "period_end", "fiscal_year_end")


class Source:
    """A chunk that is read once, however many items are judged against it."""

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self.text = f"{chunk.context}\n{chunk.passage}"
        self._scopes: dict[int, Period | None] = {}

    @cached_property
    def own(self) -> Period | None:
        """Return the period that the document is about."""
        return own_period(self.chunk.document)

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """Return the facts of the document that stand inside the passage."""
        facts, span = self.chunk.document.facts, self.chunk.span
        first = bisect_left(facts, span.start, key=attrgetter("start"))
        return tuple(fact for fact in facts[first : _last(facts, span.end)] if fact.end <= span.end)

    @cached_property
    def stated(self) -> tuple[Period, ...]:
        """Return the periods that passage and context name, as places of ``text``."""
        return tuple(periods(self.text, self.own))

    @cached_property
    def reading(self) -> Reading:
        """Return the quantities that passage and context state, those that are facts with their exact numbers."""
        moved = len(self.text) - len(self.chunk.passage) - self.chunk.span.start
        shown = ((fact.start + moved, fact.end + moved, fact) for fact in self.facts if fact.number)
        return reading(self.text, self.stated, shown)

    def scope(self, place: int) -> Period | None:
        """Return the period in force at a character of ``text``; asked for only where a claim needs it."""
        if place not in self._scopes:
            self._scopes[place] = scope(self.text, place, self.own)
        return self._scopes[place]

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Return the sentences and dated rows of the passage, as places of ``text``, compared without the companies in them."""
        begin = len(self.chunk.context) + 1
        found = statements(self.text, self.stated, begin, companies(self.text))
        return tuple(one for one in found if one.tells)

    @cached_property
    def labeled(self) -> tuple[Labeled, ...]:
        """Return the rows that give a name its day or period."""
        return tuple(labeled(self.text, self.stated))

    @cached_property
    def latin(self) -> frozenset[str]:
        """Return the plain words in Latin letters."""
        named = names("\n".join((self.chunk.document.title, *self.subjects, self.text)))
        return frozenset(plain(one.text) for one in named if one.kind == "latin")

    @cached_property
    def ground(self) -> tuple[Period, ...]:
        """Return every period that may be named: those of the text, the ends of its ranges, and ``days``."""
        return (*with_ends(self.stated), *self.days)

    @cached_property
    def pairs(self) -> frozenset[str]:
        """Return the pairs of neighboring letters of ``text``."""
        return pairs(self.text, 0, len(self.text), ())

    @cached_property
    def plain(self) -> str:
        """Return the plain names' ground: passage, context, title and whom the document is about."""
        about = (self.chunk.document.title, *self.subjects, self.text)
        return "\n".join(map(plain, about))

    @cached_property
    def folded(self) -> str:
        """Return the letters and digits of passage and context."""
        return folded(self.text)

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """Return whom the document is about: its filer, its publisher's name for it, and the subjects of its facts."""
        meta = self.chunk.document.meta
        about = [meta.get(key, "") for key in ("filer", "cover_name", "company", "speaker")]
        about += [fact.subject for fact in self.facts]
        return tuple(dict.fromkeys(filter(None, about)))

    @cached_property
    def companies(self) -> frozenset[str]:
        """Return the cores of the companies that the document is about."""
        named = [*self.subjects, *(name.text for name in companies(self.chunk.document.title))]
        return frozenset(core(one) for one in named)

    @cached_property
    def days(self) -> tuple[Period, ...]:
        """Return the periods of the facts in the passage and the document's own: publication, event, fiscal period."""
        document = self.chunk.document
        found = {period for fact in self.facts if (period := period_of(fact))}
        days = [
            document.published_at,
            document.event_at,
            *(_day(document.meta.get(key, "")) for key in _OF_DOCUMENT),
        ]
        found |= {Period(day, day, "day") for day in days if day}
        if self.own:
            found.add(replace(self.own, start=0, end=0))
        found |= {replace(one, start=0, end=0) for one in periods(document.title, self.own)}
        return tuple(found)


@lru_cache(maxsize=64)
def periods_of(claim: str, own: Period | None) -> tuple[Period, ...]:
    """Return the periods of a claim; several checks ask for them, one after the other."""
    return tuple(periods(claim, own))


def period_of(fact: Fact) -> Period | None:
    """Return the period of a fact, None where it states none."""
    ends = [_day(part) for part in fact.period.split("/")]
    first, last = ends[0], ends[-1]
    if first is None or last is None:
        return None
    return Period(first, last, "day" if first == last else "range")


def with_ends(stated: Sequence[Period]) -> Iterator[Period]:
    """Yield periods and, of ranges, the two that they were put together from."""
    for one in stated:
        yield one
        yield from one.ends


def source_of(chunk: Chunk) -> Source:
    """Return what a chunk offers; the chunks judged last are remembered."""
    return _read(_Same(chunk.document), chunk.span, chunk.context)


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """A document by its identity in memory: comparing and hashing a long one costs more than reading the chunk."""

    document: Document

    def __hash__(self) -> int:
        return id(self.document)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.document is other.document


@lru_cache(maxsize=256)
def _read(same: _Same, span: Span, context: str) -> Source:
    return Source(Chunk(same.document, span, context))


def _last(facts: tuple[Fact, ...], end: int) -> int:
    return bisect_left(facts, end, key=attrgetter("start"))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
