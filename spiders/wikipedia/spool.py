"""A large file that is fetched in pieces: it grows in the working folder, and a killed run goes on at its size."""

import json
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scrapy.http import Response

_RANGE = re.compile(r"^bytes (\d+)-(\d+)/(\d+)$")
_NO_RANGE = re.compile(r"^bytes \*/(\d+)$")
MAX_RESTARTS = 3  # of one file in one run


@dataclass
class Spool:
    """One file of a dump in the making: ``path`` holds its first bytes, a small JSON file beside it the rest.

    Follows RFC 9110, sections 13.1.5 (If-Range), 14.2 (Range) and 14.4 (Content-Range): every piece but the
    first is asked for on the condition that the file is still the one that was begun.
    """

    role: str
    url: str
    path: Path
    begun: str = ""  # when the first piece came, ISO 8601
    total: int = -1  # bytes of the whole file, -1 before the first piece
    validator: str = ""
    signals: dict[str, str] = field(default_factory=dict)
    restarts: int = 0  # in this run
    refetched: bool = False  # in this run, since its sum was wrong

    def __post_init__(self) -> None:
        try:
            said = json.loads(self._note.read_bytes())
        except (OSError, ValueError):
            said = {}
        if isinstance(said, dict) and said.get("url") == self.url:
            for name in ("begun", "total", "validator", "signals"):
                setattr(self, name, said[name])
        elif (
            self.path.exists()
        ):  # of another request, or of a run that was killed before it could say whose it is
            self.path.unlink()

    @property
    def _note(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def whole(self) -> bool:
        """Whether every byte is here."""
        return self.size == self.total

    @property
    def fetched_at(self) -> datetime:
        """When the first piece came; the same in every run that goes on with the file."""
        return datetime.fromisoformat(self.begun)

    def headers(self, piece: int) -> dict[str, str]:
        """Return the headers that ask for the next ``piece`` bytes."""
        size = self.size
        asked = {"Range": f"bytes={size}-{size + piece - 1}"}
        if size and self.validator:
            asked["If-Range"] = self.validator
        return asked

    def restart(self) -> None:
        """Forget what is here."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self.total, self.validator, self.begun = -1, "", ""
        self.restarts += 1

    def take(self, response: Response) -> str:
        """Take what the server answered; return what is wrong with it (a snake_case word), "" when it is good.

        A changed file begins anew. Raises OSError when the disk refuses.
        """
        if response.status == 200:  # the server knows no ranges, or the file is another one now
            self.path.unlink(missing_ok=True)
            self._begin(response, len(response.body))
            self._append(response.body)
            return ""
        if response.status not in (206, 416):
            return f"http_{response.status}"
        said = (response.headers.get("Content-Range") or b"").decode("latin-1")
        return self._grow(response, said) if response.status == 206 else self._end(response, said)

    def _grow(self, response: Response, said: str) -> str:
        found = _RANGE.match(said)
        if found is None:
            return "bad_range"
        start, end, total = (int(number) for number in found.groups())
        if start != self.size or (self.begun and (total != self.total or not self._same(response))):
            return self._again()
        if not response.body or len(response.body) != end - start + 1 or end >= total:
            return "bad_range"
        if not self.begun:
            self._begin(response, total)
        self._append(response.body)
        return ""

    def _end(self, response: Response, said: str) -> str:
        """Take the answer that there is nothing behind what is here."""
        found = _NO_RANGE.match(said)
        if found is None or int(found[1]) != self.size or not self._same(response):
            return self._again()
        if not self.begun:
            self._begin(response, self.size)
        self._append(b"")
        return ""

    def _again(self) -> str:
        if self.restarts >= MAX_RESTARTS:
            return "keeps_changing"
        self.restart()
        return ""

    def _same(self, response: Response) -> bool:
        found = _validator(response)
        return not self.validator or not found or found == self.validator

    def _begin(self, response: Response, total: int) -> None:
        self.begun, self.total = datetime.now(UTC).isoformat(), total
        self.validator = _validator(response)
        self.signals = dict(response.meta.get("signals", {}))
        said: dict[str, Any] = {
            "url": self.url, "begun": self.begun, "total": self.total, "validator": self.validator,
            "signals": self.signals,
        }  # fmt: skip
        new = self._note.with_suffix(".new")
        new.write_text(json.dumps(said), encoding="utf-8")
        new.replace(self._note)

    def _append(self, body: bytes) -> None:
        with self.path.open("ab") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())


def _validator(response: Response) -> str:
    """Return what If-Range may name: a strong ETag, else the Last-Modified date (RFC 9110, section 13.1.5)."""
    etag = (response.headers.get("ETag") or b"").decode("latin-1").strip()
    if etag and not etag.startswith("W/"):
        return etag
    return (response.headers.get("Last-Modified") or b"").decode("latin-1").strip()
