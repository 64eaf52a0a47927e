"""What a task asks of a model, and what the model gave back: choices by likelihood, replies, passages."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

Kind = Literal["choice", "reply", "passage", "chat"]


def content_id(content: Mapping[str, Any]) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 over the canonical JSON of ``content``."""
    return sha256_of(content)[:16]


def sha256_of(content: Any) -> str:
    """Return the SHA-256 over the canonical JSON of ``content``."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Item:
    """One question with choices: the model reads ``context`` and the likelihood of each of ``continuations`` is taken.

    ``choices`` are the continuations without delimiter, as people name them; ``gold`` is the index of the right one,
    None where no choice is right (such an item stays in and is always wrong). ``label`` is the item's class, ``group``
    the part of the test it belongs to (a subject, a source), ``cluster`` what it shares a text with (empty: nothing).
    ``id`` is a hash of the question's content, whatever the prompt.
    """

    id: str
    context: str
    continuations: tuple[str, ...]
    choices: tuple[str, ...]
    gold: int | None
    label: str = ""
    group: str = ""
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One question that is answered in words: the model reads ``context`` and writes on, greedily.

    It stops before any of ``until`` or after ``max_tokens``. ``targets`` are the right answers; how a reply is held
    against them is the task's business.
    """

    id: str
    context: str
    targets: tuple[str, ...]
    until: tuple[str, ...] = ("\n",)
    max_tokens: int = 256
    label: str = ""
    group: str = ""
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """One text whose likelihood is taken whole, in windows that do not overlap, each token once."""

    id: str
    text: str
    label: str = ""
    group: str = ""
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The log-likelihoods of one model for the choices of ``item``, in nats, with token counts."""

    item: Item
    loglikelihoods: tuple[float, ...]
    choice_tokens: tuple[int, ...] = ()
    context_tokens: int = 0
    truncated: bool = False

    @property
    def finite(self) -> bool:
        """Say whether all likelihoods are numbers."""
        return all(map(math.isfinite, self.loglikelihoods))

    @property
    def prediction(self) -> int:
        """Return the index of the likeliest choice, the first of equals."""
        return _argmax(self.loglikelihoods)

    @property
    def prediction_norm(self) -> int:
        """Return the index of the choice that is likeliest per character, the first of equals."""
        sizes = [len(choice) for choice in self.item.choices]
        return _argmax([value / size for value, size in zip(self.loglikelihoods, sizes, strict=True)])


@dataclass(frozen=True, slots=True)
class Reply:
    """What one model wrote to ``item``; ``finish`` says why it stopped: a ``stop`` text or token, or the ``length``."""

    item: Question
    text: str
    tokens: int = 0
    finish: Literal["stop", "length"] = "stop"
    context_tokens: int = 0
    truncated: bool = False
    finite: ClassVar[bool] = True  # words are no numbers


@dataclass(frozen=True, slots=True)
class Surprise:
    """The negative log-likelihood of ``item`` under one model: ``nats`` over ``tokens`` tokens."""

    item: Passage
    nats: float
    tokens: int

    @property
    def finite(self) -> bool:
        """Say whether the likelihood is a number."""
        return math.isfinite(self.nats)


Asked = Item | Question | Passage
Result = Answer | Reply | Surprise


def asked_digest(item: Asked) -> str:
    """Return the SHA-256 over all that ``item`` asks and holds for right: the key that a result is kept under."""
    return sha256_of([type(item).__name__, asdict(item)])


def digest_of(items: Sequence[Asked]) -> str:
    """Return the SHA-256 over ``items`` in any order."""
    return sha256_of(sorted(asked_digest(item) for item in items))


def _argmax(values: Sequence[float]) -> int:
    return max(range(len(values)), key=values.__getitem__)
