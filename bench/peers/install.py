"""Puts the programs of others beside ours: into a folder of their own, since their pins clash with the locks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements" / "peers.lock"
FOLDER = ROOT / "build" / "peers"


class PeersMissingError(Exception):
    """The peers cannot be installed; says why."""


def packages() -> Path:
    """Return the folder that holds what ``requirements/peers.lock`` names, made on first use and when that changes.

    It goes before the packages of this environment (``environment``), which hold the rest. Raises PeersMissingError
    when it cannot be made, offline above all.
    """
    stamp = FOLDER / ".lock"
    if stamp.is_file() and stamp.read_bytes() == LOCK.read_bytes():
        return FOLDER
    part = FOLDER.with_name(f"peers.{os.getpid()}.part")
    words = [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--target",
        str(part),
        "-r",
        str(LOCK),
    ]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False, timeout=600
        )
        if done.returncode:
            said = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "pip failed")
            raise PeersMissingError(f"requirements/peers.lock cannot be installed ({said.strip()})")
        shutil.copy(LOCK, part / ".lock")
        shutil.rmtree(FOLDER, ignore_errors=True)
        part.rename(FOLDER)
    except subprocess.TimeoutExpired as error:
        raise PeersMissingError("requirements/peers.lock cannot be installed within 10 minutes") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return FOLDER


def environment(scratch: Path) -> dict[str, str]:
    """Return the variables with which a peer runs: its packages first, one thread, nothing reported or fetched.

    What it keeps for itself goes below ``scratch``, so that no run finds the work of an earlier one.
    """
    return os.environ | {
        "PYTHONPATH": str(packages()),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(scratch / "hf"),
        "DO_NOT_TRACK": "1",
    }
