"""Reads a reply strictly: what is not exactly as it was asked for is no item, and nothing is mended by guessing."""

import json
import re
from dataclasses import dataclass
from typing import Any

from corpus.document import Drop
from corpus.formats.labels import values
from rephrase.base import Style
from rephrase.candidate import Chunk
from rephrase.prompts import Mode, Prompt
from rephrase.prompts.marks import unmark

#: Raise when a reply may be read otherwise than before.
VERSION = 1
#: The labels of the lines of one item: O is right and X wrong; a model never writes the letter of a choice.
LABELS: dict[Style, tuple[str, ...]] = {
    "qa": ("Q:", "A:"),
    "multiple_choice": ("Q:", "O:", "X:", "X:", "X:"),
}
#: The keys of a reply in JSON, which is one object.
KEYS: dict[Style, tuple[str, ...]] = {
    "easy": ("text",), "medium": ("text",), "hard": ("text",),
    "qa": ("question", "answer", "evidence"),
    "multiple_choice": ("question", "correct", "wrong", "evidence"),
}  # fmt: skip
_LINE = re.compile(r"^[ \t　]*[QAOX]:", re.MULTILINE)
# U+FFFD is a character whose bytes were cut apart; no text has controls, lone surrogates or noncharacters either.
_BROKEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufdd0-\ufdef\ufffd-\uffff]")
_ECHO = re.compile(r"###|<\|[^<>|]{1,40}\|>|</?s>|\[/?INST\]|<(?:start|end)_of_turn>|</?document>")
#: Reasons to stop after which what was complete may be kept (vLLM's ``FinishReason``).
_CUT = ("length", "repetition", "abort")


@dataclass(frozen=True, slots=True)
class Parsed:
    """One item of a reply: question, true answer, three wrong ones for multiple choice.

    A rephrasing has its text in ``answer`` and no question. ``evidence`` are the words of the passage that a chat
    reply names, "" otherwise.
    """

    question: str
    answer: str
    wrong: tuple[str, ...] = ()
    evidence: str = ""


class _RefusalError(ValueError):
    """A reply is no item: reason and detail."""


def parse(
    style: Style,
    mode: Mode,
    text: str,
    finish_reason: str,
    *,
    chunk: Chunk | None = None,
    prompt: Prompt | None = None,
) -> tuple[Parsed, ...] | Drop:
    """Return the items of a reply (at least one; more than one only for ``qa`` in completions), or why there is none.

    In mode ``completions`` ``text`` is what follows the prompt, which ends with ``Q:`` where the style has labels. With
    ``chunk`` the evidence of a chat reply must stand in its passage, with ``prompt`` a reply must not repeat it.
    Reasons: finish_reason, broken_text, echo, labels, json, evidence_not_in_source. Of a reply that was cut off only
    pairs before the last are kept (Instruction Pre-Training, arXiv 2406.14491).
    """
    labels = LABELS.get(style, ()) if mode == "completions" else ()
    try:
        if labels:
            text = f"Q:{text}"
        if finish_reason != "stop":
            text = _complete(text, finish_reason, labels)
        _check(text, prompt)
        if mode == "chat":
            return (_object(style, text, chunk),)
        return _lines(text, labels) if labels else (_prose(text),)
    except _RefusalError as refused:
        return Drop(*refused.args)


def _complete(text: str, finish_reason: str, labels: tuple[str, ...]) -> str:
    """Return the pairs before the last of a reply that was cut off."""
    pairs = text[: max(text.rfind("\nQ:"), 0)] if labels == LABELS["qa"] and finish_reason in _CUT else ""
    if not pairs:
        raise _RefusalError("finish_reason", finish_reason)
    return pairs


def _check(text: str, prompt: Prompt | None = None) -> None:
    """Refuse what no item may hold: broken characters, or pieces of the prompt."""
    if found := _BROKEN.search(text):
        raise _RefusalError("broken_text", f"U+{ord(found[0]):04X}")
    if found := _ECHO.search(text):
        raise _RefusalError("echo", found[0])
    if prompt and prompt.repeats(unmark(text)):
        raise _RefusalError("echo", "the prompt's own words")


def _prose(text: str) -> Parsed:
    said = unmark(text.strip())
    if not said or _LINE.search(text):
        raise _RefusalError("labels", "a label in a text" if said else "no text")
    return Parsed("", said)


def _lines(text: str, labels: tuple[str, ...]) -> tuple[Parsed, ...]:
    """Return the items of a reply whose lines are those of ``labels``, once or, for pairs, several times."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(lines) % len(labels) or (len(lines) != len(labels) and labels != LABELS["qa"]):
        raise _RefusalError("labels", f"expected {len(labels)} lines, found {len(lines)}")
    groups = (lines[at : at + len(labels)] for at in range(0, len(lines), len(labels)))
    return tuple(_item(group, labels) for group in groups)


def _item(lines: list[str], labels: tuple[str, ...]) -> Parsed:
    try:
        said = values("\n".join(map(_tight, lines)), labels)
    except ValueError as error:
        raise _RefusalError("labels", str(error)) from error
    if doubled := next(filter(_LINE.match, said), ""):
        raise _RefusalError("labels", f"a label twice: {doubled[:20]}")
    question, answer, *wrong = map(unmark, said)
    return Parsed(question, answer, tuple(wrong))


def _tight(line: str) -> str:
    """Return a line without white space behind its label."""
    label, colon, said = line.partition(":")
    return f"{label}{colon}{said.strip()}"


def _object(style: Style, text: str, chunk: Chunk | None) -> Parsed:
    """Return the item of a reply that is one JSON object with the keys of its style, all text, ``wrong`` three texts."""
    data = _loaded(text)
    if not isinstance(data, dict) or sorted(data) != sorted(KEYS[style]):
        raise _RefusalError("json", f"expected the keys {', '.join(KEYS[style])}")
    wrong = data.pop("wrong", [])
    if not isinstance(wrong, list) or len(wrong) != 3 * (style == "multiple_choice"):
        raise _RefusalError("json", "wrong must be a list of three")
    others = tuple(map(_text, wrong))
    said = {key: _text(value, lines=key in ("text", "evidence")) for key, value in data.items()}
    if "text" in said:
        return Parsed("", said["text"])
    answer = said["answer" if style == "qa" else "correct"]
    if chunk and said["evidence"] not in chunk.passage:
        raise _RefusalError("evidence_not_in_source", said["evidence"][:200])
    return Parsed(said["question"], answer, others, said["evidence"])


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _RefusalError("json", str(error)[:200]) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; raise ValueError for a key that it has twice."""
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _text(value: Any, *, lines: bool = False) -> str:
    """Return a value of an object that must be text, in one line unless ``lines`` says otherwise."""
    if not isinstance(value, str) or not value.strip() or ("\n" in value.strip() and not lines):
        raise _RefusalError(
            "json", f"expected a text{'' if lines else ' in one line'}, not {str(value)[:50]!r}"
        )
    _check(value)  # once more, behind JSON's escapes
    return unmark(value.strip())
