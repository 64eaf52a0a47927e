"""Files that grow by one JSON object a step, and that a resumed run cuts back to where it was saved."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROWS = "rows.jsonl"  # beside those of ``datacards.trained``: what every row of a step had


class Lines:
    """One such file; ``kept`` are its lines up to the saved step, read by every process and written by the first.

    What stands behind that step was computed by a run that was killed, and will be again.
    """

    def __init__(self, path: Path, *, saved: int, writes: bool) -> None:
        self.path, self._writes = path, writes
        self.kept = _read(path, saved) if saved else []
        if writes:
            draft = path.with_name(f".{path.name}")
            draft.write_text("".join(_text(line) for line in self.kept), encoding="utf-8")
            draft.replace(path)

    def add(self, line: Mapping[str, Any]) -> None:
        """Append one line, which has the key ``step``."""
        self.kept.append(dict(line))
        if self._writes:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(_text(line))

    def sync(self) -> None:
        """Wait until all lines are on the disk: a saved step must not outlive those that led to it."""
        if self._writes:
            with self.path.open("a", encoding="utf-8") as stream:
                os.fsync(stream.fileno())


def _text(line: Mapping[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"


def _read(path: Path, saved: int) -> list[dict[str, Any]]:
    """Return the lines of steps up to ``saved``; the last line may be half of one, and is none of them then."""
    found = []
    # Only "\n" ends a line: names of sources may hold other signs that Python breaks lines at.
    for text in path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else ():
        try:
            line = json.loads(text)
        except ValueError:
            break
        if line["step"] > saved:
            break
        found.append(line)
    return found
