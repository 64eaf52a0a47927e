"""Several processes and machines: the same result as one, and an end of all when one of them dies."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from datacards.card import Ref
from datacards.store import Store
from train.recipe import TrainRecipe
from train.run import run
from train.where import Where

Ask = Callable[..., TrainRecipe]
TWO = {"zero_stage": 2, "num_processes": 2}


def _losses(store: Store, ref: Ref) -> list[float]:
    lines = (store.path(ref) / "loss.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["loss"] for line in lines]


def _start(recipe: Path, corpus: Ref, store: Store, *more: str) -> "subprocess.Popen[str]":
    command = [
        sys.executable,
        "-m",
        "train",
        str(recipe),
        "--corpus",
        str(corpus),
        "--store",
        str(store.root),
    ]
    return subprocess.Popen([*command, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _recipe(folder: Path, asked: TrainRecipe) -> Path:
    path = folder / f"{asked.name}.yaml"
    path.write_text(asked.model_dump_json(), encoding="utf-8")
    return path


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_plain_data_parallel_training_gives_the_losses_of_one_process(
    ask: Ask, corpus: Ref, store: Store
) -> None:
    """And asks for the same version: on what it runs is no part of the request."""
    options = {"rows_per_device": 2, "max_steps": 8}
    alone = run(ask(options=options), [str(corpus)], store)
    both = run(ask(name="both", options=options), [str(corpus)], store, Where(processes=2))
    assert _losses(store, both.ref) == pytest.approx(_losses(store, alone.ref), abs=5e-4)
    asked = [store.card(made.ref).recipe["options"] for made in (alone, both)]
    assert asked[0] == asked[1]


def test_two_machines_give_the_bits_of_two_processes(
    ask: Ask, corpus: Ref, store: Store, tmp_path: Path
) -> None:
    """Each a launcher of its own with one process, here on one loopback; the second takes no lock and ends with the run."""
    options = {"rows_per_device": 1, "max_steps": 6, "deepspeed": TWO}
    recipe = _recipe(tmp_path, ask(options=options))
    meet = ("--machines", "2", "--main", f"127.0.0.1:{_port()}")
    with (
        _start(recipe, corpus, store, *meet, "--machine-rank", "1") as second,
        _start(recipe, corpus, store, *meet) as first,
    ):
        told = [process.communicate(timeout=300)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], told
    assert "machine 1: its processes have ended" in told[1]
    there = store.resolve("trained@2026.11.21")
    here = run(ask(name="here", options=options), [str(corpus)], store)
    files = ("model.safetensors", "loss.jsonl")
    assert all((store.path(there) / f).read_bytes() == (store.path(here.ref) / f).read_bytes() for f in files)


def test_a_killed_process_ends_the_run_and_is_named(
    ask: Ask, corpus: Ref, store: Store, tmp_path: Path
) -> None:
    recipe = _recipe(tmp_path, ask(options={"rows_per_device": 1, "epochs": 500}))
    with _start(recipe, corpus, store, "--processes", "2") as run_:
        losses = store.root / ".drafts" / "trained@2026.11.21" / "loss.jsonl"
        end = time.monotonic() + 240
        while (
            run_.poll() is None and time.monotonic() < end and not (losses.is_file() and losses.read_bytes())
        ):
            time.sleep(0.05)
        os.kill(_worker_of(run_.pid), signal.SIGKILL)
        told, _ = run_.communicate(timeout=60)
    assert run_.returncode == 1
    assert "was ended by SIGKILL" in told
    assert "it goes on from the last saved step" in told


def _worker_of(launcher: int) -> int:
    """Return a process that a launcher has started to train, the last one."""
    found = [launcher]
    while found:
        last = found
        found = [
            int(child)
            for pid in last
            for task in Path(f"/proc/{pid}/task").glob("*/children")
            for child in task.read_text(encoding="ascii").split()
        ]
        found = [pid for pid in found if b"python" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return last[-1]
