"""Reads a judge's score as the published benchmark does, and says what a stored judgment was."""

import re
from typing import Literal

_SCORE = re.compile(r"\[\[(\d+\.?\d*)\]\]")
_BACKUP = re.compile(r"\[(\d+\.?\d*)\]")

NO_ANSWER, INCORRECT_LANGUAGE, ERROR = "No answer", "Incorrect language", "$ERROR$"
FAILED = -1.0  # the published mark of a judgment without a score; such rows are dropped from every mean

Stored = Literal["", "empty", "language", "error", "unparsed"]


def parse(text: str) -> float | None:
    """Return the first number in double brackets, else the first in single ones, else None; no range is checked."""
    match = _SCORE.search(text) or _BACKUP.search(text)
    return float(match[1]) if match else None


def read_stored(judgment: str) -> tuple[float, Stored]:
    """Return the score that a stored judgment stands for, as published, and the failure where there is one."""
    if judgment == NO_ANSWER:
        return 0.0, "empty"
    if judgment == INCORRECT_LANGUAGE:
        return 0.0, "language"
    score = parse(judgment)
    if score is None:
        return FAILED, "error" if judgment == ERROR else "unparsed"
    return score, ""
