"""What every generator with a model behind it does: chunks become prompts, replies become judged questions."""

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from collections.abc import Generator as Generated
from concurrent.futures import Future
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from corpus.document import Document
from rephrase import prompts
from rephrase.base import Exchange, Generator, Question, Reject, Style
from rephrase.documents import Documents
from rephrase.gathered.contamination import Contamination, ContaminationOptions
from rephrase.gathered.duplicates import DuplicateOptions
from rephrase.generators.asker import Answered, Asker, Job
from rephrase.generators.link import Link
from rephrase.log import Log
from rephrase.progress import Progress
from rephrase.prompts import Prompt
from rephrase.requests import Engine
from rephrase.running import Running
from rephrase.validate import round_trip as again

_AHEAD = 4  # units under way for every request that the engine takes: one slow unit must not starve it


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
    ) -> Generated[Question | Reject | Exchange]:
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
