"""Puts the programs of others beside ours: into a folder of their own, since their pins clash with the locks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements"
BUILD = ROOT / "build"


class PeersMissingError(Exception):
    """The peers cannot be installed; says why."""


def packages(lock: str = "peers.lock") -> Path:
    """Return the folder that holds what ``requirements/LOCK`` names, made on first use and when that changes.

    Every lock has a folder of its own: ``build/peers`` for peers.lock, ``build/peers-NAME`` for NAME.lock. It goes
    before the packages of this environment (``environment``), which hold the rest. Raises PeersMissingError when it
    cannot be made, offline above all.
    """
    named = LOCKS / lock
    folder = BUILD / ("peers" if lock == "peers.lock" else f"peers-{named.stem}")
    stamp = folder / ".lock"
    if stamp.is_file() and stamp.read_bytes() == named.read_bytes():
        return folder
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    words = [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--target",
        str(part),
        "-r",
        str(named),
    ]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False, timeout=600
        )
        if done.returncode:
            said = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "pip failed")
            raise PeersMissingError(f"requirements/{lock} cannot be installed ({said.strip()})")
        shutil.copy(named, part / ".lock")
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    except subprocess.TimeoutExpired as error:
        raise PeersMissingError(f"requirements/{lock} cannot be installed within 10 minutes") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def environment(scratch: Path, lock: str = "peers.lock") -> dict[str, str]:
    """Return the variables with which a peer of ``lock`` runs: its packages first, one thread, nothing fetched.

    What it keeps for itself goes below ``scratch``, so that no run finds the work of an earlier one.
    """
    return os.environ | {
        "PYTHONPATH": str(packages(lock)),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(scratch / "hf"),
        "DO_NOT_TRACK": "1",
    }
