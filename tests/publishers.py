"""Publishes in processes of their own, forked from one that has loaded everything, so that a test may kill fifty."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from datacards.card import Ref
from datacards.store import Store

FORKER = """
import os, signal, sys
import datacards.targets.bucket, datacards.targets.hub
from datacards.errors import UserError
from datacards.store import Store
from datacards.targets.publish import publish

WRITES = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir")

def step_in(folder, number):
    seen = []
    def count(event, arguments):
        if event in WRITES and any(isinstance(one, (str, os.PathLike)) and str(one).startswith(folder) for one in arguments):
            seen.append(event)
            if len(seen) == number:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)
    return seen

print("ready", flush=True)
for line in sys.stdin:
    root, ref, target, number = line.rstrip("\\n").split("\\t")
    if pid := os.fork():
        print("pid", pid, flush=True)
        print("exit", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
        continue
    try:
        steps = [] if "://" in target else step_in(target, int(number))
        store = Store(root)
        (done,) = publish(store, store.resolve(ref), [target])
        print("done", done.files_new, done.files_there, done.bytes, len(steps), flush=True)
    except UserError as error:
        print("refused", error.message.replace("\\n", " "), flush=True)
    os._exit(0)
"""


@dataclass
class Child:
    """One publishing process: looks like a subprocess to whoever kills it."""

    known: threading.Event = field(default_factory=threading.Event)
    pid: int = 0

    def send_signal(self, number: int) -> None:
        assert self.known.wait(20)
        os.kill(self.pid, number)

    def wait(self) -> None:
        """Leave the waiting to the process that has forked it."""


@dataclass(frozen=True)
class Publisher:
    """The process that forks, and the store that it publishes from."""

    process: subprocess.Popen[str]
    store: Store

    def run(self, ref: Ref, target: str, *, child: Child | None = None, number: int = 0) -> tuple[str, ...]:
        """Publish in a new process and return the words that it said, ('killed',) when it was killed.

        ``child`` learns the process's number; with a folder as target it is killed at its ``number``-th step there.
        """
        return told(self.process, (str(self.store.root), str(ref), target, str(number)), child)


def told(process: subprocess.Popen[str], words: Sequence[str], child: Child | None = None) -> tuple[str, ...]:
    """Hand words to a process that forks for them, and return what the fork said, ('killed',) when it was killed."""
    assert process.stdin and process.stdout
    process.stdin.write("\t".join(words) + "\n")
    process.stdin.flush()
    said: tuple[str, ...] = ()
    for line in process.stdout:
        word, *rest = line.split()
        if word == "pid" and child:
            child.pid = int(rest[0])
            child.known.set()
        elif word in ("done", "refused"):
            said = (word, *rest)
        elif word == "exit":
            return ("killed",) if int(rest[0]) == -signal.SIGKILL else said
    raise AssertionError("the process that forks is gone")


@contextmanager
def forker(environment: Mapping[str, str], program: str = FORKER) -> Iterator[subprocess.Popen[str]]:
    """Start a process that forks, and end it with the block."""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, **environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).resolve().parent.parent,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
        assert process.stdin
        process.stdin.close()
