"""The process beside a training that looks at one saved state after another and writes down its figures."""

import json
import os
import shutil
import threading
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datacards import plugins
from datacards.checkpoints import companions
from datacards.errors import UserError
from datacards.monitor import GROUP, MONITOR, Monitor, Point, read_points, write_points

JOB = "monitor.json"  # of the working folder: while it lies there, states are wanted
FOLDER = "monitor"  # of the working folder: the states to look at, by step
ADAPTERS = "adapter_config.json"  # in a state that holds adapters alone: their rank and scale
CLOSED = "closed"  # among them: no further state will come
LEFT_OUT = "left_out"  # in place of a state that could not be kept: why
SECONDS = "monitor_seconds.jsonl"  # of the working folder: how long each took
LOOK = 0.2  # seconds between two looks for a new state


@dataclass(frozen=True)
class Job:
    """What the process must know; ``parent`` is the id of the process that it ends with."""

    plugin: str
    options: dict[str, Any]
    folders: dict[str, str]
    base: str
    out: str
    parent: int

    @classmethod
    def read(cls, work: Path) -> "Job | None":
        """Return the job in a working folder, None where states are not looked at."""
        path = work / JOB
        return cls(**json.loads(path.read_bytes())) if path.is_file() else None

    def write(self, work: Path) -> None:
        """Put it into a working folder, all at once."""
        new = work / f".{JOB}"
        new.write_text(json.dumps(asdict(self)), encoding="utf-8")
        new.replace(work / JOB)

    @property
    def points(self) -> Path:
        """The file of what was found."""
        return Path(self.out) / MONITOR


def waiting(work: Path) -> list[int]:
    """Return the steps of the states that wait to be looked at, in order."""
    return sorted(int(path.name) for path in (work / FOLDER).glob("[0-9]*"))


def record(job: Job, work: Path, point: Point) -> None:
    """Write one point down, unless its step has one, and let its state go."""
    known = read_points(job.points)
    if all(one.step != point.step for one in known):
        write_points(job.points, [*known, point], work)
    shutil.rmtree(work / FOLDER / str(point.step), ignore_errors=True)


def look_at_all(work: Path) -> None:
    """Look at the base and at every state as it comes, until no further one will.

    A state whose point is there already is let go. Every point is on the disk before the next is begun.
    """
    job = Job.read(work)
    if job is None:
        return
    _end_with(job.parent)
    monitor: Monitor = plugins.make(GROUP, job.plugin, job.options)
    while True:
        closed = (work / FOLDER / CLOSED).exists()  # asked first: a state may come between the two questions
        known = {point.step for point in read_points(job.points)}
        steps = waiting(work) if 0 in known else [0]
        if steps and steps[0] in known:
            shutil.rmtree(work / FOLDER / str(steps[0]))
        elif steps:
            _look_at(monitor, job, work, steps[0])
        elif closed:
            return
        else:
            time.sleep(LOOK)


def _look_at(monitor: Monitor, job: Job, work: Path, step: int) -> None:
    begun, base = time.monotonic(), Path(job.base)
    room = work / FOLDER / ".room"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(parents=True)
    try:
        saved = whole(work / FOLDER / str(step), base, room / "state") if step else base
        (room / "own").mkdir()
        found = monitor.measure(
            base, saved, room / "own", {name: Path(text) for name, text in job.folders.items()}
        )
        point = Point(step=step, scores=found)
    except UserError as error:
        point = Point(step=step, error=_without_paths(error.message, job, work / FOLDER / str(step)))
    except (ArithmeticError, MemoryError, OSError, RuntimeError, ValueError) as error:
        traceback.print_exc()  # goes to the log of the process
        point = Point(step=step, error=type(error).__name__)
    shutil.rmtree(room, ignore_errors=True)
    record(job, work, point)
    with (work / SECONDS).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"step": step, "seconds": round(time.monotonic() - begun, 3)}) + "\n")


def whole(saved: Path, base: Path, room: Path) -> Path:
    """Return the model folder of a state: its weights with config and tokenizer of the base beside them.

    Adapters are added into the base's weights first, in float32 as at the end of a training, and written to ``room``. Raises
    UserError if the state was left out.
    """
    if (said := saved / LEFT_OUT).is_file():
        raise UserError("the state", said.read_text(encoding="utf-8"))
    if (config := saved / ADAPTERS).is_file():
        return _added(saved, json.loads(config.read_bytes()), base, room)
    for path in companions(base):
        if not (saved / path.name).exists():
            shutil.copyfile(path, saved / path.name)
    return saved


def _added(saved: Path, config: dict[str, Any], base: Path, room: Path) -> Path:
    from safetensors.torch import load_file

    from train.trainers.causal_lm import Lora
    from train.trainers.export import export
    from train.trainers.lora import merged
    from train.trainers.stored import Base

    adapters = {
        name: value
        for path in sorted(saved.glob("adapter_model*.safetensors"))
        for name, value in load_file(path).items()
    }
    stored, options = Base(base), Lora(rank=config["r"], alpha=config["lora_alpha"])
    shapes = {name: stored.shape(name) for name in stored.names}
    export(merged(stored, adapters, options), shapes, base, room, weights="fp32", vector=None)
    return room


def _without_paths(text: str, job: Job, saved: Path) -> str:
    """Return a message as it may stand in a version: folders of this machine by their last name alone."""
    text = text.replace(str(saved), "the state")
    for path in sorted({str(saved.parent), job.out, job.base, *job.folders.values()}, key=len, reverse=True):
        text = text.replace(path, Path(path).name)
    return text


def _end_with(parent: int) -> None:
    """End this process when the training is gone: the next run of it begins another."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def give_way() -> None:
    """Let the training have the processors first, and let this process be the one that goes when memory is short."""
    os.nice(10)
    unwanted = Path("/proc/self/oom_score_adj")  # Linux; elsewhere nothing is there
    if unwanted.is_file():
        unwanted.write_text("1000", encoding="ascii")
