"""Where finished versions lie: a folder here, or objects under an address; each holds a version whole or not at all."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from datacards.card import NAME, VERSION, Card, Ref, is_sealed
from datacards.drafts import Drafts
from datacards.errors import UserError

CARD = "card.json"


class Place(Protocol):
    """What a Store needs of the place of its versions.

    ``root`` is a folder on this machine: drafts are made there, and every stage reads there.
    """

    root: Path

    def versions(self, name: str | None) -> Iterator[Ref]:
        """Yield the finished versions of one name or of all, in any order."""

    def card(self, ref: Ref) -> bytes | None:
        """Return the bytes of a version's card as they are now, None when there is no such version."""

    def path(self, ref: Ref, name: str = "") -> Path:
        """Return the folder of a version, or one file in it, with all its bytes on this machine."""

    def damage(self, ref: Ref, card: Card) -> list[str]:
        """Hash every file where the version lies; return what differs from its card."""

    def damage_to_read(self, ref: Ref, card: Card) -> list[str]:
        """Hash every file where a stage will read it; return what differs from the card and cannot be restored."""

    def ready(self, ref: Ref) -> None:
        """Raise UserError when a version cannot be written here, before any work is done for it."""

    def publish(self, drafts: Drafts, card: Card) -> None:
        """Make a version of the draft that ``card`` describes, whole or not at all, its card last.

        Raises UserError when another writer was first.
        """


class LocalPlace:
    """The folder ``root``: a version is the folder ``NAME/VERSION/``, and a draft becomes one by a rename."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    def versions(self, name: str | None) -> Iterator[Ref]:
        """Yield the folders that hold a card."""
        for card in self.root.glob(f"{name or '*'}/*/{CARD}"):
            version, owner = card.parent.name, card.parent.parent.name
            if VERSION.fullmatch(version) and NAME.fullmatch(owner):
                yield Ref(name=owner, version=version, digest=sha256_of(card))

    def card(self, ref: Ref) -> bytes | None:
        """Return the bytes of ``card.json``, None when there is none."""
        try:
            return (self.path(ref) / CARD).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def path(self, ref: Ref, name: str = "") -> Path:
        """Return the folder of a version, or one file in it, whether it is there or not."""
        return self.root / ref.name / ref.version / name

    def damage(self, ref: Ref, card: Card) -> list[str]:
        """Return which files are missing, changed or foreign."""
        folder, problems = self.path(ref), []
        for file in card.files:
            path = folder / file.path
            if path.is_symlink():
                problems.append(f"{file.path} is a link")
            elif not path.is_file():
                problems.append(f"{file.path} is missing")
            elif path.stat().st_size != file.bytes:
                problems.append(f"{file.path} has {path.stat().st_size} bytes, the card says {file.bytes}")
            elif sha256_of(path) != file.sha256:
                problems.append(f"{file.path} has changed")
        return problems + [f"{name} is not in the card" for name in self.foreign(ref, card)]

    def foreign(self, ref: Ref, card: Card) -> list[str]:
        """Return the files of a version's folder that its card does not name."""
        folder, listed = self.path(ref), {file.path for file in card.files} | {CARD}
        present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
        return sorted(present - listed)

    damage_to_read = damage

    def ready(self, ref: Ref) -> None:
        """Raise UserError when files lie where the version belongs."""
        final = self.path(ref)
        if final.is_dir() and any(final.iterdir()):
            raise UserError(str(ref), f"its place is taken: {final} holds no {CARD}", "", "move it away")

    def publish(self, drafts: Drafts, card: Card) -> None:
        """Write the card into the draft and rename the draft into its place."""
        ref = Ref(name=card.name, version=card.version)
        drafts.publish(str(ref), card.to_json(), self.path(ref))


def place_at(root: Path | str) -> Place:
    """Return the place of a folder, or of an address like ``s3://bucket/prefix``; raise UserError when it is wrong."""
    if isinstance(root, Path) or "://" not in root:
        return LocalPlace(Path(root))
    try:
        from datacards.objects import ObjectPlace
    except ModuleNotFoundError as error:
        raise UserError(
            "store", "an address needs a library that is not installed", todo="pip install -e '.[objects]'"
        ) from error
    return ObjectPlace.at(root)


def read_card(ref: Ref, text: bytes) -> Card:
    """Return the card that ``text`` holds; raise UserError when it cannot be read or was edited."""
    try:
        card = Card.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(
            str(ref), f"its card is damaged: {where}: {first['msg']}", todo="restore card.json"
        ) from error
    if not is_sealed(text):
        raise UserError(
            str(ref), "its card is not as it was written: the seal differs", todo="restore card.json"
        )
    return card


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text, reading one MiB at a time."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
