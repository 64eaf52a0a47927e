"""Programs in processes forked from one that has loaded what they need, so that a test may start and kill many."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SERVER = """
import importlib, json, os, signal, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who has ended is gone at once
print("ready", flush=True)
for line in sys.stdin:
    if os.fork():
        continue
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    program, *sys.argv[1:] = json.loads(line)
    print(os.getpid(), flush=True)
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    try:
        exec(compile(program, "<forked>", "exec"), {"__name__": "__main__"})
    finally:
        os._exit(0)
"""


@dataclass(frozen=True)
class Fork:
    """A running program, the leader of a group of its own."""

    pid: int
    handle: int

    def alive(self) -> bool:
        """Tell whether it has not ended."""
        return self.handle >= 0 and not select.select([self.handle], [], [], 0)[0]

    def kill(self) -> None:
        """Kill it and all that it has started, and wait until it is gone."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if self.handle >= 0:
            select.select([self.handle], [], [])
            os.close(self.handle)


@dataclass(frozen=True)
class Forks:
    """The process that forks."""

    process: subprocess.Popen[str]

    def start(self, program: str, *words: str) -> Fork:
        """Run the text of a program as ``python -c`` would, with words in ``sys.argv``; what it says is lost."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps([program, *words]) + "\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline())
        try:
            return Fork(pid, os.pidfd_open(pid))
        except ProcessLookupError:
            return Fork(pid, -1)


@contextmanager
def forks(*modules: str) -> Iterator[Forks]:
    """Start a process that loads modules and forks, and end it with the block."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, *modules],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parent.parent,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield Forks(process)
        assert process.stdin
        process.stdin.close()
