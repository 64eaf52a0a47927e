"""What a stored judgment of the published benchmark stands for."""

from typing import Literal

from eval.judge.reading import rating

NO_ANSWER, INCORRECT_LANGUAGE, ERROR = "No answer", "Incorrect language", "$ERROR$"
FAILED = -1.0  # the published mark of a judgment without a score; such rows are dropped from every mean

Stored = Literal["", "empty", "language", "error", "unparsed"]


def read_stored(judgment: str) -> tuple[float, Stored]:
    """Return the score that a stored judgment stands for, as published, and the failure where there is one."""
    if judgment == NO_ANSWER:
        return 0.0, "empty"
    if judgment == INCORRECT_LANGUAGE:
        return 0.0, "language"
    score = rating(judgment)
    if score is None:
        return FAILED, "error" if judgment == ERROR else "unparsed"
    return score, ""
