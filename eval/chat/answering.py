"""Has a model answer dialogues turn by turn, as published and as it should be, asking nothing twice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from eval.chat.kept import KeptAnswers, Raw
from eval.chat.questions import ChatQuestion
from eval.chat.templates import (
    MARKERS,
    STOPS,
    TURNS,
    injected,
    messages,
    one_shot,
    temperature,
    without_marker,
)

WayName = Literal["official", "corrected"]
WAYS: tuple[WayName, ...] = ("official", "corrected")


@dataclass(frozen=True, slots=True)
class Settings:
    """What answers are drawn with; ``engine`` is what else bears on them (a dtype, a served model's name)."""

    system: str
    max_tokens: int
    repetition_penalty: float
    seed: int
    engine: Mapping[str, Any]
    temperature: float | None = None  # of every category; None takes the table


@dataclass(frozen=True, slots=True)
class Way:
    """One way to hold a dialogue.

    ``own`` shows it in the model's own chat template, else as the plain text of the published benchmark. A ``strict``
    one empties an answer that goes on with the next turn, else the marker is cut off.
    """

    name: WayName
    own: bool
    strict: bool


def ways(names: Sequence[WayName], *, templated: bool, served: bool) -> list[Way]:
    """Return the ways of these names for a model that has a chat template of its own (``templated``) or not.

    A ``served`` model gets messages in both ways, as published for models behind an interface.
    """
    known = {
        "official": Way("official", own=served, strict=True),
        "corrected": Way("corrected", own=served or templated, strict=False),
    }
    return [known[name] for name in names]


@dataclass(frozen=True, slots=True)
class Said:
    """One answer as it goes on: ``text`` after what the way makes of it, ``injected`` where it went on by itself."""

    text: str
    injected: bool
    raw: Raw
    prompt: str  # what the model read, messages as JSON-like text


@dataclass(frozen=True, slots=True)
class Wanted:
    """One answer to write: the text or the messages that are read, and what it is drawn with."""

    text: str | None
    messages: tuple[dict[str, str], ...] | None
    max_tokens: int
    temperature: float
    repetition_penalty: float
    until: tuple[str, ...]
    ends: tuple[str, ...]
    seed: int


#: Writes answers, and gives each with its place to the second argument as it comes.
Write = Callable[[Sequence[Wanted], Callable[[int, Raw], None]], None]


def converse(
    questions: Sequence[ChatQuestion], way: Way, settings: Settings, write: Write, kept: KeptAnswers
) -> list[tuple[Said, ...]]:
    """Return the answers to every turn of every question, in their order.

    All first turns are written together, then all second ones, each after the answers before it. What ``kept`` holds for
    equal content is taken from there.
    """
    said: list[list[Said]] = [[] for _ in questions]
    for turn in range(max(len(question.turns) for question in questions)):
        places = [place for place, question in enumerate(questions) if turn < len(question.turns)]
        wanted = [
            _wanted(questions[place], [one.text for one in said[place]], way, settings) for place in places
        ]
        raws = _written(wanted, settings, write, kept)
        for place, want, raw in zip(places, wanted, raws, strict=True):
            said[place].append(_said(want, raw, way))
    return [tuple(answers) for answers in said]


def _wanted(question: ChatQuestion, answers: Sequence[str], way: Way, settings: Settings) -> Wanted:
    chat = messages(question.turns, answers, settings.system) if way.own else None
    chosen = temperature(question.category) if settings.temperature is None else settings.temperature
    return Wanted(
        text=None if way.own else one_shot(question.turns, answers, settings.system),
        messages=chat,
        max_tokens=settings.max_tokens,
        temperature=chosen,
        repetition_penalty=settings.repetition_penalty,
        until=() if way.own or way.strict else TURNS,
        ends=MARKERS if way.strict and not way.own else (),
        seed=settings.seed,
    )


def _written(wanted: Sequence[Wanted], settings: Settings, write: Write, kept: KeptAnswers) -> list[Raw]:
    asked = [_content(want, settings) for want in wanted]
    found = {place: raw for place, one in enumerate(asked) if (raw := _known(one, kept)) is not None}
    missing = [place for place in range(len(wanted)) if place not in found]

    def take(number: int, raw: Raw) -> None:
        place = missing[number]
        found[place] = raw
        kept.add(asked[place], raw)

    if missing:
        write([wanted[place] for place in missing], take)
    return [found[place] for place in range(len(wanted))]


def _known(asked: Mapping[str, Any], kept: KeptAnswers) -> Raw | None:
    """Return a kept answer: to the same with other stops too, if it met none of them and has nothing that would stop it.

    So a model without a template writes once for both ways, where it does not go on by itself.
    """
    if (raw := kept.find(asked)) is not None:
        return raw
    for until in ([list(TURNS), []], [[], list(MARKERS)]):
        raw = kept.find({**asked, "until": until})
        if raw is not None and not raw.stopped_by and not any(stop in raw.text for stop in STOPS):
            return raw
    return None


def _content(want: Wanted, settings: Settings) -> dict[str, Any]:
    """Return all that bears on an answer; a seed does not where the answer is greedy."""
    return {
        "prompt": want.text if want.messages is None else list(want.messages),
        "max_tokens": want.max_tokens,
        "temperature": want.temperature,
        "repetition_penalty": want.repetition_penalty,
        "until": [list(want.until), list(want.ends)],
        "seed": want.seed if want.temperature >= 1e-4 else None,
        "engine": dict(settings.engine),
    }


def _said(want: Wanted, raw: Raw, way: Way) -> Said:
    text = raw.text.strip()
    went_on = raw.stopped_by in (*STOPS, *TURNS) or bool(injected(text))
    if went_on:
        text = "" if way.strict else without_marker(text)
    prompt = want.text if want.text is not None else repr(list(want.messages or ()))
    return Said(text, went_on, raw, prompt)
