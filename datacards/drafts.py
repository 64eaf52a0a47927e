"""Where versions are made: for each of them one folder, one lock and one noted request, safe against kills."""

import fcntl
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from datacards.card import VERSION
from datacards.errors import UserError

WORK = ".work"  # what a resumed run may use and a finished version does not hold
NOTE = "request.json"
logger = logging.getLogger(__name__)


class Drafts:
    """The folder ``.drafts`` of a store; ``label`` is ``name@version`` everywhere.

    A process may die at any instruction: whatever it leaves here is either gone on with or kept aside, and
    nothing that a run wrote is ever deleted before its version is whole and in its place.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def lock(self, label: str) -> Iterator[None]:
        """Hold a version for this process; raise UserError when another one holds it."""
        # The kernel frees a lock when its process dies, however it dies: nothing stale can stay behind.
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{label}.lock").open("ab") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(
                    label,
                    "another process is writing this version",
                    todo="wait until it has finished, then run the same command again",
                ) from error
            yield

    def open(self, label: str, request: dict[str, Any]) -> tuple[Path, bool]:
        """Return the folder of a draft, and whether a stopped run of an equal request left its files there.

        The draft of another request for the same version steps aside and comes back with its own request.
        """
        path, text = self.folder / label, json.dumps(request, sort_keys=True, ensure_ascii=False)
        self._sweep()
        self._put_back(label)
        if path.is_dir() and _noted(path) != text.encode():
            self._set_aside(label)
        if not path.is_dir() and (aside := self._aside(label, text.encode())).is_dir():
            aside.rename(path)
        if resumed := path.is_dir():
            (path / "card.json").unlink(missing_ok=True)  # of a run that died in its last step
        else:
            self._begin(path, text)
        return path, resumed

    def unfinished(self, name: str, request: dict[str, Any]) -> list[str]:
        """Return the versions of ``name`` whose draft a stopped run of an equal request left, none at work now."""
        text, found = json.dumps(request, sort_keys=True, ensure_ascii=False).encode(), []
        for path in sorted(self.folder.glob(f"{name}@*")):
            version = path.name.partition("@")[2]
            if VERSION.fullmatch(version) and _noted(path) == text and self._is_free(path.name):
                found.append(version)
        return found

    def _is_free(self, label: str) -> bool:
        try:
            with self.lock(label):
                return True
        except UserError:
            return False

    def publish(self, label: str, card: str, final: Path) -> None:
        """Write ``card`` as the draft's card.json, last of all files, and rename the draft to ``final``."""
        path, work = self.folder / label, self.folder / f"{label}{WORK}"
        for one in path.rglob("*"):
            if path / WORK not in (one, *one.parents):
                sync(one)
        (path / "card.json").write_text(card, encoding="utf-8")
        sync(path / "card.json")
        (path / WORK).rename(work)
        sync(path)
        final.parent.mkdir(parents=True, exist_ok=True)
        path.rename(final)
        for folder in (final.parent, final.parent.parent, self.folder):
            sync(folder)
        shutil.rmtree(work, ignore_errors=True)
        (self.folder / f"{label}.lock").unlink(missing_ok=True)  # still held, and of no use any more

    def _sweep(self) -> None:
        """Delete the working folders of versions whose run died after its last step."""
        for work in self.folder.glob(f"*{WORK}"):
            if not work.with_name(work.name.removesuffix(WORK)).exists():
                shutil.rmtree(work, ignore_errors=True)

    def _begin(self, path: Path, text: str) -> None:
        new = path.with_name(f"{path.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        (new / WORK).mkdir(parents=True)
        (new / WORK / NOTE).write_text(text, encoding="utf-8")
        sync(new / WORK / NOTE)
        new.rename(path)

    def _put_back(self, label: str) -> None:
        """Undo the first half of a last step that was cut in two."""
        path, work = self.folder / label, self.folder / f"{label}{WORK}"
        if work.is_dir() and path.is_dir() and not (path / WORK).exists():
            work.rename(path / WORK)
        shutil.rmtree(work, ignore_errors=True)

    def _set_aside(self, label: str) -> None:
        path = self.folder / label
        if all(one.is_dir() or one == path / WORK / NOTE for one in path.rglob("*")):
            shutil.rmtree(path)
            return
        aside = self._aside(label, _noted(path))
        path.rename(aside)
        logger.warning(
            "%s: the unfinished draft of another request is kept in %s; it is gone on with when that is asked "
            "again; delete it if it never will be",
            label,
            aside,
        )

    def _aside(self, label: str, noted: bytes) -> Path:
        return self.folder / f"{label}.{hashlib.sha256(noted).hexdigest()[:12]}"


def _noted(path: Path) -> bytes:
    note = path / WORK / NOTE
    return note.read_bytes() if note.is_file() else b""


def sync(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
