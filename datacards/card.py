"""The records of the ground floor: Ref, File, Rights, Provenance, Card."""

import hashlib
import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
VERSION = re.compile(r"[0-9]{4}\.[0-9]{2}\.[0-9]{2}(\.[1-9][0-9]*)?")

#: The beginnings of the paths of what is made from a version's other files and its card.
DESCRIPTIONS = ("README.md", "SHA256SUMS", "profile.json", "plots/", "croissant.json", "recipes/")

Name = Annotated[str, StringConstraints(pattern=rf"^{NAME.pattern}$")]
Version = Annotated[str, StringConstraints(pattern=rf"^{VERSION.pattern}$")]
Kind = Literal["captures", "dataset", "checkpoint", "evaluation", "takedown"]
_RESERVED = re.compile(r"(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")  # names of devices on some systems


def inside(path: str) -> str:
    """Return a relative path that cannot leave the folder it is joined to, on any system; raise ValueError otherwise."""
    parts = path.split("/")
    if not path or any(not part or part in (".", "..") or _RESERVED.fullmatch(part) for part in parts):
        raise ValueError(f"{path!r} is no path inside of a version")
    if not path.isprintable() or any(sign in path for sign in '\\:*?"<>|'):
        raise ValueError(f"{path!r} holds a sign that a path may not")
    return path


Inside = Annotated[str, AfterValidator(inside)]


class Record(BaseModel):
    """A frozen record that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Ref(Record):
    """One exact thing: ``name@version`` in a store, or an outside input such as ``hf:org/model@<commit>``.

    ``digest`` is the SHA-256 of the version's ``card.json``. The card lists the hashes of all files and the
    digests of all inputs, so one digest pins the whole chain below it.
    """

    name: str
    version: str
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class File(Record):
    """One file of a version; ``path`` is relative to its folder, ``rows`` is None where rows mean nothing."""

    path: Inside
    bytes: int
    rows: int | None = None
    sha256: str


class Rights(Record):
    """What may be done with the records of one license, and how to name their source."""

    license: str
    attribution: str
    redistribution: bool
    records: int = 0


class Provenance(Record):
    """By what a version was made. It names no user and no host."""

    command: str
    commit: str = ""
    dirty: bool = False
    python: str = ""
    platform: str = ""
    device: str = "cpu"
    libraries: dict[str, str] = {}


class Card(Record):
    """The record of one version, written last: a folder without it is no version.

    ``seal`` is the SHA-256 of the card's text without it: whoever edits a card by hand breaks it.
    """

    name: Name
    version: Version
    kind: Kind
    description: str = ""
    made_from: tuple[Ref, ...] = ()
    recipe: dict[str, Any] = {}
    provenance: Provenance
    files: tuple[File, ...]
    counts: dict[str, int] = {}
    drops: dict[str, int] = {}
    metrics: dict[str, float] = {}
    rights: tuple[Rights, ...] = ()
    created_at: datetime
    seal: str = ""

    @property
    def content_digest(self) -> str:
        """SHA-256 over paths and hashes of the files: equal for equal content, whenever it was made.

        What only describes the other files (``DESCRIPTIONS``) is left out.
        """
        rows = sorted((f.path, f.sha256) for f in self.files if not f.path.startswith(DESCRIPTIONS))
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()

    def to_json(self) -> str:
        """Return the text of ``card.json``: sorted, indented, stable, sealed."""
        said = self.model_dump(mode="json", exclude={"seal"})
        return _text(said | {"seal": hashlib.sha256(_text(said).encode()).hexdigest()})


def is_sealed(text: bytes) -> bool:
    """Tell whether the text of a ``card.json`` is as ``Card.to_json`` wrote it."""
    try:
        said = json.loads(text)
        seal = said.pop("seal", "")
    except (ValueError, AttributeError):
        return False
    right = hashlib.sha256(_text(said).encode()).hexdigest()
    return bool(seal == right and _text(said | {"seal": right}).encode() == text)


def _text(said: dict[str, Any]) -> str:
    return json.dumps(said, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
