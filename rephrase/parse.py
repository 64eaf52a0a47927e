"""Reads a reply strictly: the labels of its style, each as often and in the order that the prompt shows."""

from dataclasses import dataclass

from corpus.document import Drop
from rephrase.base import Style

LABELS: dict[Style, tuple[str, ...]] = {"qa": ("Q", "A"), "multiple_choice": ("Q", "A", "X", "X", "X")}
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
    found = tuple(line.partition(":")[0].strip() for line in lines)
    values = [line.partition(":")[2].strip() for line in lines]
    if found != LABELS[style]:
        return Drop(
            "labels", f"expected {' '.join(LABELS[style])}, found {' '.join(f[:8] for f in found[:8])}"
        )
    if not all(values):
        return Drop("labels", "a label has no text")
    return Parsed(values[0], values[1], tuple(values[2:]))
