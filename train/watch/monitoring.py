"""Looks at the states that a training saves, in a process beside it, so that the training never waits.

``python -m train.watch.monitoring WORK`` is that process; ``python -m train.watch.monitoring RECIPE CHECKPOINT...`` looks
at finished checkpoints as a train recipe's ``monitor`` says.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import click
from tqdm import tqdm

from datacards import plugins
from datacards.checkpoints import INDEX, SINGLE, check_whole, resolve_checkpoint
from datacards.cli import store_option
from datacards.errors import UserError
from datacards.monitor import GROUP, Monitor, Point, Ready, read_points
from datacards.recipe import read_recipe
from datacards.render.markdown import plain
from datacards.store import Store
from train.progress import progress
from train.recipe import MonitorAsked, TrainRecipe
from train.watch.looking import (
    ADAPTERS,
    CLOSED,
    FOLDER,
    JOB,
    LEFT_OUT,
    Job,
    give_way,
    look_at_all,
    record,
    waiting,
)

LOG = "monitor.log"  # of the working folder: what the process said
TRIES = 2  # times that a process may end while it looks at one state
SPARE = 2  # states of one size for which the disk must have room


def offer(saved: Path, work: Path, step: int, number: int = 1) -> None:
    """Keep the weights of a saved state, a model folder, to be looked at; nothing is copied, and nothing waits for it.

    ``number`` is the how-manieth saved state it is, from 1. Called after every save and after every restore: a state that
    was looked at already, waits already or is not wanted is left alone. One that the disk has no room for, as its files stay
    until they were looked at, is told and left out.
    """
    job = Job.read(work)
    if job is None or number % int(job.options.get("every", 1)):
        return
    keep(job, saved, work, step)


def keep(job: Job, saved: Path, work: Path, step: int) -> None:
    """Link the weights in ``saved`` to where the process looks, whole or not at all."""
    final, draft = work / FOLDER / str(step), work / FOLDER / f".{step}"
    if final.exists() or any(point.step == step for point in read_points(job.points)):
        return
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        weights = _weights(saved)
        full = shutil.disk_usage(work).free < SPARE * sum(path.stat().st_size for path in weights)
        for path in () if full else weights:
            os.link(path, draft / path.name)
        reason = "the disk is nearly full" if full else ""
    except OSError as error:  # training goes on
        reason = error.strerror or type(error).__name__
    if reason:
        (draft / LEFT_OUT).write_text(f"was not kept: {reason}", encoding="utf-8")
    draft.rename(final)


def _weights(folder: Path) -> list[Path]:
    """Return the files with the weights of a model folder, or the adapters, among which an optimizer's may lie."""
    index = folder / INDEX
    if index.is_file():
        names = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
        return [index, *(folder / Path(name).name for name in names)]
    if (folder / ADAPTERS).is_file():
        return [folder / ADAPTERS, *sorted(folder.glob("adapter_model*"))]
    return [folder / SINGLE]


@dataclass(frozen=True)
class Wanted:
    """A monitor that is ready: its name, its options, and what was found for it."""

    plugin: str
    monitor: Monitor
    ready: Ready

    def told(self) -> dict[str, Any]:
        """Return what the recipe in the card says of it."""
        return {"plugin": self.plugin, "options": self.ready.options}


def prepare(asked: MonitorAsked, store: Store, base: Path) -> Wanted:
    """Return the monitor that a recipe asks for, its inputs verified; raise UserError where it could not look at anything."""
    monitor: Monitor = plugins.make(GROUP, asked.plugin, asked.options)
    environment(monitor)
    return Wanted(asked.plugin, monitor, monitor.prepare(store, base))


class Monitoring:
    """The process beside one training, as a context: it is there until the end, whoever kills it.

    ``base`` is the folder of the model that is trained, ``work`` the training's working folder, ``out`` where
    ``monitor.jsonl`` goes. What a stopped run looked at already is not looked at again.
    """

    def __init__(self, wanted: Wanted, base: Path, work: Path, out: Path) -> None:
        folders = {name: str(path.resolve()) for name, path in wanted.ready.folders.items()}
        options = wanted.monitor.model_dump(mode="json")
        self._job = Job(wanted.plugin, options, folders, str(base.resolve()), str(out.resolve()), os.getpid())
        self._work, self._out = work, out
        self._monitor = wanted.monitor
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_going, daemon=True)
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._told: set[int] = set()

    def __enter__(self) -> Self:
        folder = self._work / FOLDER
        folder.mkdir(exist_ok=True)
        (folder / CLOSED).unlink(missing_ok=True)
        for path in folder.glob(".*"):
            shutil.rmtree(path)
        self._told = {point.step for point in read_points(self._job.points)}
        self._job.write(self._work)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._starting:
            self._stopping.set()
            if self._process and self._process.poll() is None:
                self._process.kill()  # it holds nothing that a kill could break
        self._thread.join()
        (self._work / JOB).unlink(missing_ok=True)

    def finish(self, step: int) -> list[Point]:
        """Look at the final weights too, those after ``step`` steps, wait for what is left, and return all points."""
        return self.finish_with(self._out, step)

    def finish_with(self, final: Path, step: int) -> list[Point]:
        """Do as ``finish`` does with final weights that lie in ``final``, on the disk of the working folder."""
        keep(self._job, final, self._work, step)
        (self._work / FOLDER / CLOSED).touch()
        left = total = self._left()
        with progress(total, "monitored states") as bar:
            while self._thread.is_alive():
                self._thread.join(0.2)
                bar.update(left - (left := self._left()))
        for one in waiting(self._work):  # the process could not be kept going
            record(self._job, self._work, Point(step=one, error="no process could be kept to look at it"))
        self._tell()
        return read_points(self._job.points)

    def _left(self) -> int:
        return len(waiting(self._work)) + (0 not in {point.step for point in read_points(self._job.points)})

    def _keep_going(self) -> None:
        """Start the process, and again when something ends it; a state at which it ends twice is given up."""
        ended: Counter[int | None] = Counter()
        while self._start():
            while self._process and self._process.poll() is None:
                self._stopping.wait(0.2)
                self._tell()
            if self._stopping.is_set() or not self._process or self._process.returncode == 0:
                return
            known = {point.step for point in read_points(self._job.points)}
            at = next((one for one in [0, *waiting(self._work)] if one not in known), None)
            ended[at] += 1
            if ended[at] < TRIES:
                continue
            if at is None:
                (self._work / JOB).unlink(missing_ok=True)  # or states would be kept that nobody looks at
                return
            said = f"the process that looked at it ended with status {self._process.returncode}"
            record(self._job, self._work, Point(step=at, error=said))

    def _start(self) -> bool:
        with self._starting, (self._work / LOG).open("ab") as log:
            if self._stopping.is_set():
                return False
            self._process = subprocess.Popen(
                [sys.executable, "-m", "train.watch.monitoring", str(self._work)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(self._monitor),
                start_new_session=True,  # Ctrl-C is for the training, which ends it
            )  # fmt: skip
            return True

    def _tell(self) -> None:
        """Say on the terminal which states could not be looked at."""
        for point in read_points(self._job.points):
            if point.step not in self._told and point.error:
                tqdm.write(f"monitor, step {point.step:,}: {plain(point.error)}", file=sys.stderr)
            self._told.add(point.step)


def environment(monitor: Monitor) -> dict[str, str]:
    """Return the environment of the process: this project from wherever the caller has it, and the monitor's device alone."""
    made = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    seen = [one for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
    kind, _, number = monitor.device.partition(":")
    made["CUDA_VISIBLE_DEVICES"] = "" if kind == "cpu" else number
    if seen and kind != "cpu":
        if int(number) >= len(seen):
            raise UserError("monitor", f"device: {monitor.device}", f"visible are {len(seen)} devices")
        made["CUDA_VISIBLE_DEVICES"] = seen[int(number)]
    if monitor.threads:
        made["OMP_NUM_THREADS"] = str(monitor.threads)
    return made


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.argument("checkpoints", nargs=-1, required=True)
@store_option
def alone(recipe: Path, checkpoints: tuple[str, ...], root: str) -> None:
    """Look at finished CHECKPOINTS as the monitor of a train RECIPE says: one line of JSON each."""
    asked, store = read_recipe(recipe, TrainRecipe), Store(root)
    if asked.monitor is None:
        raise UserError(recipe.name, "asks for no monitor", todo="add one to it")
    _, base = resolve_checkpoint(store, asked.base)
    wanted = prepare(asked.monitor, store, base)
    for text in checkpoints:
        ref, folder = resolve_checkpoint(store, text)
        check_whole(text, folder)
        with TemporaryDirectory() as room:
            scores = wanted.monitor.measure(base, folder, Path(room), wanted.ready.folders)
        click.echo(json.dumps({"checkpoint": str(ref), "scores": scores}))


if __name__ == "__main__":
    if len(sys.argv) == 2:
        give_way()
        look_at_all(Path(sys.argv[1]))
    else:
        alone()
