"""Runs a function over items in worker processes that may hang, crash or eat memory without harm to the run."""

import itertools
import resource
import selectors
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, TypeVar

from corpus.document import Drop
from corpus.engine import forkserver, obedient
from datacards.errors import UserError

T = TypeVar("T")
R = TypeVar("R")

_START = 120.0  # seconds a worker may take to import what it runs
_AHEAD = 4  # items for each worker that may be under way before the result that is due
_MEMORY = "more than the {} MB it may have"


class _Worker:
    """One process, the pipe to it, the place of the item it works on, and when that must be done."""

    def __init__(self, context: ForkServerContext, function: Callable[[Any], Any], megabytes: int) -> None:
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, function, megabytes), daemon=True)
        try:
            self.process.start()
        except (EOFError, ConnectionError) as error:  # the server that starts workers died of an import
            raise _unstarted("the process that starts workers ended") from error
        theirs.close()
        self.ready = False
        self.place: int | None = None
        self.deadline = time.monotonic() + _START

    def give(self, place: int, item: object, seconds: float) -> None:
        """Send an item; a process that died meanwhile is noticed when its answer is read."""
        self.place, self.deadline = place, time.monotonic() + seconds
        try:
            self.pipe.send(item)
        except (BrokenPipeError, ConnectionResetError):
            return

    @property
    def busy(self) -> bool:
        """Whether something is to come back."""
        return self.place is not None or not self.ready

    def answer(self) -> Any:
        """Return what came back, or a Drop if the process is gone; the pipe must have something to read."""
        try:
            return self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join(1)
            return Drop("extract_crash", f"the worker ended with {self.process.exitcode}")

    def end(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def sandboxed(
    function: Callable[[T], R], items: Iterable[T], *, workers: int, seconds: float, megabytes: int
) -> Iterator[R | Drop]:
    """Yield ``function(item)`` for every item, in the order of the items.

    An item that takes more than ``seconds`` of wall time gives ``Drop("extract_timeout")``; one that ends its
    process, or needs more than ``megabytes`` beyond what the worker has after importing, ``extract_crash``; one
    that raises ``extract_error``, with the words of the error. A worker that died is replaced. ``function``
    must be importable by name (or a ``partial`` of such a one). At most four items for each worker are read
    ahead of the result that is due. Raises UserError if a worker cannot even start.
    """
    context = forkserver(getattr(function, "func", function).__module__)
    source = enumerate(items)
    done: dict[int, R | Drop] = {}
    crew = _Crew(workers, partial(_Worker, context, function, megabytes))
    more = True
    read = 0
    try:
        for due in itertools.count():
            while due not in done:
                if not more and read == due:
                    return
                for worker in crew.free() if more else ():
                    found = next(source, None) if read < due + _AHEAD * workers else None
                    more = found is not None or read >= due + _AHEAD * workers
                    if found is None:
                        break
                    worker.give(*found, seconds)
                    read += 1
                crew.attend(done)
            yield done.pop(due)
    finally:
        crew.end()


class _Crew:
    """The workers, and one watch over all their pipes."""

    def __init__(self, size: int, start: Callable[[], _Worker]) -> None:
        self._size, self._start = size, start
        self._watch = selectors.DefaultSelector()
        self._workers: list[_Worker] = []

    def free(self) -> Iterator[_Worker]:
        """Yield the workers without an item, after starting those that are missing."""
        while len(self._workers) < self._size:
            worker = self._start()
            self._workers.append(worker)
            self._watch.register(worker.pipe, selectors.EVENT_READ, worker)
        return (worker for worker in self._workers if not worker.busy)

    def attend(self, done: dict[int, Any]) -> None:
        """Wait for answers, or until a worker is late; put what came into ``done`` and let go of who is lost."""
        limit = min((worker.deadline for worker in self._workers if worker.busy), default=0.0)
        for key, _ in self._watch.select(max(0.0, limit - time.monotonic()) + 0.01):
            if not _taken(key.data, key.data.answer(), done):
                self._dismiss(key.data)
        if time.monotonic() > limit:
            for worker in [one for one in self._workers if one.busy and time.monotonic() > one.deadline]:
                late = Drop("extract_timeout", "more than the time it may take")
                _taken(worker, late, done)
                self._dismiss(worker)

    def _dismiss(self, worker: _Worker) -> None:
        self._watch.unregister(worker.pipe)
        self._workers.remove(worker)
        worker.end()

    def end(self) -> None:
        """Kill all workers."""
        while self._workers:
            self._dismiss(self._workers[-1])
        self._watch.close()


def _unstarted(why: str) -> UserError:
    return UserError(
        "extraction",
        f"a worker could not start: {why}",
        todo="mend what it printed above, or free memory, then run the same command again",
    )


def _taken(worker: _Worker, answer: Any, done: dict[int, Any]) -> bool:
    """Put a worker's answer where it belongs; return whether the worker lives on."""
    lost = isinstance(answer, Drop)
    if not worker.ready:
        if lost:
            raise _unstarted(answer.detail)
        worker.ready = True
    elif worker.place is not None:
        done[worker.place] = answer if lost else answer[0]
        worker.place = None
    return not lost


def _work(pipe: Connection, function: Callable[[Any], Any], megabytes: int) -> None:
    """Answer items until the pipe closes: ``(result,)`` for each, first of all ``()`` for being ready."""
    obedient()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0]) if Path("/proc").is_dir() else 0
    limit = pages * resource.getpagesize() + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    pipe.send(())
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            return
        try:
            result: Any = function(item)
        except MemoryError:
            result = Drop("extract_crash", _MEMORY.format(megabytes))
        except Exception as error:  # noqa: BLE001 - the wall of the sandbox: named, counted, and the run goes on
            result = Drop("extract_error", f"{type(error).__name__}: {error}"[:500])
        pipe.send((result,))
