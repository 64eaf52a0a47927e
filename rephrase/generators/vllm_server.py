"""Questions written by a model behind any OpenAI-compatible endpoint, a vLLM server above all."""

import os
import random
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import Field
from tqdm import tqdm

from corpus.document import Document, Drop, Span
from datacards.errors import UserError
from datacards.provenance import without_folders
from rephrase.base import Generator, Question, Reject, Style
from rephrase.candidate import Candidate, Chunk
from rephrase.chunk import passages
from rephrase.log import Log, Reply, digest
from rephrase.parse import Parsed, parse
from rephrase.prompts import Prompt, draw, load
from rephrase.validate import verdict

if TYPE_CHECKING:
    from openai import OpenAI


class Ask(NamedTuple):
    """One request: a passage of a document, in one style."""

    document: Document
    span: Span
    style: Style

    @property
    def chunk(self) -> Chunk:
        """Return what is asked about."""
        return Chunk(self.document, self.span)


class VllmServer(Generator):
    """Prompts a served model with every passage and keeps what passes the checks.

    ``mode`` is ``completions`` (few-shot, for base models) or ``chat`` (for instruct models). ``characters`` is
    the budget of a passage in code points, ``passages`` how many passages are asked about in all (None: every
    one). The key, when the endpoint wants one, is read from ``OPENAI_API_KEY``.
    """

    model: str
    base_url: str = "http://127.0.0.1:8000/v1"
    mode: Literal["completions", "chat"] = "completions"
    prompt_version: str = "v1"
    characters: int = Field(default=800, ge=50)
    passages: int | None = Field(default=None, ge=1)
    max_tokens: int = Field(default=256, ge=1)
    temperature: float = Field(default=0.7, ge=0.0)
    top_p: float = Field(default=0.9, gt=0.0, le=1.0)
    concurrency: int = Field(default=64, ge=1)
    timeout_s: float = Field(default=120.0, gt=0.0)
    retries: int = Field(default=5, ge=0)
    serve: tuple[str, ...] = ()

    def generate(
        self, documents: Callable[[], Iterator[Document]], *, styles: tuple[Style, ...], seed: int, work: Path
    ) -> Iterator[Question | Reject]:
        """Ask about every passage in every style, many at a time; yield in the order of the documents.

        Finished replies are kept in ``work/replies.jsonl``: a killed run asks only what is missing. Raises
        UserError when the endpoint does not answer.
        """
        prompts = {style: load(style, self.mode, self.prompt_version) for style in styles}
        asked = (Ask(*passage, style) for passage in self._passages(documents) for style in styles)
        with self._client() as client, closing(Log(work / "replies.jsonl")) as log:
            pool = ThreadPoolExecutor(self.concurrency)
            try:
                waiting: deque[tuple[Ask, Future[Reply]]] = deque()
                bar = tqdm(desc="replies", unit="", file=sys.stderr, disable=None)
                while True:
                    for ask in islice(asked, self.concurrency * 2 - len(waiting)):
                        job = pool.submit(self._reply, client, log, prompts[ask.style], ask.chunk, seed)
                        waiting.append((ask, job))
                    if not waiting:
                        break
                    ask, future = waiting.popleft()
                    yield self._judge(ask, future.result(), seed)
                    bar.update()
            finally:
                # After an error nothing more is asked: only what is under way is waited for, and kept.
                pool.shutdown(cancel_futures=True)

    def _passages(self, documents: Callable[[], Iterator[Document]]) -> Iterator[tuple[Document, Span]]:
        found = (
            (d, span) for d in documents() if d.language == "ja" for span in passages(d, self.characters)
        )
        return islice(found, self.passages)

    def _client(self) -> "OpenAI":
        try:
            from openai import OpenAI
        except ImportError as error:
            raise UserError(
                "vllm_server",
                "needs the package openai, which is not installed",
                todo="pip install -e '.[client]'",
            ) from error
        key = os.environ.get("OPENAI_API_KEY", "none")
        return OpenAI(base_url=self.base_url, api_key=key, timeout=self.timeout_s, max_retries=self.retries)

    def _reply(self, client: "OpenAI", log: Log, prompt: Prompt, chunk: Chunk, seed: int) -> Reply:
        import openai

        sampling = {
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": seed,
        }
        said = prompt.ask(chunk, draw(chunk.document.id, chunk.span.start))
        name = digest(self.model, str(said), {**sampling, "mode": self.mode})
        if name in log.replies:
            return log.replies[name]
        try:
            reply = self._asked(client, said, prompt.stop, sampling)
        except openai.BadRequestError as error:
            # One prompt that the server refuses (too long, say) is one reject, not the end of the run. It is
            # not kept: another server, or the same one started otherwise, may take it.
            return Reply(str(error.message), "refused")
        except openai.OpenAIError as error:
            raise UserError(
                self.base_url,
                f"the server did not answer: {error}",
                "an OpenAI-compatible endpoint is needed",
                "start one (kanagura rephrase serve RECIPE) and run again: finished replies are kept",
            ) from error
        except (AttributeError, IndexError, TypeError) as error:
            raise UserError(
                self.base_url,
                "the answer is none of the OpenAI interface",
                "an address that ends with /v1",
                "correct base_url",
            ) from error
        log.add(name, reply)
        return reply

    def _asked(self, client: "OpenAI", prompt: Any, stop: tuple[str, ...], sampling: dict[str, Any]) -> Reply:
        if self.mode == "chat":
            messages: Any = [turn._asdict() for turn in prompt]
            said = client.chat.completions.create(
                model=self.model, messages=messages, stop=list(stop), **sampling
            )
            return Reply(said.choices[0].message.content or "", said.choices[0].finish_reason or "")
        done = client.completions.create(model=self.model, prompt=prompt, stop=list(stop), **sampling)
        return Reply(done.choices[0].text, done.choices[0].finish_reason or "")

    def _judge(self, ask: Ask, reply: Reply, seed: int) -> Question | Reject:
        items = parse(ask.style, self.mode, reply.text, reply.finish_reason, chunk=ask.chunk)
        if isinstance(items, Drop):
            return Reject(items, ask.document, reply.text)
        parsed = items[0]
        if drop := verdict(Candidate(ask.style, parsed.question, parsed.answer, ask.chunk, parsed.wrong)):
            return Reject(drop, ask.document, reply.text)
        return self._question(ask, parsed, seed)

    def _question(self, ask: Ask, parsed: Parsed, seed: int) -> Question:
        key = f"passage|{ask.document.id}|{ask.span.start}"
        choices: list[str] = []
        place = -1
        if ask.style == "multiple_choice":
            # The model writes no letters: where the true answer stands is drawn here, and so is balanced.
            place = random.Random(f"{seed}|{key}").randrange(len(parsed.wrong) + 1)  # noqa: S311
            choices = [*parsed.wrong[:place], parsed.answer, *parsed.wrong[place:]]
        return Question(
            style=ask.style,
            question=parsed.question,
            answer=parsed.answer,
            parent=ask.document,
            spans=(ask.span,),
            key=key,
            choices=tuple(choices),
            answer_index=place,
            meta={"model": without_folders(self.model), "prompt": f"{ask.style}.{self.prompt_version}"},
        )
