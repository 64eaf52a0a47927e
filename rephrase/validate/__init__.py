"""One check per file, cheapest first; each answers with a reason or with nothing."""

import hashlib
import json
from typing import Protocol

from corpus.document import Drop
from rephrase.candidate import Candidate
from rephrase.validate import choices, copying, entities, form, language, numbers, repeated, support, times


class Check(Protocol):
    """A module that judges one candidate by itself; ``VERSION`` rises when its judgement changes."""

    NAME: str
    VERSION: int

    def check(self, candidate: Candidate, /) -> Drop | None:
        """Return why a candidate is refused, or None."""


CHECKS: tuple[Check, ...] = (form, language, copying, support, choices, entities, times, repeated, numbers)


def verdict(candidate: Candidate) -> Drop | None:
    """Return the first reason against a candidate, or None."""
    for one in CHECKS:
        if drop := one.check(candidate):
            return drop
    return None


def names(checks: tuple[Check, ...] = CHECKS) -> dict[str, int]:
    """Return the version of every check by its name, in the order in which they judge."""
    return {one.NAME: one.VERSION for one in checks}


def digest(checks: tuple[Check, ...] = CHECKS) -> str:
    """Return the SHA-256 over names and versions: verdicts under one digest are alike."""
    return hashlib.sha256(json.dumps(list(names(checks).items())).encode()).hexdigest()
