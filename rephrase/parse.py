"""Reads a reply strictly: the labels of its style, each as often and in the order that the prompt shows."""

from dataclasses import dataclass

from corpus.document import Drop
from corpus.formats.labels import values
from rephrase.base import Style

LABELS: dict[Style, tuple[str, ...]] = {
    "qa": ("Q:", "A:"),
    "multiple_choice": ("Q:", "A:", "X:", "X:", "X:"),
}
STOP = ("\n\n", "###")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a reply says: the question, the true answer, and for multiple choice three wrong ones."""

    question: str
    answer: str
    wrong: tuple[str, ...] = ()


def parse(style: Style, text: str) -> Parsed | Drop:
    """Return the parts of a reply, or Drop("labels") when its lines are not exactly those of the style."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    try:
        found = values("\n".join(map(_tight, lines)), LABELS[style])
    except ValueError as error:
        return Drop("labels", str(error))
    if len(lines) != len(found):
        return Drop("labels", f"expected {len(found)} lines, found {len(lines)}")
    return Parsed(found[0], found[1], tuple(found[2:]))


def _tight(line: str) -> str:
    """Return a line without white space around its colon."""
    label, colon, said = line.partition(":")
    return f"{label.strip()}{colon}{said.strip()}"
