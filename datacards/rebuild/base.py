"""Rebuilder: pointers in, documents out; the seam between ``kanagura cards rebuild`` and the stage that made them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from datacards.card import Ref
from datacards.rebuild.groups import Group
from datacards.release.recipes import Told
from datacards.store import Store

GROUP = "kanagura.rebuilders"

# Why a record was not made again; a rebuilder may have further words.
CAPTURE_MISSING = "capture_missing"  # no capture of its address is here
CHANGED_SINCE = "changed_since"  # the address has another body now, which says something else
OTHER_TEXT = "other_text"  # the capture is here, and the same code makes another text of it
OTHER_CODE = "other_code"  # as before, but this is not the code that made it
PARENT_MISSING = "parent_missing"  # a document that it was made of is not here, nor could it be made again
MADE_BY_MODEL = "made_by_model"  # what a model wrote comes out differently each time
NO_REBUILDER = "no_rebuilder"  # nothing that is installed made it


class Pending(NamedTuple):
    """The pointers of a group that are not proven yet."""

    group: Group
    pointers: pa.Table


@dataclass(frozen=True, slots=True)
class Found:
    """What was made again for one group, by id: rows with the columns of documents, and why others were not.

    ``facts`` are those of its base documents, with a column ``document_id``.
    """

    group: Group
    rows: Mapping[str, Mapping[str, Any]]
    facts: pa.Table | None = None
    why: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """What one rebuilder works on: the dataset version that ``told`` tells of, one of ``recipes``.

    ``pending()`` starts a pass over the groups with pointers that are not proven yet; ``every()`` over all, also
    those that a stopped run has finished. ``folder`` has the released rows and what is proven so far, in the
    layout of a version; ``work`` outlives a killed run. ``captures`` may be read, in this order.
    """

    store: Store
    told: Told
    recipes: Mapping[str, Told]
    captures: tuple[Ref, ...]
    every: Callable[[], Iterator[Pending]]
    pending: Callable[[], Iterator[Pending]]
    folder: Path
    work: Path
    workers: int = 1


class Rebuilder(BaseModel, ABC):
    """Makes records of one stage again. Subclass it and name it in the entry points ``kanagura.rebuilders``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def made(self, recipe: Mapping[str, Any]) -> bool:
        """Say whether this stage makes what a recipe asks for."""

    @abstractmethod
    def rebuild(self, task: Task) -> Iterator[Found]:
        """Yield what was made again for each group of ``task.pending()``. Nothing of it is believed without its hash."""
