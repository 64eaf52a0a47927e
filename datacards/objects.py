"""Versions under an address: every file one object that never changes, the card put last and only where there is none."""

import fcntl
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TypeVar

from datacards.bucket import Bucket
from datacards.card import NAME, VERSION, Card, File, Ref
from datacards.drafts import WORK, Drafts
from datacards.errors import UserError, from_os_error
from datacards.places import CARD, LocalPlace, read_card, sha256_of

MARKER = "kanagura.txt"
CACHE = ".kanagura"
AT_ONCE = 4  # objects under way at the same time
Item = TypeVar("Item")
Result = TypeVar("Result")
logger = logging.getLogger(__name__)


class ObjectPlace:
    """The objects ``NAME/VERSION/...`` below an address; ``root`` is the folder for drafts and copies of them.

    A file's object carries the beginning of the file's SHA-256 in its name (``qa/train-00000.HASH.parquet``). So no
    writer can ever change what another one has put, what a killed writer has put is found again by name and size,
    and a version begins to exist, whole, in the moment in which its ``card.json`` is put where there was none.
    """

    def __init__(self, bucket: Bucket, root: Path) -> None:
        self.bucket, self.root = bucket, root
        self.local = LocalPlace(root)

    @classmethod
    def at(cls, address: str) -> "ObjectPlace":
        """Return the place of an address, its local folder below ``$KANAGURA_CACHE``, else ``./.kanagura``."""
        bucket = Bucket(address)
        mark = hashlib.sha256(bucket.address.encode()).hexdigest()[:8]
        folder = f"{PurePosixPath(bucket.address).name}-{mark}"
        return cls(bucket, Path(os.environ.get("KANAGURA_CACHE") or CACHE) / folder)

    def __str__(self) -> str:
        return self.bucket.address

    # -- reading -------------------------------------------------------------------------------------------

    def versions(self, name: str | None) -> Iterator[Ref]:
        """Yield the versions that have a card."""
        names = filter(NAME.fullmatch, [name] if name else self.bucket.folders())
        found = [
            Ref(name=name, version=version)
            for name in names
            for version in self.bucket.folders(name)
            if VERSION.fullmatch(version)
        ]
        for ref, text in zip(found, _at_once(self.card, found), strict=True):
            if text is not None:
                yield ref.model_copy(update={"digest": hashlib.sha256(text).hexdigest()})

    def card(self, ref: Ref) -> bytes | None:
        """Return the bytes of the card's object, None when there is none."""
        return self.bucket.read(_card_key(ref))

    def path(self, ref: Ref, name: str = "") -> Path:
        """Return the folder of the copy, or one file in it, after fetching what it lacks.

        Raises UserError when an object is not what the card says.
        """
        if (text := self.card(ref)) is not None:
            card = read_card(ref, text)
            try:
                problems = self._fetch(ref, text, card, only=name)
            except OSError as error:
                raise from_os_error(error, str(ref)) from error
            if problems:
                told = "; ".join(problems[:3])
                raise UserError(str(ref), f"does not verify: {told}", todo="restore it or make it again")
        return self.local.path(ref, name)

    def damage(self, ref: Ref, card: Card) -> list[str]:
        """Read every object and return which are missing, changed or foreign."""
        sizes = self.bucket.sizes(f"{ref.name}/{ref.version}")

        def problem(file: File) -> str:
            size = sizes.get(_key(ref, file))
            if size is None:
                return f"{file.path} is missing"
            if size != file.bytes:
                return f"{file.path} has {size} bytes, the card says {file.bytes}"
            digest = hashlib.sha256()
            for block in self.bucket.blocks(_key(ref, file), file.bytes):
                digest.update(block)
            return "" if digest.hexdigest() == file.sha256 else f"{file.path} has changed"

        problems = list(filter(None, _at_once(problem, card.files)))
        return problems + [f"{key} is not in the card" for key in sorted(sizes.keys() - _keys(ref, card))]

    def damage_to_read(self, ref: Ref, card: Card) -> list[str]:
        """Hash the copy of every file; what has changed in it is fetched again."""
        if (text := self.card(ref)) is None:
            return ["its card is gone"]
        try:
            problems = self._fetch(ref, text, card, hashed=True)
        except OSError as error:
            raise from_os_error(error, str(ref)) from error
        return problems + [f"{name} is not in the card" for name in self.local.foreign(ref, card)]

    def _fetch(self, ref: Ref, text: bytes, card: Card, *, only: str = "", hashed: bool = False) -> list[str]:
        """Fetch what the copy of a version lacks; return what is wrong with the objects.

        A copy gets its card when it is whole; files beside an equal card are then believed by their size, unless
        they are to be ``hashed``.
        """
        folder = self.local.path(ref)
        with self._fetching(ref) as parts:
            if not only and self.local.card(ref) != text:
                self._adopt(ref, text)
            whole = self.local.card(ref) == text

            def fetched(file: File) -> str:
                path = folder / file.path
                right = path.is_file() and path.stat().st_size == file.bytes
                if right and ((whole and not hashed) or sha256_of(path) == file.sha256):
                    return ""
                return self._download(ref, file, parts / hashlib.sha256(file.path.encode()).hexdigest())

            problems = list(filter(None, _at_once(fetched, [f for f in card.files if only in ("", f.path)])))
            if not only and not problems and not whole:
                folder.mkdir(parents=True, exist_ok=True)
                for name in self.local.foreign(ref, card):
                    (folder / name).unlink()  # of a version of this name that was deleted and made anew
                (parts / CARD).write_bytes(text)
                (parts / CARD).rename(folder / CARD)
        return problems

    def _download(self, ref: Ref, file: File, part: Path) -> str:
        """Fetch one object beside the copy and rename it into it when its bytes are those of the card."""
        digest = hashlib.sha256()
        try:
            with part.open("wb") as stream:
                for block in self.bucket.blocks(_key(ref, file), file.bytes):
                    digest.update(block)
                    stream.write(block)
        except UserError as error:
            return f"{file.path}: {error.received}"
        if digest.hexdigest() != file.sha256:
            return f"{file.path} has changed"
        path = self.local.path(ref, file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part.rename(path)
        return ""

    @contextmanager
    def _fetching(self, ref: Ref) -> Iterator[Path]:
        """Hold the copy of a version for this process; yield an empty folder for what is on its way."""
        parts = self.root / ".fetch" / str(ref)
        parts.parent.mkdir(parents=True, exist_ok=True)
        with parts.with_name(f"{ref}.lock").open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            shutil.rmtree(parts, ignore_errors=True)  # of a process that was killed
            parts.mkdir()
            yield parts
            shutil.rmtree(parts, ignore_errors=True)

    # -- writing -------------------------------------------------------------------------------------------

    def ready(self, ref: Ref) -> None:
        """Raise UserError when the server cannot put an object only where there is none: nobody could be excluded."""
        note = b"Versions of Kanagura: NAME/VERSION/card.json is put last; without it there is no version.\n"
        if self.bucket.create(MARKER, note) and self.bucket.create(MARKER, note):
            raise UserError(
                str(self),
                "its server ignores the condition If-None-Match",
                "two writers of one version could not be kept apart",
                "use a server with conditional writes",
            )

    def publish(self, drafts: Drafts, card: Card) -> None:
        """Put every file of the draft that is not there yet, then the card; the draft becomes the copy to read."""
        ref, text = Ref(name=card.name, version=card.version), card.to_json()
        draft = drafts.folder / str(ref)
        (draft / CARD).write_text(
            text, encoding="utf-8"
        )  # a copy that was cut off from its version knows it by this
        there = self.bucket.sizes(f"{ref.name}/{ref.version}")
        missing = [file for file in card.files if there.get(_key(ref, file)) != file.bytes]
        logger.info("%s: putting %d of %d files", ref, len(missing), len(card.files))
        for _ in _at_once(lambda file: self.bucket.put(_key(ref, file), draft / file.path), missing):
            pass
        won = self._put_card(ref, text.encode())
        self._sweep(ref)
        if not won:
            raise UserError(
                str(ref),
                "exists already: another writer finished it first",
                "a version is written once",
                f"what this one made stays in {draft}",
            )
        with self._fetching(ref):
            self._move(drafts, ref)

    def _put_card(self, ref: Ref, text: bytes) -> bool:
        """Put the card where there is none; return False when there is another one."""
        try:
            if self.bucket.create(_card_key(ref), text):
                return True
        except UserError:
            if self.card(ref) != text:
                raise
        return self.card(ref) == text  # the answer to an earlier try was lost, and it is our own

    def _sweep(self, ref: Ref) -> None:
        """Delete what killed or losing writers of a finished version have put."""
        if (text := self.card(ref)) is not None:
            there = self.bucket.sizes(f"{ref.name}/{ref.version}")
            self.bucket.delete(sorted(there.keys() - _keys(ref, read_card(ref, text))))

    def _adopt(self, ref: Ref, text: bytes) -> None:
        """Take the draft as the copy when its writer was killed between putting the card and moving it."""
        drafts = Drafts(self.root / ".drafts")
        sealed = drafts.folder / str(ref) / CARD
        if sealed.is_file() and sealed.read_bytes() == text:
            try:
                with drafts.lock(str(ref)):
                    self._move(drafts, ref)
                self._sweep(ref)
            except UserError:
                return  # its writer is alive, and about to move it

    def _move(self, drafts: Drafts, ref: Ref) -> None:
        draft, copy = drafts.folder / str(ref), self.local.path(ref)
        shutil.rmtree(copy, ignore_errors=True)  # of an earlier version of this name
        shutil.rmtree(draft / WORK, ignore_errors=True)
        copy.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(copy)


def _card_key(ref: Ref) -> str:
    return f"{ref.name}/{ref.version}/{CARD}"


def _key(ref: Ref, file: File) -> str:
    folder, _, name = file.path.rpartition("/")
    stem, dot, rest = name.partition(".")
    return "/".join(filter(None, (ref.name, ref.version, folder, f"{stem}.{file.sha256[:16]}{dot}{rest}")))


def _keys(ref: Ref, card: Card) -> set[str]:
    return {_card_key(ref), *(_key(ref, file) for file in card.files)}


def _at_once(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(function, items)
