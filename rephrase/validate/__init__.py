"""One check per file, cheapest first; each answers with a reason or with nothing."""

from collections.abc import Callable

from corpus.document import Drop
from rephrase.parse import Parsed
from rephrase.validate import form, language, numbers

Check = Callable[[Parsed, str], Drop | None]

CHECKS: tuple[Check, ...] = (form.check, language.check, numbers.check)


def verdict(parsed: Parsed, passage: str) -> Drop | None:
    """Return the first reason against a parsed reply about ``passage``, or None."""
    for check in CHECKS:
        if drop := check(parsed, passage):
            return drop
    return None
