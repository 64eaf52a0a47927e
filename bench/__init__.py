"""Whole-capability benchmarks: ratios against a peer measured in the same run."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What one process cost: wall and CPU seconds, and the peak of its resident memory in MiB."""

    wall: float
    cpu: float
    peak: float


# The kernel's own figure for a waited process counts the moment before exec, when it still was its parent.
_PEAK = """
from pathlib import Path as _Path
print(next(line.split()[1] for line in _Path("/proc/self/status").open() if line.startswith("VmHWM")))
"""


def measured(code: str, arguments: Sequence[str] = ()) -> Cost:
    """Run Python ``code`` in a process of its own and return what it cost; SystemExit when it fails."""
    start = time.perf_counter()
    words = [sys.executable, "-c", code + _PEAK, *arguments]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        printed = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a benchmark's process ended with status {process.returncode}")
    return Cost(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, int(printed.split()[-1]) / 1024)
