"""A vLLM server in a process of its own, and what is seen of it and of the GPU while it works."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import click


@contextmanager
def serving(
    flags: Sequence[str], environment: Mapping[str, str], folder: Path, ready_s: float
) -> Iterator[str]:
    """Serve on a free loopback port until left; yields ``http://127.0.0.1:PORT``.

    Raises click.ClickException with the end of the log when the server ends or is not ready after ``ready_s`` seconds.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    words = [
        sys.executable,
        "-m",
        "vllm.entrypoints.openai.api_server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with (
        log.open("wb") as said,
        subprocess.Popen(
            [*words, *flags],
            stdout=said,
            stderr=said,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
        ) as process,
    ):
        try:
            _wait(f"http://127.0.0.1:{port}/health", process, log, ready_s)
            yield f"http://127.0.0.1:{port}"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _wait(health: str, process: "subprocess.Popen[bytes]", log: Path, ready_s: float) -> None:
    end = time.monotonic() + ready_s
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(health, timeout=5) as page:  # noqa: S310  loopback
                if page.status == 200:
                    return
        except OSError:
            time.sleep(0.5)
    raise click.ClickException(f"the vLLM server did not start:\n{log.read_text(errors='replace')[-6000:]}")


def gpu() -> str:
    """Return the name of the first NVIDIA GPU, or nothing when there is none."""
    said = _smi("name")
    return said[0] if said else ""


def _smi(fields: str) -> list[str]:
    program = shutil.which("nvidia-smi")
    if not program:
        return []
    words = [program, f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    return [one.strip() for one in lines[0].split(",")] if lines else []


class Watch:
    """Looks every ``every`` seconds at the server's count of generated tokens, and at the GPU where there is one.

    After it is left: ``rates`` (output tokens a second of each interval), ``memory_mib`` and ``busy_percent`` (the
    most memory and the mean utilization of the GPU; None without one), ``cpu_s`` (what watching itself took).
    """

    def __init__(self, address: str, every: float = 2.0) -> None:
        self.rates: list[int] = []
        self.memory_mib: int | None = None
        self.busy_percent: float | None = None
        self.cpu_s = 0.0
        self._address = f"{address}/metrics"
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        before, at, busy = self._generated(), time.perf_counter(), []
        while not self._over.wait(self._every):
            now, here = self._generated(), time.perf_counter()
            self.rates.append(round((now - before) / (here - at)))
            before, at = now, here
            if seen := _smi("memory.used,utilization.gpu"):
                self.memory_mib = max(self.memory_mib or 0, int(seen[0]))
                busy.append(float(seen[1]))
        self.busy_percent = round(sum(busy) / len(busy), 1) if busy else None
        self.cpu_s = time.thread_time()

    def _generated(self) -> float:
        try:
            with urllib.request.urlopen(self._address, timeout=10) as page:  # noqa: S310  loopback
                lines = page.read().decode().splitlines()
        except OSError:
            return 0.0
        return sum(
            float(line.split()[-1]) for line in lines if line.startswith("vllm:generation_tokens_total")
        )
