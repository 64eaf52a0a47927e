"""Form: texts of a sensible length, choices that differ from each other."""

import unicodedata

from corpus.document import Drop
from rephrase.parse import Parsed


def check(parsed: Parsed, passage: str) -> Drop | None:
    """Refuse questions under 5 or over 300 characters, empty or overlong answers, and choices that coincide."""
    if not 5 <= len(parsed.question) <= 300:
        return Drop("question_length", str(len(parsed.question)))
    if not 1 <= len(parsed.answer) <= 600:
        return Drop("answer_length", str(len(parsed.answer)))
    choices = [
        unicodedata.normalize("NFKC", text).replace(" ", "") for text in (parsed.answer, *parsed.wrong)
    ]
    if len(set(choices)) != len(choices):
        return Drop("equal_choices")
    return None
