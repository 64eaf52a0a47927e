"""What every generator with a model behind it does: chunks become prompts, replies become judged questions."""

import asyncio
import hashlib
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from corpus.document import Document, Drop, Span
from datacards.provenance import without_folders
from rephrase import prompts
from rephrase.base import Exchange, Generator, Question, Reject, Style, Unit
from rephrase.candidate import Candidate, Chunk
from rephrase.chunk import chunks, too_short
from rephrase.documents import Documents
from rephrase.gathered.contamination import Contamination, ContaminationOptions
from rephrase.gathered.duplicates import DuplicateOptions, Duplicates
from rephrase.generators import models
from rephrase.log import Log
from rephrase.naming import self_contained
from rephrase.parse import Parsed, parse
from rephrase.places import Places, arranged, chance
from rephrase.progress import Progress
from rephrase.prompts import Prompt
from rephrase.requests import REFUSED, Engine, Reply, Request, Sampling
from rephrase.running import Running
from rephrase.validate import round_trip as again
from rephrase.validate import verdict


class Warmth(NamedTuple):
    """How freely a style is written: the anchors' values for a 7B base model."""

    temperature: float
    top_p: float


WARMTH: dict[Style, Warmth] = {
    "easy": Warmth(0.7, 0.95), "medium": Warmth(0.7, 0.95), "hard": Warmth(0.7, 0.95),
    "qa": Warmth(0.7, 0.95), "multiple_choice": Warmth(0.6, 0.9),
}  # fmt: skip
_REPETITION = {"max_pattern_size": 48, "min_pattern_size": 4, "min_count": 3}  # loops end early (vLLM)
_AHEAD = 4  # units under way for every request that the engine takes: one slow unit must not starve it


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
    exchanges: list[tuple[Request, Reply, str, bool]] = field(default_factory=list)


class Asking(Generator):
    """Prompts a model with every chunk of every document and keeps what passes the checks.

    ``mode`` is ``completions`` (few-shot, for base models) or ``chat`` (for instruct models). ``model`` is a folder
    or a name on the hub, ``revision`` its commit there; both, and the three fields of precision, are part of what
    decides a reply. Chunks have about ``chunk_tokens`` tokens of the model and never more than ``chunk_limit``;
    ``chunks`` caps how many are asked about (None: all). Each is asked about ``samples`` times in every style; a
    reply that cannot be read is asked for again with a grammar, one that fails a check with more warmth, up to
    ``attempts`` requests. None for ``temperature``, ``top_p`` and ``max_tokens`` takes what suits the style.
    ``round_trip`` asks the same model each question again and keeps those whose answer comes back; ``duplicates``
    leaves out what was asked before, ``contamination`` what a test asks (None: nothing is held against tests).
    """

    model: str
    revision: str = ""
    tokenizer: str = ""
    dtype: str = "auto"
    quantization: str = ""
    kv_cache_dtype: str = "auto"
    mode: Literal["completions", "chat"] = "completions"
    prompt_version: str = "v1"
    prompts: Path | None = None
    chunk_tokens: int = Field(default=520, ge=32)
    chunk_limit: int = Field(default=700, ge=48)
    chunks: int | None = Field(default=None, ge=1)
    samples: int = Field(default=1, ge=1)
    attempts: int = Field(default=2, ge=1)
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0.0)
    top_p: float | None = Field(default=None, gt=0.0, le=1.0)
    seeded: bool = True
    round_trip: bool = True
    duplicates: DuplicateOptions = DuplicateOptions()
    contamination: ContaminationOptions | None = ContaminationOptions()

    @abstractmethod
    def engine(self) -> Engine:
        """Return the engine that answers, not started yet."""

    def generate(
        self, documents: Callable[[], Iterator[Document]], *, styles: tuple[Style, ...], seed: int, work: Path
    ) -> Iterator[Question | Reject | Exchange]:
        """Ask about every chunk in every style, many at a time; yield in the order of the documents.

        Finished replies are kept in ``work/replies``: a killed run asks only what is missing, and one that misses
        nothing needs no engine at all. Raises UserError when nobody answers. Memory does not grow with the corpus.
        """
        asker = Asker(self, styles, seed, work)
        planned = finished = 0
        total = documents.characters if isinstance(documents, Documents) and self.chunks is None else None
        with closing(Log(work / "replies")) as log, Running() as running, Progress(total) as bar:
            link = Link(self.engine(), log)
            running.submit(link.clock())
            waiting: deque[Reject | tuple[Job, Future[Answered]]] = deque()
            jobs = asker.jobs(documents)
            try:
                while True:
                    for job in islice(jobs, link.engine.capacity * _AHEAD - len(waiting)):
                        planned += 1
                        if isinstance(job, Reject):
                            waiting.append(job)
                        else:
                            waiting.append((job, running.submit(asker.answered(job, link))))
                    if not waiting:
                        break
                    first = waiting.popleft()
                    found = (first,) if isinstance(first, Reject) else asker.told(first[1].result())
                    finished += any(isinstance(item, Question | Reject) for item in found)
                    yield from found
                    bar.told(found, characters=asker.share(first if isinstance(first, Reject) else first[0]))
            finally:
                running.submit(link.close()).result()
                asker.duplicates.close()
        if finished != planned:
            raise RuntimeError(f"{planned:,} units were planned and {finished:,} came to an end")

    def report(self, styles: tuple[Style, ...]) -> dict[str, Any]:
        """Return the prompts with their digests, and the tests that questions were held against."""
        used = {f"{style}.{self.mode}.{self.prompt_version}": self.prompt(style).digest for style in styles}
        if self.round_trip:
            used[f"round_trip.{self.mode}"] = self.asker("").digest
        tests = Contamination(self.contamination).told() if self.contamination else []
        return {"prompts": used, "tests": tests}

    def asker(self, identity: str, tokens: again.Tokens | None = None) -> again.Asker:
        """Return what asks again, in the words of the recipe's own prompt files where these hold some."""
        own = (
            self.prompts
            and (self.prompts / self.prompt_version / "round_trip" / f"{self.mode}.yaml").is_file()
        )
        version, folder = (self.prompt_version, self.prompts) if own else ("v1", None)
        return again.Asker(identity, self.mode, version, folder, tokens)

    def prompt(self, style: Style) -> Prompt:
        """Return the prompt of a style, read from its files."""
        return prompts.load(style, self.mode, self.prompt_version, folder=self.prompts)


class Asker:
    """The course of one run: what is asked about each chunk, and what is made of the answers in their order."""

    def __init__(self, options: Asking, styles: Sequence[Style], seed: int, work: Path) -> None:
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
        found = (chunk for document in documents() for chunk in self._chunks(document))
        yield from (job for chunk in islice(found, self.options.chunks) for job in self._jobs(chunk))

    def share(self, job: Job | Reject) -> float:
        """Return the characters of a passage that stand for one of the units about it."""
        if isinstance(job, Reject):
            return (job.unit.span.end - job.unit.span.start) / len(self.styles) if job.unit else 0
        return len(job.chunk.passage) / len(self.styles) / self.options.samples

    def _chunks(self, document: Document) -> Iterator[Chunk | Reject]:
        if document.language != "ja":
            span = Span(document.id, 0, len(document.text))
            for style in self.styles:
                yield Reject(Drop("other_language", document.language), document, "", Unit(span, style))
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
                draw = _number(self.seed, chunk.document.id, chunk.span.start, style, sample)
                yield Job(chunk, style, sample, draw)

    async def answered(self, job: Job, link: "Link") -> Answered:
        """Ask until something good comes back or the attempts are used up."""
        found = Answered(job)
        grammar = False
        for attempt in range(self.options.attempts):
            request = self._request(job, attempt, grammar=grammar)
            reply, kept = await link.reply(request)
            found.exchanges.append((request, reply, "ask", kept))
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

    async def _judge(self, parsed: Parsed, job: Job, reply: Reply, found: Answered, link: "Link") -> None:
        candidate = Candidate(job.style, parsed.question, parsed.answer, job.chunk, parsed.wrong)
        drop = verdict(candidate)
        notes: Mapping[str, str] = {}
        if not drop and self.again:

            async def ask(request: Request) -> Reply:
                reply, kept = await link.reply(request)
                found.exchanges.append((request, reply, "round_trip", kept))
                return reply

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
        asks = [request.key for request, _, purpose, _ in found.exchanges if purpose == "ask"]
        unit = Unit(job.chunk.span, job.style, job.sample, asks[-1] if asks else "", len(asks))
        parent = job.chunk.document
        items: list[Question | Reject | Exchange] = [
            Exchange(request, reply, parent, unit, purpose, kept)
            for request, reply, purpose, kept in found.exchanges
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


class Link:
    """The engine behind the log: what was answered once is not asked again, and the engine starts when it must."""

    def __init__(self, engine: Engine, log: Log) -> None:
        self.engine, self.log = engine, log
        self._ready: asyncio.Task[None] | None = None
        self._asked: dict[str, asyncio.Future[Reply]] = {}

    async def reply(self, request: Request) -> tuple[Reply, bool]:
        """Return the reply to a request, and whether the log had it.

        Else it is that of the same request under way, or the engine's.
        """
        key = request.key
        if kept := self.log.get(key):
            return kept, True
        if (same := self._asked.get(key)) is None:
            same = self._asked[key] = asyncio.ensure_future(self._fresh(request, key))
            same.add_done_callback(lambda _: self._asked.pop(key, None))
        return await asyncio.shield(same), False

    async def _fresh(self, request: Request, key: str) -> Reply:
        if self._ready is None:
            self._ready = asyncio.ensure_future(self.engine.start())
        await asyncio.shield(self._ready)
        reply = await self.engine.reply(request)
        if reply.finish_reason != REFUSED:  # another server, or the same one started otherwise, may take it
            self.log.add(key, reply)
        return reply

    async def clock(self) -> None:
        """Have what waits written now and then, though no reply comes."""
        while True:
            await asyncio.sleep(0.5)
            self.log.tick()

    async def close(self) -> None:
        """Let go of the engine if it was started."""
        if self._ready is not None:
            await self.engine.close()


def _number(*parts: object) -> int:
    """Return 63 bits that follow from the parts alone."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:8], "big") >> 1
