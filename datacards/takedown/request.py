"""What a takedown asks for, and what of it may be written down."""

import hashlib
from collections.abc import Iterable
from typing import Any

import regex

from datacards.card import Record
from datacards.errors import UserError

SECONDS = 1.0  # that a pattern may take on one text: a hostile one would take longer than the universe has


class Request(Record):
    """Whose texts are to go; the selectors are united.

    ``urls`` are addresses of captures or documents, ``sources`` publishers' series, ``companies`` EDINET codes,
    security codes or exact names, ``documents`` ids of any format, ``patterns`` regular expressions over texts and
    addresses. ``copies`` takes what says the same under other addresses, too.
    """

    urls: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    copies: bool = False
    reason: str

    def checked(self) -> "Request":
        """Return the request; raise UserError when it names nothing, gives no reason or a pattern that is none."""
        if not (self.urls or self.sources or self.companies or self.documents or self.patterns):
            allowed = "--url, --source, --company, --document or --pattern"
            raise UserError("takedown", "names nothing that is to go", allowed, "name it")
        if not self.reason.strip():
            raise UserError("takedown", "gives no reason", "a sentence that others may read", "say --reason")
        Patterns(self.patterns)
        return self

    def told(self) -> dict[str, Any]:
        """Return the request as receipts hold it: of a pattern, which may quote what has to go, only the SHA-256."""
        said = self.model_dump(mode="json")
        return said | {
            "patterns": [f"sha256:{hashlib.sha256(p.encode()).hexdigest()}" for p in self.patterns]
        }


class Patterns:
    """Regular expressions (of the library ``regex``), each held to a time for each text."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Compile the patterns; raise UserError for one that cannot be."""
        self._compiled = []
        for number, pattern in enumerate(patterns, 1):
            try:
                self._compiled.append(regex.compile(pattern))
            except regex.error as error:
                raise UserError(
                    "--pattern", f"number {number} cannot be read: {error}", "", "correct it"
                ) from error
            if self._compiled[-1].search("", timeout=SECONDS):
                raise UserError("--pattern", f"number {number} fits everything", "", "ask for less")

    def __bool__(self) -> bool:
        return bool(self._compiled)

    def fit(self, text: str) -> bool:
        """Return whether one of the patterns is found in ``text``; raise UserError when that takes too long."""
        for number, pattern in enumerate(self._compiled, 1):
            try:
                if pattern.search(text, timeout=SECONDS):
                    return True
            except TimeoutError as error:
                raise UserError(
                    "--pattern",
                    f"number {number} takes more than {SECONDS:g} s on a text of {len(text):,} characters",
                    "patterns without nested repetitions are fast",
                    "write it more simply",
                ) from error
        return False
