"""What of a version is published, under which names, and what every target tells of it when it is done."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from datacards.card import Card, File, Ref
from datacards.describe import README
from datacards.errors import UserError
from datacards.places import CARD, read_card
from datacards.store import SUMS, Store

LAST = (README, SUMS)  # put behind all data, before the card
LONGEST = 240  # bytes of one name; file systems take 255 and drafts add to it
# Beside letters and digits: every file system, every bucket and the hub take them as they are.
_SIGNS = "._-+=@"
_DEVICES = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
_RESERVED = {".git", ".gitattributes", ".gitignore", ".cache", ".huggingface"}  # mean something to the hub


@dataclass(frozen=True)
class Published:
    """Where a version lies now, how many of its files were put and how many were there, and the bytes of the former."""

    url: str
    files_new: int
    files_there: int
    bytes: int

    @property
    def there_already(self) -> bool:
        """Whether nothing had to be put."""
        return self.files_new == 0


class Target(Protocol):
    """A place for published versions. ``address`` is how the user names it; it never holds a secret."""

    address: str

    def put(self, store: Store, ref: Ref, told: Callable[[int], object] = ...) -> Published:
        """Put a version, whole or not at all, and tell of bytes as they arrive; return what had to be put.

        Raises UserError when another version lies there under this name, or the target cannot be written.
        """


@dataclass(frozen=True)
class Contents:
    """The files of one version, in the order in which they are put, and its card, which comes last of all."""

    ref: Ref
    card: Card
    text: bytes  # of card.json
    folder: Path
    files: tuple[File, ...]  # what the card lists: data first, then README.md and SHA256SUMS
    digest: str  # SHA-256 of card.json

    @property
    def card_file(self) -> File:
        """The card as a file among the others."""
        return File(path=CARD, bytes=len(self.text), sha256=self.digest)

    @property
    def all_files(self) -> tuple[File, ...]:
        """The files with the card behind them."""
        return (*self.files, self.card_file)

    @property
    def bytes(self) -> int:
        """How many bytes all files have."""
        return sum(file.bytes for file in self.all_files)

    @classmethod
    def of(cls, store: Store, ref: Ref) -> "Contents":
        """Return what is published of a version; raise UserError when a file's name could mean harm elsewhere.

        The bytes are compared with the card by whoever copies them, not here.
        """
        if (text := store.place.card(ref)) is None:
            raise UserError("publish", f"no version '{ref}'", todo="see: kanagura cards list")
        card = read_card(ref, text)
        check_names(ref, (file.path for file in card.files))
        files = sorted(card.files, key=lambda file: (file.path in LAST, file.path))
        digest = hashlib.sha256(text).hexdigest()
        if ref.digest and ref.digest != digest:
            raise UserError(str(ref), "its card has changed", todo="restore it or make it again")
        return cls(ref, card, text, store.path(ref), tuple(files), digest)


def check_names(ref: Ref, paths: Iterable[str]) -> None:
    """Raise UserError when a path of a card cannot be the same harmless file on every system.

    Refused are names that lead out of the version's folder, that a system or the hub gives another meaning, and two
    names that are one where capital letters do not count.
    """
    seen: dict[str, str] = {CARD: CARD}
    for path in paths:
        if reason := _wrong(path):
            raise UserError(
                str(ref),
                f"its card names {path!r}, which {reason}",
                f"letters, digits and {_SIGNS} in names of at most {LONGEST} bytes with / between them",
                "make the version again with other names",
            )
        if other := seen.get(path.casefold()):
            raise UserError(str(ref), f"its card names {path!r}, which is '{other}' on some systems")
        seen[path.casefold()] = path
    folders = {parent for path in seen for parent in _parents(path)}
    if both := sorted(folders & seen.keys()):
        raise UserError(str(ref), f"its card names {seen[both[0]]!r} as a file and as a folder")


def _parents(path: str) -> Iterable[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _wrong(path: str) -> str:
    """Return what is wrong with a path, '' when nothing is."""
    parts = path.split("/")
    faults = (
        (path != unicodedata.normalize("NFC", path), "is written with letters that are put together"),
        (any(part in ("", ".", "..") for part in parts), "leads out of the version's folder"),
        (
            not all(sign.isalnum() or sign in f"{_SIGNS}/" for sign in path),
            "holds a sign with another meaning",
        ),
        (
            any(_DEVICES.fullmatch(part) or part.casefold() in _RESERVED for part in parts),
            "has another meaning",
        ),
        (any(part.startswith("-") or part.endswith(".") for part in parts), "has another meaning"),
        (any(len(part.encode()) > LONGEST for part in parts), "is too long"),
        (len(path.encode()) > 900, "is too long"),  # a key of S3 has at most 1,024 bytes
    )
    return next((reason for wrong, reason in faults if wrong), "")


def nothing(_bytes: int) -> None:
    """Tell nobody of progress."""
