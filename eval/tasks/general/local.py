"""Files and folders on this machine that a task reads: recorded by name and digest, never by their path."""

from collections.abc import Sequence
from hashlib import file_digest, sha256
from pathlib import Path

from pydantic import BaseModel

from datacards.card import Rights
from datacards.errors import UserError


class Stated(BaseModel):
    """The options of a task whose questions are the user's own: under which rights they are, as the card repeats."""

    license: str = "unknown"
    attribution: str = ""
    redistribution: bool = False

    def stated(self, name: str) -> Rights:
        """Return these rights; questions that nobody is named for are attributed to ``name``, that of their file."""
        return Rights(
            license=self.license, attribution=self.attribution or name, redistribution=self.redistribution
        )


def local_file(where: str, text: str, suffixes: Sequence[str]) -> Path:
    """Return the file that ``text`` names; raise UserError where it is none or has none of ``suffixes``."""
    path = Path(text).expanduser()
    if not path.is_file() or not path.name.endswith(tuple(suffixes)):
        raise UserError(
            where, f"'{path.name}' is no such file", f"a file: {', '.join(suffixes)}", "correct the recipe"
        )
    return path


def told(paths: Sequence[Path]) -> str:
    """Return what a version records of files: the name of one or their number, and a SHA-256 over names and contents.

    A file that is not there has no digest: whoever reads it says so.
    """
    total = sha256()
    for path in paths:
        if path.is_file():
            with path.open("rb") as stream:
                total.update(f"{path.name}\0{file_digest(stream, 'sha256').hexdigest()}\n".encode())
    name = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
    return f"{name} sha256:{total.hexdigest()}"
