"""Runs one program and says what it cost; says and changes what of a folder the system keeps in memory."""

import errno
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

EVERY = 0.01  # seconds between two looks at the memory
PAGE = 4096
SAMPLED = 1024  # pages looked at in each file


class ProgramFailedError(Exception):
    """A program ended with a status other than 0; says which, and its last line."""


class Spent(NamedTuple):
    """What one program cost: wall and CPU seconds, peak private and peak resident memory in GiB (2^30 bytes).

    Private ("anonymous") memory belongs to the process; resident memory counts mapped file pages, too.
    """

    wall: float
    cpu: float
    anon: float
    rss: float


def run(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Spent:
    """Run ``command`` and return what it cost, the start of its interpreter and what it waited for included.

    The memory is that of the command's own process (threads included, children not), looked at every 10 ms.
    Output goes to the file ``log``. Raises ProgramFailedError when the command fails.
    """
    anon = 0
    with log.open("wb") as out:
        start = time.perf_counter()
        # Popen would wait for the process itself and so lose what it cost.
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environment)
        rss = 0
        try:
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    break
                now = _memory(process.pid)
                anon, rss = max(anon, now[0]), max(rss, now[1])
                time.sleep(EVERY)
        except BaseException:  # Ctrl-C above all: nothing goes on that nobody waits for
            process.kill()
            process.wait()
            raise
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        words = log.read_text("utf-8", "replace").strip().rpartition("\n")[2]
        raise ProgramFailedError(f"ended with status {process.returncode}: {words}")
    return Spent(wall, usage.ru_utime + usage.ru_stime, anon / (1 << 20), rss / (1 << 20))


def _memory(pid: int) -> tuple[int, int]:
    """Return the private memory of a process in KiB, shared memory included, and the most it had resident."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:  # it has ended meanwhile
        return 0, 0
    said = dict(line.split(":", 1) for line in lines if ":" in line)
    if "RssAnon" not in said:  # ended, and not yet waited for
        return 0, 0
    kib = {name: int(said[name].split()[0]) for name in ("RssAnon", "RssShmem", "VmHWM")}
    return kib["RssAnon"] + kib["RssShmem"], kib["VmHWM"]


def files(folder: Path) -> list[Path]:
    """Return the files of weights below a folder, in order."""
    return sorted(folder.rglob("*.safetensors"))


def keep(folder: Path) -> None:
    """Read all files of weights once, so that the system has them in memory."""
    buffer = bytearray(1 << 20)
    for path in files(folder):
        with path.open("rb", buffering=0) as stream:
            while stream.readinto(buffer):
                pass


def forget(folder: Path) -> None:
    """Ask the system to give up what it keeps of the files of weights in memory."""
    for path in files(folder):
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def kept(folder: Path) -> float:
    """Return the share of the files of weights that the system has in memory, from pages spread over each."""
    found = looked = 0
    buffer = bytearray(1)
    for path in files(folder):
        size = path.stat().st_size
        with path.open("rb", buffering=0) as stream:
            os.posix_fadvise(
                stream.fileno(), 0, 0, os.POSIX_FADV_RANDOM
            )  # a look brings in no more than its page
            for place in range(0, size, max(PAGE, size // SAMPLED)):
                looked += 1
                try:
                    found += os.preadv(stream.fileno(), [buffer], place, os.RWF_NOWAIT)
                except BlockingIOError:
                    continue
                except OSError as error:
                    if error.errno != errno.EOPNOTSUPP:
                        raise
                    found += 1  # a file system in memory has no other place for it
    return found / looked if looked else 0.0
