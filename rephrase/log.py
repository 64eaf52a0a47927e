"""The generation log: every finished reply under the digest of its prompt, so that nothing is asked twice."""

import hashlib
import json
import os
import threading
from pathlib import Path
from typing import NamedTuple


class Reply(NamedTuple):
    """What an engine wrote: its text and why it stopped (vLLM: stop, length, abort, error, repetition)."""

    text: str
    finish_reason: str


def digest(model: str, prompt: str, sampling: dict[str, object]) -> str:
    """Return the SHA-256 that names one request: model, prompt and sampling parameters."""
    return hashlib.sha256(json.dumps([model, prompt, sampling], sort_keys=True).encode()).hexdigest()


class Log:
    """Replies on disk, one JSON line each; several threads may add. A line cut off by a kill is ignored."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.replies: dict[str, Reply] = {}
        if path.is_file():
            whole = path.read_bytes()
            kept = whole[: whole.rfind(b"\n") + 1]
            if len(kept) != len(whole):
                path.write_bytes(kept)
            for line in kept.splitlines():  # of bytes: in text, U+2028 would end a line, too
                row = json.loads(line)
                self.replies[row["prompt"]] = Reply(row["text"], row["finish_reason"])
        self._lock = threading.Lock()
        self._stream = path.open("ab")

    def add(self, prompt: str, reply: Reply) -> None:
        """Keep one reply; it is on the disk when this returns."""
        line = json.dumps({"prompt": prompt, **reply._asdict()}, ensure_ascii=False) + "\n"
        with self._lock:
            self._stream.write(line.encode())
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self.replies[prompt] = reply

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
