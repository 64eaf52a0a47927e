"""A version in the making, and the card and descriptions that it gets when it is filled."""

import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from datacards.card import Card, File, Provenance, Ref, Rights
from datacards.describe import describe, undescribe
from datacards.drafts import WORK
from datacards.errors import UserError
from datacards.places import CARD, sha256_of

SUMS = "SHA256SUMS"


class Draft:
    """A version in the making: fill ``path``, count, and leave the ``with`` block without an error.

    ``resumed`` is true when an earlier run of the same request was stopped and left its files here.
    ``work`` is a folder for intermediate files; it is removed when the version is finished.
    """

    def __init__(self, path: Path, *, resumed: bool) -> None:
        self.path = path
        self.resumed = resumed
        self.work = path / WORK
        self.work.mkdir(exist_ok=True)
        self.counts: Counter[str] = Counter()
        self.drops: Counter[str] = Counter()
        self.metrics: dict[str, float] = {}
        self.rights: list[Rights] = []
        self.rows: dict[str, int] = {}
        self.made_from: list[Ref] = []  # inputs that were found out on the way, beside those of the request
        self.tokenizers: list[str] = []  # that the card counts the tokens of a dataset with
        self.device = "cpu"

    def files(self) -> tuple[File, ...]:
        """Hash every file of the draft but the working folder, in order of path."""
        found = sorted(p for p in self.path.rglob("*") if p.is_file() and self.work not in p.parents)
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            return tuple(
                File(
                    path=(name := path.relative_to(self.path).as_posix()),
                    bytes=path.stat().st_size,
                    rows=self.rows.get(name),
                    sha256=sha256,
                )
                for path, sha256 in zip(found, pool.map(sha256_of, found), strict=True)
            )

    def clear(self) -> None:
        """Delete what an earlier run wrote outside of ``work``, for a stage that writes all of it again."""
        for path in self.path.iterdir():
            if path != self.work:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def carded(draft: Draft, ref: Ref, description: str, request: dict[str, Any], made_by: Provenance) -> Card:
    """Write what describes a filled draft (profile, plots, Croissant, README, checksums) and return its card."""
    undescribe(draft.path)
    for name in (SUMS, CARD):
        (draft.path / name).unlink(missing_ok=True)
    card = Card(
        name=ref.name,
        version=ref.version,
        kind=request["kind"],
        description=description,
        made_from=(*(Ref.model_validate(r) for r in request["made_from"]), *draft.made_from),
        recipe=request["recipe"],
        provenance=made_by.model_copy(update={"device": draft.device}),
        files=draft.files(),
        counts=dict(sorted(draft.counts.items())),
        drops=dict(sorted(draft.drops.items())),
        metrics=draft.metrics,
        rights=tuple(draft.rights),
        created_at=now(),
    )
    card = describe(draft.path, card, draft.tokenizers)
    sums = "".join(f"{file.sha256}  {file.path}\n" for file in card.files)
    return _with(card, draft.path, SUMS, sums)


def _with(card: Card, folder: Path, name: str, text: str) -> Card:
    """Write a text file into the draft and return the card that lists it too."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    listed = File(path=name, bytes=path.stat().st_size, sha256=sha256_of(path))
    return card.model_copy(update={"files": tuple(sorted((*card.files, listed), key=lambda f: f.path))})


def now() -> datetime:
    """Return the time of day, or the one that a builder fixed (https://reproducible-builds.org/specs/source-date-epoch/)."""
    if fixed := os.environ.get("SOURCE_DATE_EPOCH", ""):
        if not fixed.isdecimal():
            raise UserError(
                "SOURCE_DATE_EPOCH", f"'{fixed}'", "whole seconds since 1970", "correct it or unset it"
            )
        return datetime.fromtimestamp(int(fixed), UTC)
    return datetime.now(UTC).replace(microsecond=0)
