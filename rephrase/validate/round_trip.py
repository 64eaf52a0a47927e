"""Round trip: the same engine answers the question from the passage again, and comes to the same answer."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Literal, NamedTuple

from corpus.document import Drop
from corpus.folding import folded
from rephrase.base import FORMATS
from rephrase.candidate import Candidate
from rephrase.requests import REFUSED, Message, Reply, Request, Sampling
from rephrase.validate.numbers import values

NAME, VERSION = "round_trip", 1

#: Least character-F1 of two answers in words; how many of the four orders must find the right choice.
F1, RIGHT = 0.6, 3
LETTERS = "ABCD"

Ask = Callable[[Request], Awaitable[Reply]]


class Result(NamedTuple):
    """Why a candidate is refused, or None, and what is told of it.

    ``told`` holds ``round_trip`` (right answers of those asked for, ``3/4``) and, for multiple choice that passed,
    ``closed_book``: ``right`` when the model finds the choice without the passage, too, else ``wrong``.
    """

    drop: Drop | None
    told: Mapping[str, str]


@dataclass(frozen=True)
class Asker:
    """How questions are put to a model: its identity as in requests, the kind of endpoint, the version of the prompts.

    The document stands first in a prompt, so that an engine that caches prefixes reads it once for all questions.
    ``max_tokens`` bounds an answer in words; a letter takes one token.
    """

    model: str
    mode: Literal["completions", "chat"]
    version: str = "v1"
    max_tokens: int = 96

    @cached_property
    def prompts(self) -> Mapping[str, str]:
        """Return the pieces of the prompts: document, qa, multiple_choice, closed_book."""
        folder = files("rephrase.prompts")
        names = ("document", "qa", "multiple_choice", "closed_book")
        return {
            name: (folder / f"round_trip_{name}.{self.mode}.{self.version}.txt")
            .read_text(encoding="utf-8")
            .removesuffix("\n")
            for name in names
        }

    @property
    def digest(self) -> str:
        """Return the SHA-256 over the prompts, for the card."""
        return hashlib.sha256(repr(sorted(self.prompts.items())).encode()).hexdigest()

    def open(self, candidate: Candidate) -> Request:
        """Return the request for an answer in words."""
        text = _filled(self.prompts["qa"], {"question": candidate.question})
        return self._request(f"{self._document(candidate)}\n{text}", Sampling(self.max_tokens, stop=("\n",)))

    def choice(self, candidate: Candidate, order: int, *, closed_book: bool = False) -> Request:
        """Return the request for a letter: the right choice stands at place ``order``, the wrong ones follow it."""
        every = (candidate.answer, *candidate.wrong)
        shown = {letter: every[(at - order) % len(every)] for at, letter in enumerate(LETTERS)}
        text = _filled(
            self.prompts["closed_book" if closed_book else "multiple_choice"],
            {"question": candidate.question, **shown},
        )
        if not closed_book:
            text = f"{self._document(candidate)}\n{text}"
        return self._request(text, Sampling(1 if self.mode == "completions" else 4, scored=tuple(LETTERS)))

    def _document(self, candidate: Candidate) -> str:
        chunk = candidate.chunk
        passage = f"{chunk.context.strip()}\n{chunk.passage.strip()}".strip()
        return _filled(self.prompts["document"], {"passage": passage})

    def _request(self, text: str, sampling: Sampling) -> Request:
        prompt = text if self.mode == "completions" else (Message("user", text),)
        return Request(self.model, prompt, sampling)


async def check(candidate: Candidate, ask: Ask, asker: Asker) -> Drop | None:
    """Return why a candidate is refused, or None; ``judge`` says what is told of it besides."""
    return (await judge(candidate, ask, asker)).drop


async def judge(candidate: Candidate, ask: Ask, asker: Asker) -> Result:
    """Ask again and compare. Rephrasings are not asked about.

    An answer in words must agree in its numbers or, without any, in its characters. Of the four cyclic orders of the
    choices three must find the right one; asking ends when that is decided, and then goes on without the passage.
    """
    if FORMATS[candidate.style] == "markdown":
        return Result(None, {})
    if candidate.style == "qa":
        reply = await ask(asker.open(candidate))
        if reply.finish_reason == REFUSED:
            return Result(Drop("no_round_trip", "refused"), {})
        if agrees(candidate.answer, reply.text):
            return Result(None, {"round_trip": "1/1"})
        return Result(Drop("no_round_trip", reply.text.strip()[:200]), {"round_trip": "0/1"})
    right = 0
    for order in range(len(LETTERS)):
        right += chosen(await ask(asker.choice(candidate, order))) == LETTERS[order]
        asked = order + 1
        if right == RIGHT or asked - right > len(LETTERS) - RIGHT:
            break
    told = {"round_trip": f"{right}/{asked}"}
    if right < RIGHT:
        return Result(Drop("inconsistent_choice", told["round_trip"]), told)
    blind = chosen(await ask(asker.choice(candidate, len(candidate.question) % 4, closed_book=True)))
    found = blind == LETTERS[len(candidate.question) % 4]
    return Result(None, {**told, "closed_book": "right" if found else "wrong"})


def chosen(reply: Reply) -> str:
    """Return the likeliest letter of a reply, or the first that it wrote where no log-probabilities came, or ""."""
    if scores := {letter: reply.logprobs[letter] for letter in LETTERS if letter in reply.logprobs}:
        return max(scores, key=lambda letter: scores[letter])
    text = unicodedata.normalize("NFKC", reply.text).strip().lstrip("(「『[")
    return text[0] if text[:1] in LETTERS and text else ""


def agrees(answer: str, again: str) -> bool:
    """Return whether two answers say the same: the same numbers if there are any, else most of their characters."""
    if numbers := values(answer):
        return numbers == values(again)
    return f1(answer, again) >= F1


def f1(one: str, other: str) -> float:
    """Return the harmonic mean of the shares of characters that two texts have in common, folded, 0 to 1."""
    left, right = Counter(folded(one)), Counter(folded(other))
    common = (left & right).total()
    return 2 * common / (left.total() + right.total()) if common else 0.0


def _filled(prompt: str, words: Mapping[str, str]) -> str:
    """Return a prompt with every ``{name}`` replaced once, so that braces in a text stay what they are."""
    pieces, rest = [], prompt
    for name in sorted(words, key=lambda word: prompt.find(f"{{{word}}}")):
        before, _, rest = rest.partition(f"{{{name}}}")
        pieces += [before, words[name].strip()]
    return "".join([*pieces, rest])
