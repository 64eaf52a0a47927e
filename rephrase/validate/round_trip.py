"""Round trip: the same engine answers the question from the passage again, and comes to the same answer."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field

from corpus.document import Drop
from datacards.errors import UserError
from datacards.recipe import StrictLoader, validate
from rephrase.base import FORMATS
from rephrase.candidate import Candidate
from rephrase.grounding.answers import agree, read
from rephrase.prompts.marks import mark
from rephrase.requests import REFUSED, Message, Reply, Request, Sampling

NAME, VERSION = "round_trip", 1

#: Least character-F1 of two answers in words; how many of the four orders must find the right choice.
F1, RIGHT = 0.6, 3
LETTERS = "ABCD"

Ask = Callable[[Request], Awaitable[Reply]]
#: What a prompt begins with, through its document: text for completions, messages for chat.
Opening = str | tuple[Message, ...]
_PLACES = re.compile(r"\{(document|question|[A-D])\}")


class Result(NamedTuple):
    """Why a candidate is refused, or None, and what is noted of it.

    ``notes`` holds ``round_trip`` (right answers of those asked for, ``3/4``) and, for multiple choice that passed,
    ``closed_book``: ``right`` when the model finds the choice without the passage, too, else ``wrong``.
    """

    drop: Drop | None
    notes: dict[str, str]


class Wording(BaseModel):
    """A prompt file: pieces with ``{document}``, ``{question}`` and ``{A}`` to ``{D}``; ``max_tokens`` and ``stop`` bound an answer in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: str = Field(pattern=r"\{document\}")
    qa: str = Field(pattern=r"\{question\}")
    multiple_choice: str = Field(pattern=r"(?s)\{question\}.*\{A\}.*\{B\}.*\{C\}.*\{D\}")
    closed_book: str = Field(pattern=r"(?s)\{question\}.*\{A\}.*\{B\}.*\{C\}.*\{D\}")
    stop: tuple[str, ...]
    max_tokens: int = Field(ge=1)


#: (end of a prompt, texts) -> the ids of the tokens that the texts are behind it; () where one is not a single token.
Tokens = Callable[[str, Sequence[str]], tuple[int, ...]]


class Asker:
    """Puts questions to a model again: to ``model`` (its identity in requests), in the words of a version's prompt file.

    That is ``VERSION/round_trip/MODE.yaml`` of ``folder``, or of the prompts of this package. ``tokens`` gives the ids
    of the letters behind the end of a prompt: a base model is scored on these alone, however unlikely it finds them.
    Raises UserError when there is no such file or it is not as it should be.
    """

    def __init__(
        self,
        model: str,
        mode: Literal["completions", "chat"],
        version: str = "v1",
        folder: Path | None = None,
        tokens: Tokens | None = None,
    ) -> None:
        self._tokens = tokens
        self.mode, self.model, self.version, self.folder = mode, model, version, folder
        self.digest = hashlib.sha256(self._body).hexdigest()
        where = f"{version}/round_trip/{mode}.yaml"
        try:
            data = yaml.load(self._body.decode(), Loader=StrictLoader)  # noqa: S506  a subclass of the safe loader
        except (UnicodeDecodeError, yaml.YAMLError) as error:
            raise UserError(where, f"is not a valid prompt file: {error}", todo="correct the YAML") from error
        if not isinstance(data, dict):
            raise UserError(where, f"holds a {type(data).__name__}", "a mapping of keys to values")
        self.wording = validate(where, data, Wording)

    @cached_property
    def _body(self) -> bytes:
        place: Traversable = self.folder or files("rephrase.prompts")
        path = place / self.version / "round_trip" / f"{self.mode}.yaml"
        if not path.is_file():
            raise UserError(
                "prompts", f"no '{self.version}/round_trip/{self.mode}.yaml'", todo="name another version"
            )
        return path.read_bytes()

    def open(self, candidate: Candidate, opening: Opening | None = None) -> Request:
        """Return the request for an answer in words."""
        text = _filled(self.wording.qa, {"question": candidate.question})
        return self._request(
            text, Sampling(self.wording.max_tokens, stop=self.wording.stop), self._opened(candidate, opening)
        )

    def choice(
        self, candidate: Candidate, order: int, opening: Opening | None = None, *, closed_book: bool = False
    ) -> Request:
        """Return the request for a letter: the right choice stands at place ``order``, the wrong ones follow it around."""
        every = (candidate.answer, *candidate.wrong)
        shown = {letter: every[(at - order) % len(every)] for at, letter in enumerate(LETTERS)}
        piece = self.wording.closed_book if closed_book else self.wording.multiple_choice
        text = _filled(piece, {"question": candidate.question, **shown})
        structured = {"choice": list(LETTERS)} if self.mode == "chat" else {}
        ids = self._tokens(text[-8:].removesuffix("\n"), LETTERS) if self._tokens and not structured else ()
        sampling = Sampling(1, structured=structured, scored=tuple(LETTERS), logprob_token_ids=ids)
        return self._request(text, sampling, "" if closed_book else self._opened(candidate, opening))

    def _opened(self, candidate: Candidate, opening: Opening | None) -> Opening:
        chunk = candidate.chunk
        shown = f"{chunk.context.strip()}\n{chunk.passage.strip()}".strip()
        return opening or _filled(self.wording.document, {"document": mark(shown)})

    def _request(self, text: str, sampling: Sampling, opening: Opening) -> Request:
        text = text.removesuffix("\n")
        before = () if isinstance(opening, str) else opening[:-1]
        above = opening if isinstance(opening, str) else opening[-1].content
        if self.mode == "completions":
            return Request(self.model, above + text, sampling)
        return Request(
            self.model, (*before, Message("user", f"{above.rstrip()}\n\n{text}".strip())), sampling
        )


async def check(candidate: Candidate, ask: Ask, asker: Asker, opening: Opening | None = None) -> Drop | None:
    """Return why a candidate is refused, or None; ``judge`` says what is noted of it besides."""
    return (await judge(candidate, ask, asker, opening)).drop


async def judge(candidate: Candidate, ask: Ask, asker: Asker, opening: Opening | None = None) -> Result:
    """Ask again and compare. Rephrasings are not asked about.

    An answer in words must agree in its numbers or, without any, in its characters. Of the four cyclic orders of
    the choices three must find the right one; asking ends when that is decided. Then one order is asked for
    without the passage: how hard the question is, which refuses nothing. ``opening`` is what the prompt that made the
    question begins with, through its document: an engine that caches prefixes then reads the document only once.
    """
    if FORMATS[candidate.style] == "markdown":
        return Result(None, {})
    of_words = candidate.style == "qa"
    return await (_in_words if of_words else _by_letter)(candidate, ask, asker, opening)


async def _in_words(candidate: Candidate, ask: Ask, asker: Asker, opening: Opening | None) -> Result:
    reply = await ask(asker.open(candidate, opening))
    if reply.finish_reason == REFUSED:
        return Result(Drop("no_round_trip", "refused"), {})
    said = _said(reply.text)
    if agree(read(candidate.answer), read(said), F1):
        return Result(None, {"round_trip": "1/1"})
    return Result(Drop("no_round_trip", said[:200]), {"round_trip": "0/1"})


async def _by_letter(candidate: Candidate, ask: Ask, asker: Asker, opening: Opening | None) -> Result:
    right = asked = 0
    while right < RIGHT and asked - right <= len(LETTERS) - RIGHT:
        reply = await ask(asker.choice(candidate, asked, opening))
        if reply.finish_reason == REFUSED:
            return Result(Drop("no_round_trip", "refused"), {})
        right += chosen(reply) == LETTERS[asked]
        asked += 1
    notes = {"round_trip": f"{right}/{asked}"}
    if right < RIGHT:
        return Result(Drop("inconsistent_choice", notes["round_trip"]), notes)
    order = int(hashlib.sha256(candidate.question.encode()).hexdigest(), 16) % len(LETTERS)
    blind = chosen(await ask(asker.choice(candidate, order, closed_book=True)))
    return Result(None, {**notes, "closed_book": "right" if blind == LETTERS[order] else "wrong"})


def chosen(reply: Reply) -> str:
    """Return the likeliest letter of a reply, or the first that it wrote where no log-probabilities came, or "".

    The text of a refused one is the server's, and no letter.
    """
    if reply.finish_reason == REFUSED:
        return ""
    if scores := {letter: reply.logprobs[letter] for letter in LETTERS if letter in reply.logprobs}:
        return max(scores, key=lambda letter: scores[letter])
    text = unicodedata.normalize("NFKC", reply.text).strip().lstrip("(「『[")
    return text[0] if text[:1] in LETTERS and text else ""


def _said(text: str) -> str:
    """Return the first line of an answer, or the text of a JSON object that some models cannot but write."""
    text = text.strip()
    if text.startswith("{"):
        try:
            said = [value for value in json.loads(text).values() if isinstance(value, str)]
        except ValueError:
            said = []
        text = said[0] if said else text
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _filled(piece: str, words: Mapping[str, str]) -> str:
    """Return a piece of a prompt with every place filled at once: braces in a text stay what they are."""
    return _PLACES.sub(lambda place: words[place[1]].strip(), piece)
