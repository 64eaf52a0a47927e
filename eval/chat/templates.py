"""How a dialogue is shown to the model: the plain text of the published benchmark, or messages for its own template."""

from collections.abc import Mapping, Sequence

SYSTEM = "あなたは優秀なアシスタントです。"
USER, ASSISTANT = "ユーザー", "アシスタント"
SEPARATOR = "\n\n### "
#: What a model writes that goes on with the dialogue itself, as published: a heading that begins like this will do.
MARKERS = (SEPARATOR + USER, SEPARATOR + ASSISTANT)
STOPS = tuple(marker.strip() for marker in MARKERS)
#: The same with the colon, so that no heading such as ``### ユーザーの視点`` is taken for a next turn.
TURNS = tuple(f"{marker}:" for marker in MARKERS)

MAX_TOKENS = 4096
REPETITION_PENALTY = 1.1
#: Temperatures by category, FastChat's table (``llm_judge/common.py``); other categories take the last.
TEMPERATURES: Mapping[str, float] = {
    "writing": 0.7,
    "roleplay": 0.7,
    "extraction": 0.0,
    "math": 0.0,
    "coding": 0.0,
    "reasoning": 0.0,
    "stem": 0.1,
    "humanities": 0.1,
}
OTHER_TEMPERATURE = 0.7


def temperature(category: str) -> float:
    """Return the temperature that answers of ``category`` are drawn at; 0 is greedy."""
    return TEMPERATURES.get(category, OTHER_TEMPERATURE)


def one_shot(turns: Sequence[str], answers: Sequence[str], system: str = SYSTEM) -> str:
    """Return the prompt for the turn after ``answers``, as FastChat renders the published template ``one_shot``.

    An empty answer leaves its heading without blank and without separator, and the next heading follows at once: so
    it was published, and so what comes after an emptied answer was asked.
    """
    parts = [system, SEPARATOR]
    for place, turn in enumerate(turns[: len(answers) + 1]):
        parts += [f"{USER}: {turn}{SEPARATOR}", f"{ASSISTANT}:"]
        if place < len(answers) and answers[place]:
            parts.append(f" {answers[place]}{SEPARATOR}")
    return "".join(parts)


def messages(
    turns: Sequence[str], answers: Sequence[str], system: str = SYSTEM
) -> tuple[dict[str, str], ...]:
    """Return the dialogue up to the turn after ``answers`` as messages, the system's sentence first."""
    told = [{"role": "system", "content": system}]
    for place, turn in enumerate(turns[: len(answers) + 1]):
        told.append({"role": "user", "content": turn})
        if place < len(answers):
            told.append({"role": "assistant", "content": answers[place]})
    return tuple(told)


def injected(text: str) -> str:
    """Return the marker of a next turn that ``text`` ends with, '' for none: the check of the published benchmark."""
    return next((marker for marker in (*MARKERS, *STOPS) if text.endswith(marker)), "")


def without_marker(text: str) -> str:
    """Return ``text`` without the marker of a next turn at its end, and without what is blank there."""
    marker = injected(text)
    return text.removesuffix(marker).rstrip() if marker else text
