"""Eraser and Search: the seams between a takedown and the stages that know what their versions hold."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from datacards.card import Card, Ref
from datacards.store import Draft, Store
from datacards.takedown.removed import Mask, Removed, Report
from datacards.takedown.request import Request


class Search(Protocol):
    """Looks for what removed texts say and nobody else does."""

    @property
    def looked_for(self) -> int:
        """Number of different stretches that are looked for."""

    @property
    def also_said(self) -> int:
        """Number of those that kept evidence of others says, too: they are not looked for."""

    def hear(self, table: pa.Table) -> NDArray[np.int64]:
        """Take what the strings of rows say as said by others; return how many stretches each row shares."""

    def leaks(self, table: pa.Table) -> Mask:
        """Return which rows hold, in any string of theirs, something that only removed texts say."""

    def leaks_in(self, text: str) -> bool:
        """Return whether a text does."""

    def read_file(self, path: Path) -> "Read":
        """Search a whole file of any kind."""


@dataclass
class Read:
    """What was searched: bytes of files, how many strings, how many of them leak, which files could not be read as text."""

    files: int = 0
    bytes: int = 0
    strings: int = 0
    leaks: int = 0
    packed: int = 0  # bodies, or files, that are no text: PDF, ZIP, pictures, weights
    where: list[str] = field(default_factory=list)  # the first places that leak

    def add(self, other: "Read") -> None:
        """Add what another search came to."""
        for name in ("files", "bytes", "strings", "leaks", "packed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.where = [*self.where, *other.where][:20]


@dataclass
class Job:
    """One version that is to have a successor: ``draft`` is to be filled with what stays of the files in ``folder``.

    ``successors`` says for ``name@version`` which version takes its place, and ``laid`` where its files lie already, if
    it was filled before. ``notes`` is a folder that outlives a
    killed run, in which jobs leave what later ones need.
    """

    store: Store
    ref: Ref
    card: Card
    folder: Path
    draft: Draft
    removed: Removed
    search: Search | None
    successors: dict[str, Ref]
    laid: dict[str, Path]
    notes: Path
    report: Report


class Eraser(BaseModel, ABC):
    """What a stage knows of its versions: a plug-in of the group ``kanagura.erasers``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def made(self, card: Card) -> bool:
        """Return whether a version is of this stage."""

    @abstractmethod
    def erase(self, job: Job) -> None:
        """Fill the draft of a job: files, counts, drops, rights, rows. Files without what goes are linked."""

    def find(self, store: Store, versions: Sequence[Ref], request: Request) -> Removed | None:
        """Return all that a request takes out of ``versions``; None where another plug-in knows that."""
        return None

    def affected(self, store: Store, versions: Sequence[Ref], removed: Removed) -> list[Ref] | None:
        """Return the versions that need a successor, in order of lineage; None where another plug-in knows that."""
        return None

    def search(self, store: Store, versions: Sequence[Ref], removed: Removed) -> Search | None:
        """Return the search for what ``removed`` says in ``versions`` and nobody else; None where another knows that."""
        return None
