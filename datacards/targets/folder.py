"""Publishes to a folder: ``DIR/NAME/VERSION/`` is made beside its place, hashed on the way, and renamed into it."""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from datacards.card import File, Ref
from datacards.drafts import WORK, Drafts
from datacards.errors import UserError, from_os_error
from datacards.places import sha256_of
from datacards.store import Store
from datacards.targets.contents import Contents, Published, nothing

BLOCK = 1 << 20


class FolderTarget:
    """A folder, laid out like a store: what is published there opens in ``datasets`` and is a store as well."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser()
        self.address = str(root)

    def put(self, store: Store, ref: Ref, told: Callable[[int], object] = nothing) -> Published:
        """Copy a version to ``NAME/VERSION/``, whole or not at all.

        A killed put leaves its draft in ``.drafts``, which no reader looks into; the next one goes on with the files in
        it whose hash is right. Raises UserError when something else lies there, naming what differs, when a symbolic
        link is in the way, and when another process is at work on the same version.
        """
        contents = Contents.of(store, ref)
        try:
            return self._put(contents, told)
        except OSError as error:
            raise from_os_error(error, str(ref)) from error

    def _put(self, contents: Contents, told: Callable[[int], object]) -> Published:
        ref = contents.ref
        final = self.root / ref.name / ref.version
        for one in (self.root / ".drafts", final.parent, final):
            _refuse_link(one)
        drafts = Drafts(self.root / ".drafts")
        with drafts.lock(str(ref)):
            if final.exists():
                _compare(contents, final, told)
                return Published(str(final), 0, len(contents.all_files), 0)
            draft, _ = drafts.open(str(ref), {"publish": contents.digest})
            _sweep(draft, {file.path for file in contents.files})
            new = [file for file in contents.files if not _has(draft, file)]
            told(contents.bytes - sum(file.bytes for file in new) - len(contents.text))
            for file in new:
                _copy(contents, file, draft, told)
            drafts.publish(str(ref), contents.text.decode(), final)
        told(len(contents.text))
        sent = sum(file.bytes for file in new) + len(contents.text)
        return Published(str(final), len(new) + 1, len(contents.files) - len(new), sent)


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise UserError(
            "publish",
            f"{path} is a symbolic link",
            "a version is written into real folders",
            "move the link away",
        )


def _has(folder: Path, file: File) -> bool:
    """Return whether a folder has exactly this file, as a file and not as a link to one."""
    path = folder / file.path
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == file.bytes and sha256_of(path) == file.sha256


def _sweep(draft: Path, wanted: set[str]) -> None:
    """Delete from a draft of ours what is no file of the version; refuse links, which nobody of ours has made."""
    for one in sorted(draft.rglob("*"), reverse=True):
        _refuse_link(one)
        name = one.relative_to(draft).as_posix()
        if one.is_dir() or name in wanted or draft / WORK in one.parents:
            continue
        one.unlink()


def _copy(contents: Contents, file: File, draft: Path, told: Callable[[int], object]) -> None:
    """Copy one file, comparing what was read with the card; half of it never has the file's name."""
    path, half = draft / file.path, draft / WORK / "half"
    path.parent.mkdir(parents=True, exist_ok=True)
    half.unlink(missing_ok=True)
    digest = hashlib.sha256()
    target = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    with (contents.folder / file.path).open("rb") as source, os.fdopen(target, "wb") as sink:
        while block := source.read(BLOCK):
            digest.update(block)
            sink.write(block)
            told(len(block))
    if digest.hexdigest() != file.sha256:
        raise UserError(
            str(contents.ref),
            f"{file.path} has changed while it was published",
            todo="restore it or make it again",
        )
    path.unlink(missing_ok=True)
    half.rename(path)


def _compare(contents: Contents, final: Path, told: Callable[[int], object]) -> None:
    """Raise UserError, naming the first file that differs, unless ``final`` holds this version and nothing else."""
    differing = ""
    for file in contents.all_files:
        if not _has(final, file):
            differing = file.path
            break
        told(file.bytes)
    if not differing:
        names = {file.path for file in contents.all_files}
        found = (one for one in final.rglob("*") if one.is_symlink() or not one.is_dir())
        differing = min(
            (n for one in found if (n := one.relative_to(final).as_posix()) not in names), default=""
        )
    if differing:
        raise UserError(
            str(contents.ref),
            f"{final} is there already and differs in {differing}",
            "a published version never changes",
            "publish under a new version, or move that folder away if it is damaged",
        )
