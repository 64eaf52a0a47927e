"""Where the jobs of a corpus run: in processes of this machine, or on a Ray cluster; the bytes are the same."""

import multiprocessing
import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from typing import Protocol, TypeVar

from datacards.errors import UserError

T = TypeVar("T")
R = TypeVar("R")

ENGINES = ("local", "ray")
#: What workers load: once, in the server that they are forked from, compiled loops above all.
_NEEDED = ("corpus.prepare", "corpus.duplicates.near", "corpus.write", "corpus.duplicates.kernels")
_AHEAD = 2  # jobs for each worker that may be under way beside the result that is due


class Engine(Protocol):
    """Runs one function over many jobs; a job names files and never carries texts, so jobs stay small."""

    workers: int

    def map(self, function: Callable[[T], R], jobs: Sequence[T]) -> Iterator[R]:
        """Yield ``function(job)`` for every job, in the order of the jobs.

        ``function`` must be importable by name, or a ``partial`` of such a one. What it raises is raised here.
        """
        ...

    def close(self) -> None:
        """Give back what the engine holds."""
        ...


class Local:
    """Processes of this machine, kept until ``close``; one worker means this process."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None
        self._go_on, self._alive = multiprocessing.Pipe(
            duplex=False
        )  # workers end when the second one is closed
        self._interrupted = False

    def map(self, function: Callable[[T], R], jobs: Sequence[T]) -> Iterator[R]:
        """See ``Engine.map``. Raises UserError when a worker dies, of too little memory most likely."""
        if self.workers == 1 or len(jobs) < 2:
            yield from map(function, jobs)
            return
        pool = self._pool = self._pool or ProcessPoolExecutor(
            self.workers, forkserver(), initializer=obedient, initargs=(self._go_on,)
        )
        self._interrupted = True  # until the last result was taken
        try:
            yield from _ordered(lambda job: pool.submit(function, job), jobs, self.workers * _AHEAD)
        except BrokenProcessPool as error:
            self._pool = None
            raise UserError(
                "corpus",
                "a worker process was killed",
                todo="free memory or ask for fewer --workers, then run the same command again",
            ) from error
        self._interrupted = False

    def close(self) -> None:
        """End the processes, at once if results were still due: who stops in between waits for no job."""
        if self._interrupted:
            self._alive.close()
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def forkserver(*modules: str) -> ForkServerContext:
    """Return how workers are started: forked from a server that has loaded ``modules`` and what all jobs need.

    The server starts once for a process, with the modules that it hears of first.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*_NEEDED, *modules])
    return context


class Ray:
    """A Ray cluster: that at ``$RAY_ADDRESS``, else one started on this machine for the run.

    The store must be a folder that all nodes share, and the nodes must have this package installed. A connection that
    the caller has made already is used and stays.
    """

    def __init__(self) -> None:
        # Nothing is reported home; the notices about the future of Ray's own flags are not for our users.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            import ray  # noqa: PLC0415 - only those who ask for it need it
        except ImportError as error:
            raise UserError(
                "--engine", "ray is not installed", "local", "pip install -e '.[cluster]'"
            ) from error
        self.ray = ray
        self._ours = not ray.is_initialized()
        if self._ours:
            _answers(os.environ.get("RAY_ADDRESS", ""))
            ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        self.workers = max(1, int(ray.cluster_resources().get("CPU", 1)))

    def map(self, function: Callable[[T], R], jobs: Sequence[T]) -> Iterator[R]:
        """See ``Engine.map``. A job whose node is lost runs again on another one; UserError when that does not help."""
        remote = self.ray.remote(_called)
        try:
            yield from _ordered(
                lambda job: remote.remote(function, job).future(), jobs, self.workers * _AHEAD
            )
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except self.ray.exceptions.RayError as error:
            raise UserError(
                "corpus",
                f"a worker of the Ray cluster was lost: {str(error).partition('.')[0]}",
                todo="free memory on its node, then run the same command again",
            ) from error

    def close(self) -> None:
        """Leave the cluster; one that was started for the run ends."""
        if self._ours:
            self.ray.shutdown()


def _answers(address: str) -> None:
    """Raise UserError when nothing listens at ``host:port``: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if "://" in address or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise UserError(
            "--engine",
            f"no Ray cluster answers at {address} ({error})",
            "RAY_ADDRESS is host:port of its head, or not set: then one is started here",
            "start the cluster, or correct RAY_ADDRESS",
        ) from error


def engine(name: str, workers: int | None = None) -> Engine:
    """Return the engine of that name; ``workers`` bounds the processes of ``local``, Ray knows its cluster."""
    return Ray() if name == "ray" else Local(workers)


def _ordered(submit: Callable[[T], "Future[R]"], jobs: Sequence[T], ahead: int) -> Iterator[R]:
    """Yield the results in order, with at most ``ahead`` jobs under way."""
    source = iter(jobs)
    waiting = deque(map(submit, islice(source, ahead)))
    while waiting:
        result = waiting.popleft().result()
        waiting.extend(map(submit, islice(source, 1)))
        yield result


def _called(function: Callable[[T], R], job: T) -> R:
    return function(job)


def obedient(*ends: Connection) -> None:
    """Make of this process a worker: it leaves Ctrl-C to its parent, and ends with it or when one of ``ends`` does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if parent := multiprocessing.parent_process():
        threading.Thread(target=_follow, args=(parent.sentinel, *ends), daemon=True).start()


def _follow(*ends: int | Connection) -> None:
    wait(ends)
    os._exit(1)
