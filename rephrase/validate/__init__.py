"""One check per file, cheapest first; each answers with a reason or with nothing."""

from collections.abc import Callable

from corpus.document import Drop
from rephrase.candidate import Candidate
from rephrase.validate import form, language, numbers

Check = Callable[[Candidate], Drop | None]

CHECKS: tuple[Check, ...] = (form.check, language.check, numbers.check)


def verdict(candidate: Candidate) -> Drop | None:
    """Return the first reason against a candidate, or None."""
    for check in CHECKS:
        if drop := check(candidate):
            return drop
    return None
