"""Prompt files, one per style and mode: read strictly, digested, and filled with a chunk of a document."""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from datacards.errors import UserError
from datacards.recipe import StrictLoader, validate
from rephrase.base import Style
from rephrase.candidate import Chunk
from rephrase.prompts.marks import mark
from rephrase.requests import Message

Mode = Literal["completions", "chat"]
_PLACES = re.compile(r"\{(document|way)\}")


class Example(BaseModel):
    """A passage with the reply that is wanted; ``context`` is what stands above the passage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passage: str = Field(min_length=1)
    reply: str = Field(min_length=1)
    context: str = ""


class Completions(BaseModel):
    """A file for base models: an instruction, sections of examples, and the section that is to be continued.

    ``start`` is what the reply begins with: the prompt ends with it, and so the reply does not repeat it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    instruction: str = Field(min_length=1)
    document: str = Field(min_length=1)
    reply: str = Field(min_length=1)
    start: str = ""
    stop: tuple[str, ...] = Field(min_length=1)
    max_tokens: int = Field(ge=1)
    grammar: str = ""
    sets: dict[str, tuple[Example, ...]] = Field(min_length=1)


class Chat(BaseModel):
    """A file for instruct models: ``{document}`` is where the document goes, ``{way}`` one of the ``sets``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str = Field(min_length=1)
    user: str = Field(min_length=1, pattern=r"\{document\}")
    stop: tuple[str, ...] = ()
    max_tokens: int = Field(ge=1)
    json_schema: dict[str, Any] = Field(alias="schema")
    sets: dict[str, str] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt of one style and mode; ``digest`` is the SHA-256 of its file in hexadecimal.

    ``stop`` and ``max_tokens`` are what its replies need. ``grammar`` (xgrammar's EBNF; "" for chat) holds a reply to
    its lines, for a second try; ``schema`` (JSON schema, empty for completions) is what a chat reply must be.
    """

    style: Style
    mode: Mode
    version: str
    digest: str
    file: Completions | Chat

    @property
    def stop(self) -> tuple[str, ...]:
        """Strings that end a reply."""
        return self.file.stop

    @property
    def max_tokens(self) -> int:
        """Tokens that a reply may have."""
        return self.file.max_tokens

    @property
    def grammar(self) -> str:
        """EBNF of one reply behind the prompt."""
        return self.file.grammar if isinstance(self.file, Completions) else ""

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of one reply."""
        return self.file.json_schema if isinstance(self.file, Chat) else {}

    def chosen(self, draw: int) -> str:
        """Return the name of the set that ``draw``, any whole number, chooses."""
        return list(self.file.sets)[draw % len(self.file.sets)]

    def ask(self, chunk: Chunk, draw: int) -> str | tuple[Message, ...]:
        """Return the prompt about a chunk: text for completions, messages for chat. ``draw`` chooses the set."""
        shown = _shown(chunk.context, chunk.passage)
        if isinstance(self.file, Completions):
            return (
                self.prefix(draw)
                + f"### {self.file.document}\n{shown}\n### {self.file.reply}\n{self.file.start}"
            )
        places = {"document": shown, "way": self.file.sets[self.chosen(draw)]}
        user = _PLACES.sub(lambda place: places[place[1]], self.file.user).strip()
        return Message("system", self.file.system.strip()), Message("user", user)

    def opening(self, chunk: Chunk, draw: int) -> str | tuple[Message, ...]:
        """Return what a prompt about a chunk begins with, through its document: what other questions about it can share."""
        shown = _shown(chunk.context, chunk.passage)
        if isinstance(self.file, Completions):
            return self.prefix(draw) + f"### {self.file.document}\n{shown}\n"
        head, _, rest = self.file.user.lstrip().partition("{document}")
        head = head.replace("{way}", self.file.sets[self.chosen(draw)])
        user = head + shown + rest.partition("\n\n")[0]
        return Message("system", self.file.system.strip()), Message("user", user)

    def prefix(self, draw: int) -> str:
        """Return what all prompts with one set begin with: instruction and examples, "" for chat."""
        if isinstance(self.file, Chat):
            return ""
        parts = [self.file.instruction.strip()]
        for one in self.file.sets[self.chosen(draw)]:
            shown = _shown(one.context, one.passage)
            parts.append(f"### {self.file.document}\n{shown}\n### {self.file.reply}\n{one.reply.strip()}")
        return "\n\n".join(parts) + "\n\n"

    def repeats(self, text: str) -> bool:
        """Whether a reply says the instruction, or a passage of an example, again."""
        if isinstance(self.file, Chat):
            own = [*self.file.system.splitlines()]
        else:
            shown = (one.passage for examples in self.file.sets.values() for one in examples)
            own = [line for part in (self.file.instruction, *shown) for line in part.splitlines()]
        return any(len(line) >= 15 and line in text for line in map(str.strip, own))


def load(style: Style, mode: Mode, version: str = "v1", folder: Path | None = None) -> Prompt:
    """Return a prompt: ``VERSION/STYLE/MODE.yaml`` of ``folder``, of this package when there is none.

    Raises UserError for a version, style or mode that is not there, naming the known ones, and for a file that is
    not as it should be.
    """
    place: Traversable = folder or files("rephrase.prompts")
    path = ""
    for name in (version, style, f"{mode}.yaml"):
        known = sorted(item.name for item in place.iterdir() if _held(item)) if place.is_dir() else []
        if name not in known:
            raise UserError(
                "prompts",
                f"no '{path}{name}'",
                f"known: {', '.join(known) or 'nothing'}",
                "name one of these",
            )
        place, path = place / name, f"{path}{name}/"
    body = place.read_bytes()
    data = _read(path.rstrip("/"), body)
    file: Completions | Chat
    if mode == "chat":
        file = validate(path.rstrip("/"), data, Chat)
    else:
        file = validate(path.rstrip("/"), data, Completions)
    return Prompt(style, mode, version, hashlib.sha256(body).hexdigest(), file)


def draw(*parts: object) -> int:
    """Return a number that follows from the parts alone: which set a unit is asked with, say."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:8], "big")


def _held(item: Traversable) -> bool:
    return item.name.endswith(".yaml") or (item.is_dir() and not item.name.startswith(("_", ".")))


def _read(where: str, body: bytes) -> dict[str, Any]:
    try:
        data = yaml.load(body.decode(), Loader=StrictLoader)  # noqa: S506  a subclass of the safe loader
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(where, f"is not a valid prompt file: {error}", todo="correct the YAML") from error
    if not isinstance(data, dict):
        raise UserError(
            where, f"holds a {type(data).__name__}", "a prompt file is a mapping of keys to values"
        )
    return data


def _shown(context: str, passage: str) -> str:
    return "\n".join(mark(part.strip()) for part in (context, passage) if part.strip())
