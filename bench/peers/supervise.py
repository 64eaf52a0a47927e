"""Runs a command and says what it and every process that came of it cost."""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import Cost

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of linux/prctl.h
_EVERY = 0.2  # seconds between two looks at the memory
_LINGER = 10.0  # seconds that what a command leaves behind may take to end by itself


class CommandFailedError(Exception):
    """A supervised command ended with a status other than 0; says which, and its last line."""


def supervised(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Cost:
    """Run ``command`` (Linux only) and return what its whole tree of processes cost.

    CPU seconds are those that the kernel counted for every process of the tree, daemons included: a supervisor of
    its own inherits what lost its parent and waits for it. Wall seconds end with the command itself. The peak (MiB)
    is the largest sum of proportional set sizes, looked at every 0.2 s, so memory that processes share counts once.
    Output goes to the file ``log``. Raises CommandFailedError when the command fails.
    """
    watch = [sys.executable, "-m", "bench.peers.supervise", *command]
    with (
        log.open("wb") as out,
        subprocess.Popen(
            watch, stdout=subprocess.PIPE, stderr=out, stdin=subprocess.DEVNULL, env=environment
        ) as process,
    ):
        printed = process.communicate()[0]
    if process.returncode or not printed:
        words = log.read_text("utf-8", "replace").strip().rpartition("\n")[2]
        raise CommandFailedError(f"ended with status {process.returncode}: {words}")
    return Cost(**json.loads(printed))


def main(command: Sequence[str]) -> int:
    """Run ``command`` with its output on standard error, print its cost as JSON and return its status."""
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=sys.stderr)
    peak = _Peak()
    peak.start()
    wall, status = 0.0, 1
    while True:
        try:
            pid, ended = os.wait()
        except ChildProcessError:
            break
        if pid == child.pid:
            wall, status = time.perf_counter() - start, os.waitstatus_to_exitcode(ended)
            ending = threading.Timer(_LINGER, _end_all)
            ending.daemon = True
            ending.start()
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status == 0:
        sys.stdout.write(
            json.dumps({"wall": wall, "cpu": spent.ru_utime + spent.ru_stime, "peak": peak.megabytes})
        )
    return abs(status)


class _Peak(threading.Thread):
    """Looks again and again at how much memory everything below this process holds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.megabytes = 0.0

    def run(self) -> None:
        while True:
            self.megabytes = max(self.megabytes, sum(map(_proportional, _below())) / 1024)
            time.sleep(_EVERY)


def _below() -> list[int]:
    """Return the ids of all processes that descend from this one."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        children.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found = list(children.get(os.getpid(), ()))
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def _proportional(pid: int) -> int:
    """Return the proportional set size of a process in KiB, 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _end_all() -> None:
    for pid in _below():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
