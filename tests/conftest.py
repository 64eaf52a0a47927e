"""What all tests share: an empty store, the sample world, real input where it lies beside the checkout."""

import importlib
import os
import signal
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from datacards.store import Store

if TYPE_CHECKING:
    from tests.s3 import Server, Shelf

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("DS_ACCELERATOR", "cpu")

# A shell that runs the tests in the background lets them ignore Ctrl-C, and so everything they start; the tests
# that press Ctrl-C must not depend on that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Scrapy looks through every module that is loaded when it is: cheap now, seconds once torch's are there.
if "PYTEST_XDIST_WORKER" in os.environ:
    importlib.import_module("scrapy.core.downloader.contextfactory")

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the files with the slowest tests begin first, so that none of them is left for a single worker at the end.

    Workers take file after file in this order (``--no-loadscope-reorder``), those with many tests before those with few.
    Two workers begin with every second file each: so they do not start two vLLM servers at once.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    ordered = sorted(files.values(), key=len, reverse=True)
    marks = [{mark.name for item in tests for mark in item.iter_markers()} for tests in ordered]
    serving = [tests for tests, named in zip(ordered, marks, strict=True) if "serve" in named]
    slow = [
        tests for tests, named in zip(ordered, marks, strict=True) if named & {"serve", "slow"} == {"slow"}
    ]
    first = [tests for pair in zip_longest(serving, slow) for tests in pair if tests]
    others = [tests for tests in ordered if tests not in first]
    items[:] = [item for tests in (*first, *others) for item in tests]


@pytest.fixture
def root() -> Path:
    """Return the root of the checkout."""
    return ROOT


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store."""
    return Store(tmp_path / "store")


@pytest.fixture(scope="session")
def s3() -> Iterator["Server"]:
    """Serve S3 on loopback."""
    from tests.s3 import serve  # loads a server of its own, which few tests need

    with serve() as server:
        yield server


@pytest.fixture
def shelf(s3: "Server", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Shelf":
    """Return an empty bucket that the environment leads to."""
    s3.calm()
    for name, value in s3.environment(tmp_path / "cache").items():
        monkeypatch.setenv(name, value)
    return s3.shelf()


def _beside(*parts: str) -> Path:
    path = ROOT.parent.joinpath("shared", *parts)
    if not path.is_dir():
        pytest.skip(f"real input is not here: no folder shared/{'/'.join(parts)} beside the checkout")
    return path


@pytest.fixture
def shared_data() -> Path:
    """Return the folder of real input, or skip."""
    return _beside("data")


@pytest.fixture
def shared_eval_data() -> Path:
    """Return the folder of real benchmark data, or skip."""
    return _beside("eval-data")
