"""What is asked of an engine and what it answers; the key under which an answer is kept."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

#: Finish reasons: of vLLM (stop, length, abort, error, repetition), and ours for what the engine would not take.
STOP, LENGTH, REFUSED = "stop", "length", "refused"
#: Reasons that are the engine's trouble, as when it is shut down, and say nothing of the prompt.
UNDONE = ("abort", "error")


@dataclass(frozen=True, slots=True)
class Sampling:
    """Parameters of one generation, by the names of vLLM's ``SamplingParams``.

    ``structured`` holds one constraint of ``structured_outputs`` (json, regex, choice, grammar). ``logprob_token_ids``
    are the tokens whose log-probabilities at the first generated place are wanted; ``scored`` are their texts,
    for endpoints that know tokens by text only.
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None
    structured: Mapping[str, Any] = field(default_factory=dict)
    repetition: Mapping[str, int] = field(default_factory=dict)  # vLLM's ``repetition_detection``
    scored: tuple[str, ...] = ()
    logprob_token_ids: tuple[int, ...] = ()


class Message(NamedTuple):
    """A turn of a chat; ``role`` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt for a base model (``prompt`` is text) or a chat (messages); ``model`` is its identity as a text.

    ``sample`` tells equal requests apart that are meant to be asked several times. Requests of one ``group`` share the
    start of their prompts; servers keep that start, so that it pays to send a group to few of them.
    """

    model: str
    prompt: str | tuple[Message, ...]
    sampling: Sampling
    sample: int = 0
    group: str = field(default="", compare=False)  # decides where it is answered, not what

    @property
    def key(self) -> str:
        """SHA-256 in hexadecimal over everything that decides what may be answered: equal keys, one payment.

        Server, hardware and batch are not part of it, and neither is the parser: a reply outlives them.
        """
        parts = [self.model, self.prompt, asdict(self.sampling), self.sample]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Reply(NamedTuple):
    """What an engine wrote, why it stopped, the tokens that went in and came out, and the log-probabilities asked for."""

    text: str
    finish_reason: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    logprobs: Mapping[str, float] = {}  # by the texts of ``Sampling.scored``


class Engine(ABC):
    """Answers requests, many at a time; all of it runs on one event loop."""

    #: How many requests are worth having under way at once.
    capacity: int

    @abstractmethod
    async def start(self) -> None:
        """Make ready. Raises UserError when nobody answers, or the model is not the one that was asked for."""

    @abstractmethod
    async def reply(self, request: Request) -> Reply:
        """Answer one request; one that the engine will never take is a Reply whose reason is ``refused``.

        Raises UserError only when no request can be answered any more.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of connections and processes."""
