"""Pages without a text layer: which they are, and the seam for an engine that reads them; off unless a recipe asks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from corpus.extract.layout import Line
from datacards.errors import UserError
from datacards.plugins import make

GROUP = "kanagura.ocr"
MOST_PIXELS = 40_000_000  # of a page for an engine; a larger page is made in fewer dots


@dataclass(frozen=True, slots=True)
class PageImage:
    """A page as a picture: gray levels, one byte for each dot, row by row from the upper left corner."""

    width: int
    height: int
    samples: bytes
    dpi: float


class Ocr(Protocol):
    """What a plug-in of the group ``kanagura.ocr`` is: a pydantic model whose fields are its options."""

    @property
    def dpi(self) -> int:
        """Dots per inch that it wants."""

    def read(self, image: PageImage) -> Sequence[Line]:
        """Return the lines it reads, in dots; raise RuntimeError or ValueError for a picture it cannot read."""


def engine(chosen: Mapping[str, Mapping[str, Any]] | None) -> Ocr | None:
    """Return the engine that a recipe's ``ocr: {name: {option: value}}`` names, or None without one.

    Raises UserError for an engine that is not installed, and for options it does not know.
    """
    if not chosen:
        return None
    if len(chosen) > 1:
        raise UserError("ocr", f"{len(chosen)} engines: {', '.join(chosen)}", "one at a time")
    name, options = next(iter(chosen.items()))
    found: Ocr = make(GROUP, name, dict(options or {}))
    return found


def numbers(pages: Iterable[int]) -> str:
    """Return page numbers (from 1 up, in order) as people write them: ``3, 7-9``."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][-1] + 1:
            runs[-1].append(page)
        else:
            runs.append([page])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
