"""Saves a run between two steps and finds it again: weights and moments by name, whatever processes wrote them."""

import json
import logging
import re
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from safetensors import safe_open
from torch import Tensor

from datacards.drafts import sync
from datacards.errors import UserError
from datacards.places import sha256_of
from train.trainers.files import TensorFile, parts
from train.trainers.masters import KINDS, WEIGHT, Masters

FOLDER = "steps"
WHOLE = "whole.json"
AHEAD = 2  # tensors that wait in memory to be written
LIMIT = 2_000_000_000  # bytes of a file, where one tensor is not more

logger = logging.getLogger(__name__)


class Trains(Protocol):
    """What saving needs of an engine."""

    rank: int
    world: int
    is_first: bool
    masters: Masters

    @property
    def stem(self) -> str:
        """How the files of weights begin."""

    def wait(self) -> None:
        """Return when every process has come here."""

    def collected(self, found: list[Any]) -> list[Any]:
        """Return what all processes have found, one after another."""

    def describe(self, folder: Path) -> list[str]:
        """Write what makes a model folder of weights, and return the names of those files."""

    def written(self) -> dict[str, Any]:
        """Return what is said of the processes that save."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A run as it was after ``step`` steps; ``folder`` is a model folder, or one of adapters."""

    step: int
    folder: Path
    files: tuple[str, ...]
    updates: dict[str, int]
    stem: str

    def restore(self, masters: Masters) -> None:
        """Put float32 weights, both moments and the step counts into an optimizer of any layout."""
        masters.make_moments(self.updates)
        for kind in KINDS:
            for name, value in self.tensors(kind, masters.shapes()):
                masters.put(name, kind, value)

    def tensors(self, kind: str, names: Iterable[str]) -> Iterable[tuple[str, Tensor]]:
        """Yield the tensors of one of ``KINDS`` by name, mapped from the files.

        Raises UserError where one is not among them.
        """
        stem = re.escape(self.stem if kind == WEIGHT else kind)
        wanted = re.compile(rf"{stem}(-\d{{5}}-of-\d{{5}})?\.safetensors")
        missing = set(names)
        for file_name in self.files:
            if wanted.fullmatch(file_name):
                with safe_open(self.folder / file_name, "pt") as file:
                    for name in file.keys():  # noqa: SIM118 (it is no dict)
                        if name in missing:
                            missing.discard(name)
                            yield name, file.get_tensor(name)
        if missing:
            raise UserError(
                f"the state after step {self.step}", f"has no {min(missing)}", "it is of another model"
            )


def newest(engine: Trains, work: Path) -> Saved | None:
    """Return the newest state in ``work`` whose files have the digests that were written down, None without one.

    A damaged one is told of, set aside, and goes with the next pruning. The processes share the reading.
    """
    found: list[int] = []
    if engine.is_first:
        found = sorted((int(path.name) for path in (work / FOLDER).glob("[0-9]*")), reverse=True)
    for step in engine.collected(found):
        folder = work / FOLDER / str(step)
        saved, wrong = _look(engine, folder, step)
        wrong = sorted(set(engine.collected(wrong)))
        if saved and not wrong:
            return saved
        if engine.is_first:
            logger.warning("the state after step %d is passed over: damaged %s", step, ", ".join(wrong[:5]))
            shutil.rmtree(aside := folder.with_name(f".damaged-{step}"), ignore_errors=True)
            folder.rename(aside)
    return None


def _look(engine: Trains, folder: Path, step: int) -> tuple[Saved | None, list[str]]:
    """Return the state in ``folder`` and which files of this process's share of them are not as written."""
    try:
        whole = json.loads((folder / WHOLE).read_bytes())
        if whole["step"] != step or whole.pop("digest") != _digest(whole):
            return None, [WHOLE]
        files: dict[str, str] = dict(whole["files"])
        saved = Saved(step, folder, tuple(files), dict(whole["updates"]), str(whole["stem"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None, [WHOLE]
    mine = list(files)[engine.rank :: engine.world]
    return saved, [
        name for name in mine if not (folder / name).is_file() or sha256_of(folder / name) != files[name]
    ]


def save(
    engine: Trains,
    work: Path,
    step: int,
    *,
    keep: int = 1,
    beside: Sequence[Path] = (),
) -> None:
    """Write the state after ``step`` steps; it counts only when all of it is on the disk.

    Nothing is pickled. ``beside`` are files that a resumed run reads with it: they are brought to the disk first. The ``keep``
    newest states stay, older ones go only after this one is whole. When ``monitored``, its weights also appear in
    ``monitor/STEP`` of ``work``, without taking room, and stay there.
    """
    final = work / FOLDER / str(step)
    draft = work / FOLDER / f".{step}"
    if engine.is_first:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for path in beside:
            sync(path)
    engine.wait()
    weights = write_tensors(engine, draft, WEIGHT, engine.stem)
    files = dict(weights)
    for kind in KINDS[1:]:
        files |= write_tensors(engine, draft, kind, kind)
    updates = engine.masters.updates()
    if engine.is_first:
        described = {name: sha256_of(draft / name) for name in engine.describe(draft)}
        whole = {
            "step": step,
            "updates": updates,
            "stem": engine.stem,
            **engine.written(),
            "weights": sorted({**weights, **described}),
            "files": dict(sorted({**files, **described}.items())),
        }
        text = json.dumps({**whole, "digest": _digest(whole)}, indent=2) + "\n"
        (draft / WHOLE).write_text(text, encoding="utf-8")
        for path in [*(draft / name for name in (*described, WHOLE)), draft]:
            sync(path)
        if final.exists():  # a damaged one that came back, or it would not be trained again
            _remove(final)
        draft.rename(final)
        sync(final.parent)
        _prune(work / FOLDER, step, keep)
    engine.wait()


def write_tensors(engine: Trains, folder: Path, kind: str, stem: str) -> dict[str, str]:
    """Write the tensors of one of ``KINDS`` to safetensors files in ``folder`` and return their SHA-256 by file name.

    Every process writes some of the files, while tensors of the next are gathered; none holds more than a few tensors. The
    first writes the index, without which transformers would not find weights in several files.
    """
    shapes = engine.masters.shapes()
    cut = parts(shapes, LIMIT)
    names = [f"{stem}-{i:05d}-of-{len(cut):05d}.safetensors" for i in range(1, len(cut) + 1)]
    names = [f"{stem}.safetensors"] if len(cut) == 1 else names
    digests: dict[str, str] = {}
    with ThreadPoolExecutor(1) as pool:
        waiting: list[Future[None]] = []
        for i, (file_name, members) in enumerate(zip(names, cut, strict=True)):
            file = None
            if i % engine.world == engine.rank:
                file = TensorFile(folder / file_name, {name: shapes[name] for name in members})
            for name in members:
                value = engine.masters.get(name, kind)
                if file:
                    waiting.append(pool.submit(file.add, value.cpu()))
                    if len(waiting) > AHEAD:
                        waiting.pop(0).result()
            if file:
                while waiting:
                    waiting.pop(0).result()
                digests[file_name] = file.close()
    if engine.is_first and len(cut) > 1:
        digests |= _index(folder, stem, dict(zip(names, cut, strict=True)))
    return dict(engine.collected(list(digests.items())))


def _digest(whole: dict[str, Any]) -> str:
    return sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _index(folder: Path, stem: str, cut: dict[str, list[str]]) -> dict[str, str]:
    path = folder / f"{stem}.safetensors.index.json"
    where = {name: file for file, members in cut.items() for name in members}
    path.write_text(json.dumps({"metadata": {}, "weight_map": where}, indent=2) + "\n", encoding="utf-8")
    sync(path)
    return {path.name: sha256_of(path)}


def _prune(folder: Path, step: int, keep: int) -> None:
    """Leave the ``keep`` newest states up to ``step``: what is newer was damaged, what has another name never whole."""
    states = sorted(int(path.name) for path in folder.glob("[0-9]*"))
    kept = {str(n) for n in [n for n in states if n <= step][-keep:]}
    for path in list(folder.iterdir()):
        if path.name not in kept:
            _remove(path)


def _remove(folder: Path) -> None:
    """Remove a state so that what a kill leaves of it is not taken for one."""
    if not folder.name.startswith("."):
        aside = folder.with_name(f".old-{folder.name}")
        shutil.rmtree(aside, ignore_errors=True)
        folder = folder.rename(aside)
    shutil.rmtree(folder)
