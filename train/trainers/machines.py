"""Several machines that train together: they meet, and hear of each other's end, in a folder that they share."""

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from datacards.drafts import NOTE
from datacards.errors import UserError
from datacards.provenance import capture
from train.progress import progress
from train.where import Where

FOLDER = "machines"
BEAT = 1.0  # seconds between two signs of life
SILENCE = 60.0  # seconds without one after which a machine counts as gone; a file system may stall for some
LINGER = 5.0  # seconds that a machine whose processes broke off waits to hear why
MEET = "start the same command on it, with --machine-rank"


class Living:
    """This machine's note in the shared folder: written again every second, with what there is to say."""

    def __init__(self, work: Path, rank: int, run: str) -> None:
        self._path = work / FOLDER / f"{rank}.json"
        self._said: dict[str, Any] = {"run": run, "beat": 0}
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.say()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        if isinstance(error, UserError):
            told = [error.where, error.received, error.allowed, error.todo]
        else:
            told = ["train", f"was ended by {kind.__name__}", "", ""] if kind else []
        try:
            self.say(ended=True, failure=told)
        except OSError:
            return  # the working folder is gone: the version is finished

    def say(self, **more: Any) -> None:
        """Write the note, with ``more`` in it from now on."""
        with self._lock:
            self._said |= more
            self._said["beat"] += 1
            draft = self._path.with_suffix(".new")
            draft.write_text(json.dumps(self._said), encoding="utf-8")
            draft.replace(self._path)

    def _live(self) -> None:
        while not self._ended.wait(BEAT):
            try:
                self.say()
            except OSError:
                continue  # it may be back in a second; else the others find this machine silent


class Heard:
    """What is heard of another machine."""

    def __init__(self, work: Path, rank: int) -> None:
        self.rank = rank
        self._path = work / FOLDER / f"{rank}.json"
        self._beat, self._since = -1, time.monotonic()
        self.beats = 0

    def look(self) -> dict[str, Any]:
        """Return its last note, {} where there is none."""
        try:
            note: dict[str, Any] = json.loads(self._path.read_bytes())
        except (OSError, ValueError):  # not there, or a file system shows a half of it for a moment
            note = {}
        if (beat := note.get("beat", -1)) != self._beat:
            self.beats += self._beat >= 0
            self._beat, self._since = beat, time.monotonic()
        return note

    @property
    def silent(self) -> float:
        """The seconds for which nothing new was heard of it."""
        return time.monotonic() - self._since


class Others:
    """The other machines of a run, as one of them hears them; ``living`` is this machine's own note."""

    def __init__(self, work: Path, where: Where, living: Living, run: str) -> None:
        ranks = range(1, where.machines) if where.rank == 0 else (0,)
        self.living, self.run, self._patience = living, run, where.patience
        self._heard = [Heard(work, rank) for rank in ranks]

    def check(self) -> None:
        """Raise UserError where one of them has failed or is not heard any more."""
        for one in self._heard:
            note = one.look()
            if note.get("run") == self.run and note.get("ended"):
                if note["failure"]:
                    raise _told(one.rank, note["failure"])
            elif one.silent > SILENCE:
                raise _gone(one.rank, f"was not heard of for {SILENCE:.0f} seconds")

    def cause(self, error: UserError) -> UserError:
        """Return why processes here broke off: what ended another machine first, else ``error``."""
        end = time.monotonic() + LINGER
        while time.monotonic() < end:
            try:
                self.check()
            except UserError as theirs:
                return theirs
            time.sleep(BEAT / 4)
        if gone := [one.rank for one in self._heard if one.silent > LINGER - BEAT]:
            return _gone(gone[0], "went silent, and the processes here lost those there")
        return error

    def meet(self) -> None:
        """On machine 0: wait until all others have joined, then let them begin; raise UserError when one does not."""
        end = time.monotonic() + self._patience
        with progress(len(self._heard), "machines that have joined") as bar:
            while True:
                notes = {one.rank: one.look() for one in self._heard}
                mine = {rank: note for rank, note in notes.items() if note.get("run") == self.run}
                if failed := [rank for rank, note in mine.items() if note.get("failure")]:
                    raise _told(failed[0], mine[failed[0]]["failure"])
                bar.update(sum("joined" in note for note in mine.values()) - bar.n)
                if bar.n == len(self._heard):
                    break
                if time.monotonic() > end:
                    absent = next(rank for rank in notes if "joined" not in mine.get(rank, {}))
                    raise UserError(
                        f"machine {absent}",
                        f"has not joined within {self._patience:.0f} seconds",
                        todo=f"{MEET} {absent}",
                    )
                time.sleep(BEAT / 4)
        self.living.say(go=True)


class Led:
    """Machine 0 of a run: alive from its preparation on, so that the others wait as long as it takes."""

    def __init__(self, work: Path, where: Where) -> None:
        self._work, self._where, self._run = work, where, secrets.token_hex(8)
        self._living = Living(work, 0, self._run)

    def __enter__(self) -> Others:
        for old in (self._work / FOLDER).glob("*.json"):
            old.unlink(missing_ok=True)
        self._living.__enter__()
        self._living.say(code=code(), work=str(self._work))
        return Others(self._work, self._where, self._living, self._run)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._living.__exit__(kind, error, trace)


def join(work: Path, where: Where, asked: Mapping[str, Any], run: Callable[[Others], None]) -> None:
    """On another machine: wait for machine 0, prove that both are asked the same, ``run`` along, and end with it.

    ``asked`` has ``recipe``, and ``inputs`` as ``name@version``. Raises UserError where machine 0 is not heard of within
    ``where.patience``, was asked for something else, or is other code or other libraries.
    """
    lead = Heard(work, 0)
    with progress(int(where.patience), "s") as bar:
        bar.set_description("waiting for machine 0")
        note = _first_sign(lead, where, bar)
        with Living(work, where.rank, note["run"]) as living:
            others = Others(work, where, living, note["run"])
            _same(note, work, asked)
            living.say(joined=True)
            while not lead.look().get("go"):
                others.check()
                time.sleep(BEAT / 4)
            bar.close()
            run(others)


def _first_sign(lead: Heard, where: Where, bar: Any) -> dict[str, Any]:
    begun = time.monotonic()
    while True:
        note = lead.look()
        if (
            lead.beats and "code" in note and not note.get("ended")
        ):  # it has changed: not left by an earlier run
            return note
        waited = time.monotonic() - begun
        if waited > where.patience:
            raise UserError(
                "machine 0",
                f"is not heard of after {waited:.0f} seconds",
                "it holds the version that is made, in the same store on a shared file system",
                "start the same command there without --machine-rank",
            )
        bar.update(int(waited) - bar.n)
        time.sleep(BEAT / 4)


def _same(note: Mapping[str, Any], work: Path, asked: Mapping[str, Any]) -> None:
    """Raise UserError unless machine 0 was asked the same and runs the same code."""
    if note["work"] != str(work):
        raise UserError(
            "--store",
            f"lies in {work.parents[2]} here, elsewhere on machine 0",
            "the same path on every machine",
        )
    theirs = json.loads((work / NOTE).read_bytes())
    found = {
        "base",
        "monitor",
    }  # in the request as machine 0 alone finds them: with digests, and what a monitor needs
    for key in sorted({*theirs["recipe"], *asked["recipe"]} - found):
        if theirs["recipe"].get(key) != asked["recipe"].get(key):
            raise UserError(
                "the recipe",
                f"{key} differs from what machine 0 was asked",
                "the same recipe on every machine",
            )
    base, *inputs = [f"{ref['name']}@{ref['version']}" for ref in theirs["made_from"]]
    if not base.startswith(asked["base"]) or inputs[: len(asked["inputs"])] != asked["inputs"]:
        raise UserError(
            "train", f"the inputs here are {', '.join([asked['base'], *asked['inputs']])}",
            f"those of machine 0: {', '.join([base, *inputs])}", "give every machine the same command",
        )  # fmt: skip
    for name, version in code().items():
        if note["code"].get(name) != version:
            raise UserError(
                f"{name} {version}", f"machine 0 has {note['code'].get(name) or 'none'}",
                "the same code and libraries on every machine",
            )  # fmt: skip


def same_base(folder: Path, told: str) -> None:
    """Raise UserError unless the base lies here as it does on machine 0, by names, sizes and headers of its files."""
    if not folder.is_dir():
        raise UserError(
            "the base", "does not lie where machine 0 has it", "the same path on every machine",
            "put it on the shared file system",
        )  # fmt: skip
    if outline(folder) != told:
        raise UserError("the base", "is not that of machine 0", "the same files on every machine")


def outline(folder: Path) -> str:
    """Return a digest of a model folder that takes no time: names and sizes, the config, the headers of the weights."""
    found = hashlib.sha256()
    for path in sorted([*folder.glob("*.safetensors"), *folder.glob("*.json")]):
        with path.open("rb") as stream:
            head = stream.read(1 << 16)
        found.update(f"{path.name}:{path.stat().st_size}\n".encode() + head)
    return found.hexdigest()


def code() -> dict[str, str]:
    """Return by what this machine runs: commit, Python and libraries."""
    made_by = capture()
    commit = (made_by.commit[:12] + (" with changes" if made_by.dirty else "")) or "unknown"
    return {"commit": commit, "python": made_by.python, **made_by.libraries}


def _gone(rank: int, received: str) -> UserError:
    todo = "look after it and the shared file system, then run the same commands again: they go on"
    return UserError(f"machine {rank}", received, todo=todo)


def _told(rank: int, failure: list[str]) -> UserError:
    where, received, allowed, todo = failure
    return UserError(f"machine {rank}", f"{where}: {received}", allowed, todo)
