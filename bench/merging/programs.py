"""The programs that merge three checkpoints, and those that only move as many bytes: their commands and settings."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from bench.merging.process import files
from bench.peers.install import ROOT, environment

LOCK = "mergekit.lock"
DENSITY = 0.5
METHODS: Mapping[str, Mapping[str, Any]] = {  # our options; mergekit has the same by other names
    "task_arithmetic": {},
    "ties": {"density": DENSITY},
    "dare_linear": {"density": DENSITY},
}
BEST = ("--async-write", "--write-threads", "2", "--out-shard-size", "500M")  # mergekit's fastest flags
# The arithmetic of mergekit: that of the inputs, as most recipes have it, and exact.
DTYPES: Mapping[str, Mapping[str, str]] = {
    "mergekit": {"dtype": "bfloat16"},
    "mergekit_best": {"dtype": "bfloat16"},
    "mergekit_exact": {"dtype": "float32", "out_dtype": "bfloat16"},
}
LIMIT, LIMIT_ONE, OURS, COMMAND = "limit", "limit_one", "ours", "command"


class Program(NamedTuple):
    """A command, its variables, and the folder that it fills, which must not be there before."""

    command: Sequence[str]
    environment: Mapping[str, str]
    out: Path


def program(name: str, method: str, family: Path, work: Path) -> Program:
    """Return the program ``name`` on the checkpoints below ``family``; what it needs lies in ``work`` already.

    Raises PeersMissingError when it is a peer that cannot be installed.
    """
    out = work / "out"
    if name in (LIMIT, LIMIT_ONE):
        return Program(
            ["bash", "-c", _moves(family, out, at_once=1 if name == LIMIT_ONE else 2)], os.environ, out
        )
    if name in (OURS, COMMAND):
        recipe = _our_recipe(method, family, work)
        words = ["-m", "bench.merging.ours", str(recipe), str(out)]
        if name == COMMAND:
            words = ["-m", "merge", str(recipe), "--store", str(out)]
        return Program(
            [sys.executable, *words],
            os.environ | {"PYTHONPATH": str(ROOT)},
            out,
        )
    words = [
        "-m",
        "mergekit.scripts.run_yaml",
        str(_their_recipe(method, family, work, DTYPES[name])),
        str(out),
    ]
    # Their card would ask the hub about local folders, and fail offline.
    words += ["--no-write-model-card", "--quiet", *(BEST if name == "mergekit_best" else ())]
    threads = {"OMP_NUM_THREADS": str(os.cpu_count())}
    return Program([sys.executable, *words], environment(work, LOCK) | threads, out)


def _moves(family: Path, out: Path, at_once: int) -> str:
    """Return the shell's words for: read three models and write one, with the system's own tools."""
    copies = [f"cp '{path}' '{out}/'" for path in files(family / "base")]
    reads = [f"cat '{path}' > /dev/null" for role in ("domain", "instruct") for path in files(family / role)]
    words = "\n".join([*copies, *reads])
    return f"mkdir '{out}' && xargs -P {at_once} -d '\\n' -n 1 sh -c <<'END'\n{words}\nEND"


def _our_recipe(method: str, family: Path, work: Path) -> Path:
    recipe = {
        "name": "merged", "version": "2026.11.26", "description": "Made to be measured.", "merger": method,
        "options": dict(METHODS[method]), **{role: str(family / role) for role in ("base", "domain", "instruct")},
    }  # fmt: skip
    return _write(work / "ours.yaml", recipe)


def _their_recipe(method: str, family: Path, work: Path, dtypes: Mapping[str, str]) -> Path:
    parameters = {"weight": 1.0, **METHODS[method]}
    models = [{"model": str(family / role), "parameters": parameters} for role in ("domain", "instruct")]
    recipe = {"merge_method": method, "base_model": str(family / "base"), "models": models, **dtypes}
    return _write(work / "mergekit.yaml", recipe)


def _write(path: Path, recipe: Mapping[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path
