"""The course of one run: what is asked about each chunk, and what is made of the answers in their order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from corpus.document import Document, Drop, Span
from datacards.provenance import without_folders
from rephrase.base import Exchange, Question, Reject, Style, Unit
from rephrase.candidate import Candidate, Chunk
from rephrase.chunk import chunks, too_short
from rephrase.documents import Drawn
from rephrase.gathered.contamination import Contamination
from rephrase.gathered.duplicates import Duplicates
from rephrase.generators import models
from rephrase.generators.link import Came, Link
from rephrase.naming import self_contained
from rephrase.parse import Parsed, parse
from rephrase.places import Places, arranged, chance
from rephrase.prompts import draw
from rephrase.requests import REFUSED, Reply, Request, Sampling
from rephrase.validate import round_trip as again
from rephrase.validate import verdict

if TYPE_CHECKING:
    from rephrase.generators.asking import Asking


class Warmth(NamedTuple):
    """How freely a style is written: the anchors' values for a 7B base model."""

    temperature: float
    top_p: float


WARMTH: dict[Style, Warmth] = {
    "easy": Warmth(0.7, 0.95), "medium": Warmth(0.7, 0.95), "hard": Warmth(0.7, 0.95),
    "qa": Warmth(0.7, 0.95), "multiple_choice": Warmth(0.6, 0.9),
}  # fmt: skip
_REPETITION = {"max_pattern_size": 48, "min_pattern_size": 4, "min_count": 3}  # loops end early (vLLM)


class Job(NamedTuple):
    """One unit of work: a chunk in a style, for the ``sample``-th time; ``draw`` chooses the examples shown."""

    chunk: Chunk
    style: Style
    sample: int
    draw: int


@dataclass(slots=True)
class Answered:
    """What became of a job: candidates that passed, rejects, and every exchange on the way."""

    job: Job
    good: list[Candidate] = field(default_factory=list)
    notes: list[Mapping[str, str]] = field(default_factory=list)
    bad: list[tuple[Drop, str]] = field(default_factory=list)
    exchanges: list[tuple[Request, str, Came]] = field(default_factory=list)


class Asker:
    """The course of one run: what is asked about each chunk, and what is made of the answers in their order."""

    def __init__(self, options: "Asking", styles: Sequence[Style], seed: int, work: Path) -> None:
        self.options, self.styles, self.seed = options, styles, seed
        self.identity = models.identity(options)
        self.prompts = {style: options.prompt(style) for style in styles}
        self.count = models.counter(options)
        tokens = models.following(options)
        self.again = options.asker(self.identity, tokens) if options.round_trip else None
        self.places = Places()
        self.duplicates = Duplicates(options.duplicates, work)
        self.contamination = Contamination(options.contamination) if options.contamination else None

    def jobs(self, documents: Callable[[], Iterator[Document]]) -> Iterator[Job | Reject]:
        """Yield every unit of work in order, and a reject for each that is not worth a request."""
        left = self.options.chunks
        takes = documents.takes if isinstance(documents, Drawn) else None
        for chunk in (chunk for document in documents() for chunk in self._chunks(document)):
            if left == 0:
                return
            if takes and not takes(_span(chunk)):
                continue
            if left and isinstance(chunk, Chunk):  # what nobody is asked about is not counted
                left -= 1
            yield from self._jobs(chunk)

    def share(self, job: Job | Reject) -> float:
        """Return the characters of a passage that stand for one of the units about it."""
        if isinstance(job, Reject):
            return (job.unit.span.end - job.unit.span.start) / len(self.styles) if job.unit else 0
        return len(job.chunk.passage) / len(self.styles) / self.options.samples

    def _chunks(self, document: Document) -> Iterator[Chunk | Reject]:
        span = Span(document.id, 0, len(document.text))
        drop = None
        if document.language != "ja":
            drop = Drop("other_language", document.language)
        elif not document.text.strip():
            drop = Drop("too_short", "no text")
        if drop:
            for style in self.styles:
                yield Reject(drop, document, "", Unit(span, style))
            return
        yield from chunks(document, self.count, self.options.chunk_tokens, self.options.chunk_limit)

    def _jobs(self, chunk: Chunk | Reject) -> Iterator[Job | Reject]:
        if isinstance(chunk, Reject):
            yield chunk
            return
        for style in self.styles:
            if drop := too_short(chunk, style):
                yield Reject(drop, chunk.document, "", Unit(chunk.span, style))
                continue
            for sample in range(self.options.samples):
                number = _number(self.seed, chunk.document.id, chunk.span.start, style, sample)
                yield Job(chunk, style, sample, number)

    async def answered(self, job: Job, link: Link) -> Answered:
        """Ask until something good comes back or the attempts are used up."""
        found = Answered(job)
        grammar = False
        for attempt in range(self.options.attempts):
            request = self._request(job, attempt, grammar=grammar)
            came = await link.reply(request)
            reply = came.reply
            found.exchanges.append((request, "ask", came))
            read = parse(
                job.style,
                self.options.mode,
                reply.text,
                reply.finish_reason,
                chunk=job.chunk,
                prompt=self.prompts[job.style],
            )
            if isinstance(read, Drop):
                found.bad = [(read, reply.text)]
                if reply.finish_reason == REFUSED:
                    break
                grammar = True
                continue
            grammar, found.bad = False, []
            for parsed in read:
                await self._judge(parsed, job, reply, found, link)
            if found.good:
                break
        return found

    async def _judge(self, parsed: Parsed, job: Job, reply: Reply, found: Answered, link: Link) -> None:
        candidate = Candidate(job.style, parsed.question, parsed.answer, job.chunk, parsed.wrong)
        drop = verdict(candidate)
        notes: Mapping[str, str] = {}
        if not drop and self.again:

            async def ask(request: Request) -> Reply:
                came = await link.reply(request)
                found.exchanges.append((request, "round_trip", came))
                return came.reply

            opening = self.prompts[job.style].opening(job.chunk, job.draw)
            drop, notes = await again.judge(candidate, ask, self.again, opening)
        if drop:
            found.bad.append((drop, reply.text if len(found.bad) == 0 else parsed.question))
        else:
            found.good.append(candidate)
            found.notes.append(notes)

    def _request(self, job: Job, attempt: int, *, grammar: bool) -> Request:
        options, prompt = self.options, self.prompts[job.style]
        warmth = WARMTH[job.style]
        temperature = warmth.temperature if options.temperature is None else options.temperature
        chat = options.mode == "chat"
        structured = (
            {"json": prompt.schema}
            if chat
            else {"grammar": prompt.grammar}
            if grammar and prompt.grammar
            else {}
        )
        sampling = Sampling(
            max_tokens=options.max_tokens or prompt.max_tokens,
            temperature=round(temperature + 0.1 * attempt, 3) if temperature else 0.0,
            top_p=options.top_p or warmth.top_p,
            stop=prompt.stop,
            # One seed for every unit of a style: prompts with equal parameters share a request.
            seed=_number(self.seed, job.style, job.sample, attempt) if options.seeded else None,
            structured=structured,
            repetition=_REPETITION,
        )
        return Request(
            self.identity, prompt.ask(job.chunk, job.draw), sampling, job.sample * options.attempts + attempt
        )

    def told(self, found: Answered) -> tuple[Question | Reject | Exchange, ...]:
        """Return what is to be said of a job, now that those before it are judged."""
        job = found.job
        asks = [request.key for request, purpose, _ in found.exchanges if purpose == "ask"]
        unit = Unit(job.chunk.span, job.style, job.sample, asks[-1] if asks else "", len(asks))
        parent = job.chunk.document
        items: list[Question | Reject | Exchange] = [
            Exchange(request, came.reply, parent, unit, purpose, came.kept, came.sent, came.came)
            for request, purpose, came in found.exchanges
        ]
        items += [
            self._question(one, notes, replace(unit, item=number))
            for number, (one, notes) in enumerate(zip(found.good, found.notes, strict=True))
        ]
        items += [
            Reject(drop, parent, text, replace(unit, item=len(found.good) + number))
            for number, (drop, text) in enumerate(found.bad)
        ]
        return tuple(items)

    def _question(self, candidate: Candidate, notes: Mapping[str, str], unit: Unit) -> Question | Reject:
        chunk = candidate.chunk
        candidate = replace(
            candidate, question=self_contained(candidate.question, candidate.answer, chunk.document)
        )
        drop = self.contamination.check(candidate) if self.contamination else None
        if drop := drop or self.duplicates.check(candidate):
            return Reject(drop, chunk.document, candidate.claim, unit)
        key = f"passage|{chunk.document.id}|{chunk.span.start}"
        place, choices = -1, tuple[str, ...]()
        if candidate.style == "multiple_choice":
            # The model writes no letters: where the right answer stands is drawn here, and so is balanced.
            drawn = chance(self.seed, key, str(unit.sample), str(unit.item))
            place = self.places.take(chunk.document.license, drawn)
            choices = arranged(candidate.answer, candidate.wrong, place)
        prompt = self.prompts[candidate.style]
        return Question(
            style=candidate.style,
            question=candidate.question,
            answer=candidate.answer,
            parent=chunk.document,
            spans=(chunk.span,),
            key=key,
            choices=choices,
            answer_index=place,
            meta={
                "model": without_folders(self.options.model),
                "prompt": f"{candidate.style}.{self.options.mode}.{self.options.prompt_version}",
                "prompt_digest": prompt.digest[:16],
                "request": unit.key,
                **notes,
            },
            unit=unit,
        )


def _span(chunk: Chunk | Reject) -> Span:
    if isinstance(chunk, Chunk):
        return chunk.span
    return chunk.unit.span if chunk.unit else Span(chunk.parent.id, 0, 0)


def _number(*parts: object) -> int:
    """Return 63 bits that follow from the parts alone."""
    return draw(*parts) >> 1
