"""What all tests share: an empty store, the sample world, real input where it lies beside the checkout."""

import os
import signal
from pathlib import Path

import pytest

from datacards.store import Store

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("DS_ACCELERATOR", "cpu")

# A shell that runs the tests in the background lets them ignore Ctrl-C, and so everything they start; the tests
# that press Ctrl-C must not depend on that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def root() -> Path:
    """Return the root of the checkout."""
    return ROOT


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store."""
    return Store(tmp_path / "store")


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
