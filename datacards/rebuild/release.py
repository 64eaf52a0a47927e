"""Opens a release of the store, or a folder that somebody downloaded: nothing in it is believed before it is checked."""

import hashlib
import re
import stat
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import yaml
from pydantic import ValidationError

from datacards.card import NAME, VERSION, Card, Ref
from datacards.errors import UserError
from datacards.places import CARD, read_card, sha256_of
from datacards.recipe import StrictLoader, explain
from datacards.release.recipes import Told
from datacards.store import Store

SUMS = "SHA256SUMS"
MOST_CARD, MOST_RECIPE, MOST_FILES = 64 << 20, 1 << 20, 100_000  # bytes, bytes, files
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_REF = re.compile(rf"(?P<name>{NAME.pattern})@(?P<version>{VERSION.pattern})")


class Release(NamedTuple):
    """A release whose every byte is as its card says; ``recipes`` by ``name@version``, ``own`` if the store has it."""

    ref: Ref
    folder: Path
    card: Card
    recipes: dict[str, Told]
    own: bool


def open_release(store: Store, text: str) -> Release:
    """Return the release that ``text`` names: a version of the store, or a folder.

    Raises UserError for anything that is missing, changed, foreign, a link, too large, or leads out of the folder.
    """
    folder = Path(text).expanduser()
    if "/" not in text and not text.startswith((".", "~")):
        ref = store.verified(text, "dataset")
        return Release(ref, store.path(ref), store.card(ref), _recipes(store.path(ref)), own=True)
    if not folder.is_dir():
        raise UserError(folder.name, "is no folder", "name@version, or the folder of a release", "correct it")
    card, digest = _checked(folder)
    ref = Ref(name=card.name, version=card.version, digest=digest)
    if withdrawal := store.withdrawn().get(str(ref)):
        raise withdrawal.told(ref)
    return Release(ref, folder, card, _recipes(folder), own=False)


def parsed(text: str) -> Ref | None:
    """Return the Ref of ``name@version``, or None for any other text: it may become a path."""
    found = _REF.fullmatch(text)
    return Ref(name=found["name"], version=found["version"]) if found else None


def _checked(folder: Path) -> tuple[Card, str]:
    """Return the card of a downloaded folder and its digest, once all that the card names is there, and no more."""
    text = _read(folder / CARD, MOST_CARD, folder.name)
    card = read_card(Ref(name=folder.name, version=""), text)
    if card.kind != "dataset":
        raise UserError(folder.name, f"holds a version of kind '{card.kind}'", "a release is needed")
    if len(card.files) > MOST_FILES:
        _refuse(folder, f"its card names {len(card.files):,} files, more than {MOST_FILES:,}")
    listed = {CARD: hashlib.sha256(text).hexdigest()}
    for file in card.files:
        path = folder / file.path  # the card has checked that it leads nowhere else
        if any(part.startswith(".") for part in file.path.split("/")):
            _refuse(folder, f"its card names {file.path!r}, which no release holds")
        if not _regular(folder, path) or path.stat().st_size != file.bytes:
            _refuse(folder, f"{file.path!r} is missing, no plain file, or has another size")
        if sha256_of(path) != file.sha256:
            _refuse(folder, f"{file.path!r} has changed")
        listed[file.path] = file.sha256
    # What a client of a hub or of git keeps beside the files begins with a dot, and is never read.
    present = {
        path.relative_to(folder).as_posix()
        for top in folder.iterdir()
        if not top.name.startswith(".")
        for path in ([top] if top.is_symlink() or not top.is_dir() else top.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }
    if foreign := sorted(present - listed.keys() - {SUMS}):
        _refuse(folder, f"{foreign[0]!r} is not in its card")
    if SUMS in present:
        _same_sums(folder, listed)
    return card, listed[CARD]


def _same_sums(folder: Path, listed: dict[str, str]) -> None:
    lines = _read(folder / SUMS, MOST_CARD, folder.name).decode("utf-8", "replace").splitlines()
    found = {match[2]: match[1] for match in map(_LINE.fullmatch, lines) if match}
    right = {name: digest for name, digest in listed.items() if name not in (CARD, SUMS)}
    if len(found) != len(lines) or found != right:
        _refuse(folder, f"{SUMS} says something else than its card")


def _regular(folder: Path, path: Path) -> bool:
    """Return whether a path is a plain file, and no folder on the way to it is a link."""
    try:
        folders = [one for one in path.parents if folder in one.parents]
        return stat.S_ISREG(path.lstat().st_mode) and not any(one.is_symlink() for one in folders)
    except OSError:
        return False


def _read(path: Path, most: int, where: str) -> bytes:
    if not _regular(path.parent, path):
        raise UserError(where, f"holds no {path.name}", "a release has one", "name the folder of a release")
    if (size := path.stat().st_size) > most:
        raise UserError(where, f"its {path.name} has {size:,} bytes", f"at most {most:,}", "do not use it")
    return path.read_bytes()


def _refuse(folder: Path, why: str) -> NoReturn:
    raise UserError(folder.name, why, "a release as it was published", "download it again")


class _Loader(StrictLoader):
    """Refuses anchors, by which a small file may stand for a huge one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("an alias in a recipe")
        return super().compose_node(parent, index)


def _recipes(folder: Path) -> dict[str, Told]:
    """Return what the recipe files of a release say, by ``name@version``."""
    found: dict[str, Told] = {}
    for path in sorted((folder / "recipes").glob("*.yaml")):
        where = f"recipes/{path.name}"
        try:
            said = yaml.load(_read(path, MOST_RECIPE, where), Loader=_Loader)  # noqa: S506  a safe loader
            told = Told.model_validate(said)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            if isinstance(error, ValidationError):
                raise explain(where, error, Told) from error
            raise UserError(where, "cannot be read as a recipe", "", "download the release again") from error
        below = all(":" in one.name or parsed(str(one)) for one in told.made_from)
        if not parsed(told.ref) or path.stem != told.ref.replace("@", "-") or not below:
            raise UserError(where, "its names are no names", "name@version", "download the release again")
        found[told.ref] = told
    return found
