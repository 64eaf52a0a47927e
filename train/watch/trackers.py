"""Writes what a training measures for a viewer, through the trackers of accelerate."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from datacards.errors import UserError

#: The folder of a store that holds them: their file names carry host and process, no version may.
RUNS = ".runs"
#: Tracker -> (any of the modules that it writes with, its class in ``accelerate.tracking``).
KNOWN = {"tensorboard": (("tensorboardX", "tensorboard"), "TensorBoardTracker")}


def check_trackers(names: Sequence[str]) -> None:
    """Raise UserError for a tracker whose library is not installed; a run asks this before it loads anything."""
    for name in names:
        if name not in KNOWN:
            raise UserError("trackers", f"'{name}'", f"known: {', '.join(KNOWN)}", "correct the recipe")
        if not any(find_spec(module) for module in KNOWN[name][0]):
            raise UserError(
                "trackers",
                f"{name} needs the library {KNOWN[name][0][0]}, which is not installed",
                todo="pip install -e '.[watch]', or leave trackers out of the recipe",
            )


def run_folder(store: Path, label: str) -> Path:
    """Return where the trackers of the version ``label`` (``name@version``) write, below the root of a store."""
    return store / RUNS / label


class Trackers:
    """The trackers of a run; on all processes but the first, and without names, it does nothing.

    A value has a path-like name: ``loss``, ``held_out/SOURCE``, ``monitor/SCORE``. A resumed run writes on in the same
    folder, and tells the viewer to forget what came after ``begun``, the step (from 1) that it goes on from.
    """

    def __init__(self, names: Sequence[str], folder: Path, *, begun: int = 0, first: bool = True) -> None:
        """Open ``names``, which write below ``folder``. Raises UserError where a library is missing."""
        check_trackers(names)
        self._open: list[Any] = []
        if not (first and names):
            return
        tracking = import_module("accelerate.tracking")
        for name in names:
            tracker = getattr(tracking, KNOWN[name][1])(
                name, str(folder), **({"purge_step": begun + 1} if begun else {})
            )
            tracker.start()
            self._open.append(tracker)

    def log(self, values: Mapping[str, float | None], step: int) -> None:
        """Write the values of a step (from 1; 0 is before the first); one that is None is left out."""
        known = {name: float(value) for name, value in values.items() if value is not None}
        for tracker in self._open:
            tracker.log(known, step=step)

    def close(self) -> None:
        """Write what is still held and close the files; nothing is logged after that."""
        for tracker in self._open:
            tracker.finish()
        self._open.clear()
