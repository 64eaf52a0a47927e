"""Puts one version to any number of targets, after it has been verified once and every address has been read."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tqdm import tqdm

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from datacards.targets.contents import Contents, Published, Target
from datacards.targets.folder import FolderTarget

Hook = Callable[[Store, Ref], object]


def target_at(text: str, *, private: bool = False) -> Target:
    """Return the target of a folder's path, ``s3://bucket/prefix`` (gs, az), or ``hf://datasets/ORG/NAME[@branch]``.

    ``private`` makes a repository that is new on the hub a private one; it means nothing to the others. Nothing is
    asked of any server yet. Raises UserError when the address is none of these; one that may hold a secret is not
    repeated.
    """
    if text.startswith("hf://"):
        from datacards.targets.hub import HubTarget

        return HubTarget.at(text, private=private)
    if "://" in text:
        try:
            from datacards.targets.bucket import BucketTarget
        except ModuleNotFoundError as error:
            raise UserError(
                "publish",
                "the address of a bucket needs a library that is not installed",
                todo="pip install -e '.[objects]'",
            ) from error
        return BucketTarget(text)
    if not text.strip() or "\0" in text:
        raise UserError(
            "publish", "an empty target", "DIR, s3://bucket/prefix, hf://datasets/ORG/NAME", "name one"
        )
    if Path(text).expanduser().exists() and not Path(text).expanduser().is_dir():
        raise UserError("publish", f"'{text}' is a file", "a folder, which may be new", "name another one")
    return FolderTarget(Path(text))


def publish(
    store: Store, ref: Ref, targets: Sequence[str], *, check: Hook | None = None, private: bool = False
) -> list[Published]:
    """Put a dataset version to every target in turn and return what each of them had to be given.

    Before anything is written, all addresses are read, every byte of the version is compared with its card, and
    ``check`` (rights, say) may refuse it with an error of its own. Publishing again is harmless: what lies there is
    compared and left alone. A bar tells of the bytes. Raises UserError at the first target that refuses; those before
    it keep what they have.
    """
    chosen = [target_at(text, private=private) for text in targets]
    found = store.verified(str(ref), "dataset")
    if ref.digest and ref.digest != found.digest:
        raise UserError(str(ref), "its card has changed", todo="restore it or make it again")
    if check is not None:
        check(store, found)
    size = Contents.of(store, found).bytes
    done = []
    for target in chosen:
        with tqdm(total=size, desc=str(found), unit="B", unit_scale=True, disable=None, leave=False) as bar:
            done.append(target.put(store, found, bar.update))
    return done
