"""Form: texts of a sensible length, choices that differ from each other."""

import unicodedata

from corpus.document import Drop
from rephrase.candidate import Candidate

NAME, VERSION = "form", 1


def check(candidate: Candidate) -> Drop | None:
    """Refuse questions under 5 or over 300 characters, empty or overlong answers, and choices that coincide."""
    if not 5 <= len(candidate.question) <= 300:
        return Drop("question_length", str(len(candidate.question)))
    if not 1 <= len(candidate.answer) <= 600:
        return Drop("answer_length", str(len(candidate.answer)))
    choices = [
        unicodedata.normalize("NFKC", text).replace(" ", "") for text in (candidate.answer, *candidate.wrong)
    ]
    if len(set(choices)) != len(choices):
        return Drop("equal_choices")
    return None
