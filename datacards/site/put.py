"""Puts a site into its place: written beside it, then swapped in whole; what is no site of ours is left alone."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datacards.errors import UserError, from_os_error

MARK = "site.json"
MADE_BY = "kanagura cards site"


@contextmanager
def swapped(out: Path, store: Path) -> Iterator[Path]:
    """Yield an empty folder; when the block ends well, it takes the place of ``out``, else it is deleted.

    Raises UserError when ``out`` is something else than a site made before, or nothing, or an empty folder; or when it
    lies in the store, or the store in it.
    """
    place = Path(os.path.realpath(out))
    _allow(out, place, Path(os.path.realpath(store)))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent))
        try:
            (work / "new").mkdir()
            yield work / "new"
            (work / "new").chmod(0o755)
            if place.is_dir():
                place.rename(work / "old")
            (work / "new").rename(place)
        finally:
            if (work / "old").is_dir() and not place.exists():  # stopped between the two renames
                (work / "old").rename(place)
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise from_os_error(error, str(out)) from error


def _allow(out: Path, place: Path, store: Path) -> None:
    if store in (place, *place.parents) or place in store.parents:
        raise UserError(
            str(out), "lies in the store, or the store in it", "a folder of its own", "name another one"
        )
    if place.is_dir() and (not any(place.iterdir()) or _ours(place)):
        return
    if place.exists():
        raise UserError(
            str(out),
            "exists and is no site made by this command",
            "an empty or new folder",
            "name another one",
        )


def _ours(place: Path) -> bool:
    try:
        return bool(json.loads((place / MARK).read_bytes()).get("made_by") == MADE_BY)
    except (OSError, ValueError, AttributeError):
        return False
