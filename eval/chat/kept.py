"""Answers that outlive a run, one JSON line each, under the hash of all that bears on them."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from eval.items import sha256_of


@dataclass(frozen=True, slots=True)
class Raw:
    """What a model wrote, untouched: text before ``stopped_by``, why it stopped, and token counts (0 where unknown)."""

    text: str
    finish: Literal["stop", "length"]
    stopped_by: str = ""
    tokens: int = 0
    context_tokens: int = 0
    truncated: bool = False


class KeptAnswers:
    """The answers of one model in a file; without a file nothing outlives the run.

    Lines are only ever added, each by one write, so that processes may share a file and one that was killed leaves at
    most a torn line, which is passed over.
    """

    def __init__(self, path: Path | None, *, only_read: bool = False) -> None:
        self._path = None if only_read else path
        self._known: dict[str, Raw] = {}
        self._torn = False
        if path is not None and path.is_file():
            with path.open("rb") as stream:
                for line in stream:
                    self._torn = not line.endswith(b"\n")
                    self._read(line)

    def find(self, asked: Mapping[str, Any]) -> Raw | None:
        """Return the answer to what was asked with equal content, None where there is none."""
        return self._known.get(sha256_of(asked))

    def add(self, asked: Mapping[str, Any], answer: Raw) -> None:
        """Keep the answer to ``asked``."""
        key = sha256_of(asked)
        self._known[key] = answer
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"key": key, **asdict(answer)}, ensure_ascii=True) + "\n"
        start, self._torn = "\n" if self._torn else "", False
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, (start + line).encode())
        finally:
            os.close(handle)

    def _read(self, line: bytes) -> None:
        try:
            row = json.loads(line)
            key = row.pop("key")
            answer = Raw(**row)
        except (ValueError, TypeError, AttributeError, KeyError):
            return
        if isinstance(key, str) and isinstance(answer.text, str):
            self._known[key] = answer
