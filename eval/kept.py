"""Results that outlive a run: what a model was asked once is not asked again."""

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from datacards.errors import from_os_error
from eval.items import Answer, Asked, Item, Question, Reply, Result, Surprise, asked_digest

logger = logging.getLogger(__name__)

FORMAT = 1  # lines of another number are not read


class Kept:
    """The results of one model under one evaluator's settings, below ``root``; without a root nothing is kept.

    A task's results lie in ``root/TASK/*.jsonl``, a file for every run, so that runs at the same time do not meet. A line
    is a checksum and ``[format, digest of what was asked, result]`` as JSON; it is added in one piece. A process that is
    killed leaves at most the last line of its file torn, which is taken for not written; a line that was damaged later is
    told and left out, and its item asked again.
    """

    def __init__(self, root: Path | None) -> None:
        self.root = root
        self._run = f"{uuid4().hex[:16]}.jsonl"

    def find(self, task: str, items: Sequence[Asked]) -> Mapping[int, Result]:
        """Return the results that are kept, by the place of their item."""
        if self.root is None or not self._folder(task).is_dir():
            return {}
        wanted: dict[str, list[int]] = {}
        for place, item in enumerate(items):
            wanted.setdefault(asked_digest(item), []).append(place)
        found: dict[int, Result] = {}
        for path in sorted(self._folder(task).glob("*.jsonl")):
            for digest, fields in _read(path):
                for place in wanted.get(digest, ()):
                    found[place] = _result(items[place], fields)
        return found

    def add(self, task: str, results: Sequence[Result]) -> None:
        """Keep ``results`` but those with numbers that are none; once this returns they outlive the process.

        Raises UserError when the disk takes no more.
        """
        told = [[FORMAT, asked_digest(one.item), _fields(one)] for one in results if one.finite]
        if self.root is None or not told:
            return
        texts = [json.dumps(line, separators=(",", ":")) for line in told]
        lines = "".join(f"{_checksum(text.encode())} {text}\n" for text in texts)
        try:
            self._folder(task).mkdir(parents=True, exist_ok=True)
            with (self._folder(task) / self._run).open("ab", buffering=0) as file:
                file.write(lines.encode())
        except OSError as error:
            raise from_os_error(error, task) from error

    def _folder(self, task: str) -> Path:
        assert self.root is not None  # noqa: S101  both callers have asked
        return self.root / re.sub(r"[^A-Za-z0-9_-]", "_", task)


def _read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield digest and result of every whole line."""
    damaged = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break  # its writer was killed
            checksum, _, text = line[:-1].partition(b" ")
            if checksum != _checksum(text).encode():
                damaged += 1
                continue
            number, digest, fields = json.loads(text)
            if number == FORMAT:
                yield digest, fields
    if damaged:
        logger.warning("%s: %d kept results are damaged and will be asked again", path.name, damaged)


def _checksum(text: bytes) -> str:
    return sha256(text).hexdigest()[:16]


def _fields(result: Result) -> dict[str, Any]:
    """Return what a result holds besides its item."""
    return {name: getattr(result, name) for name in type(result).__slots__ if name != "item"}


def _result(item: Asked, fields: Mapping[str, Any]) -> Result:
    if isinstance(item, Item):
        lists = {name: tuple(fields[name]) for name in ("loglikelihoods", "choice_tokens")}
        return Answer(item, **{**fields, **lists})
    return Reply(item, **fields) if isinstance(item, Question) else Surprise(item, **fields)
