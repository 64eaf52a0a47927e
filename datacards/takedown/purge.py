"""Deletes the files of withdrawn versions, which is an act of its own: logged first, then done, file by file."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from datacards.card import Ref
from datacards.drafts import NOTE, WORK
from datacards.errors import UserError
from datacards.evaluated import ANSWERS
from datacards.places import CARD, LocalPlace
from datacards.store import TOKENS, Store
from datacards.withdrawn import PURGE, PURGES, RECEIPT, TAKEDOWNS, purged


def wanted(store: Store, text: str) -> tuple[Ref, list[Ref]]:
    """Return the takedown that ``text`` names, and the versions that it withdrew, checked.

    Raises UserError when it is no takedown, when the store is no folder, and when a version that stays has bodies in
    one of them.
    """
    ref = store.verified(text, "takedown")
    if not isinstance(store.place, LocalPlace):
        raise UserError(
            "purge",
            f"{store.place} is no folder",
            "objects are deleted by the owner of the bucket",
            "see the receipt for their names",
        )
    if ref.name != TAKEDOWNS:
        raise UserError("purge", f"{ref} is no takedown", f"{TAKEDOWNS}@DAY", "name one")
    receipt = json.loads(store.path(ref, RECEIPT).read_text("utf-8"))
    versions = [store.resolve(one["ref"]) for one in receipt["withdrawn"] if store.digest(_ref(one["ref"]))]
    gone = set(store.withdrawn())
    names = set(map(str, versions))
    for other in store.refs():
        card = store.card(other)
        needed = [str(one) for one in card.made_from if str(one) in names]
        if needed and card.kind == "captures" and str(other) not in gone:
            told = f"has bodies in {', '.join(needed)}"
            raise UserError(str(other), told, "a version that stays keeps them", "take it down, too")
    for one in versions:
        folder = store.path(one)
        if folder.is_symlink() or folder.parent.is_symlink():
            told = "lies behind a link, and what it leads to may be another's"
            raise UserError(str(one), told, "a folder of the store itself", "put the folder in its place")
    return ref, versions


def files_of(store: Store, versions: list[Ref]) -> list[dict[str, Any]]:
    """Return what is to be deleted of each version: path, bytes and SHA-256 of the files that are there."""
    found = []
    for ref in versions:
        folder = store.path(ref)
        there = [file for file in store.card(ref).files if (folder / file.path).is_file()]
        found.append({"ref": str(ref), "files": [one.model_dump(exclude={"rows"}) for one in there]})
    return found


def purge(store: Store, takedown: Ref, versions: list[Ref]) -> Ref:
    """Log what is deleted of ``versions``, then delete it; their cards stay. Return the Ref of the log.

    Killed in between, the same command goes on. Bytes that other versions share, by a link, stay theirs. What training kept
    of the files, their tokens, goes with them.
    """
    done = purged(store.place)
    left = [ref for ref in versions if str(ref) not in done]
    name = next((done[str(ref)] for ref in versions if str(ref) in done), "")
    if left or not name:
        day = f"{datetime.now(UTC):%Y.%m.%d}"
        version = store.next_version(PURGES, day) if store.digest(Ref(name=PURGES, version=day)) else day
        with store.write(
            name=PURGES,
            version=version,
            kind="takedown",
            recipe={"purge": str(takedown)},
            made_from=[takedown],
            description=f"The files of what {takedown} withdrew, deleted.",
        ) as draft:
            what = files_of(store, left)
            said = {
                "takedown": str(takedown),
                "purged_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "purged": what,
            }
            (draft.path / PURGE).write_text(json.dumps(said, indent=1, sort_keys=True) + "\n", "utf-8")
            files = [file for one in what for file in one["files"]]
            draft.counts.update(
                versions=len(what), files=len(files), bytes=sum(file["bytes"] for file in files)
            )
        name = f"{PURGES}@{version}"
    for ref in versions:
        _delete(store.path(ref))
        for file in store.card(ref).files:
            for made in (store.root / TOKENS).glob(f"*/{file.sha256}*"):
                shutil.rmtree(made)
    return store.resolve(name)


def _delete(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.name != CARD:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def drafts(store: Store, versions: list[Ref]) -> list[str]:
    """Return the drafts of stopped runs that may hold what is purged: made from it, or of its names."""
    names, refs = {ref.name for ref in versions}, set(map(str, versions))
    found = []
    for path in sorted((store.root / ".drafts").glob("*@*")):
        note = path / WORK / NOTE
        if note.is_file():
            made_from = {
                f"{one['name']}@{one['version']}" for one in json.loads(note.read_bytes())["made_from"]
            }
            if made_from & refs or path.name.partition("@")[0] in names:
                found.append(path.name)
    return found


def answers(store: Store, takedown: Ref) -> list[str]:
    """Return the folders of what models were asked once that may hold it: of all evaluations that the takedown reached."""
    told = json.loads(store.path(takedown, RECEIPT).read_bytes())
    models = [
        made.digest
        for name in (*told["evaluations"], *told["evaluations_withdrawn"])
        for made in store.card(_ref(name)).made_from[:1]
    ]
    found = [f"{ANSWERS}/{digest}" for digest in dict.fromkeys(models) if digest]
    return [name for name in found if (store.root / name).is_dir()]


def _ref(text: str) -> Ref:
    name, _, version = text.partition("@")
    return Ref(name=name, version=version)
