"""The course of a run through a real server process: planned, asked, judged, counted, resumed."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.rephrase.test_vllm_server import free_port


class Server:
    """The model server of these tests in a process of its own."""

    def __init__(self, port: int, latency: float = 0.0) -> None:
        self.port = port
        words = [sys.executable, "-m", "tests.rephrase.model_server", str(port), "--latency", str(latency)]
        self.process = subprocess.Popen(words)
        for _ in range(200):
            try:
                self.prompts()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def prompts(self) -> int:
        """Return how many prompts it has answered."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count", timeout=5) as page:
            return int(json.load(page)["prompts"])

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(free_port())
    yield made
    made.stop()
