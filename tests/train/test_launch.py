"""Several processes and machines: the same result as one, and an end of all when one of them dies."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from datacards.card import Ref
from datacards.store import Store
from train.recipe import TrainRecipe
from train.run import run

Ask = Callable[..., TrainRecipe]
TWO = {"zero_stage": 2, "num_processes": 2}


def _losses(folder: Path) -> list[float]:
    lines = (folder / "loss.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line)["loss"] for line in lines if line.endswith("\n")]


def _start(recipe: TrainRecipe, folder: Path, corpus: Ref, store: Store, *more: str) -> Any:
    path = folder / f"{recipe.name}.yaml"
    path.write_text(recipe.model_dump_json(), encoding="utf-8")
    words = ["-m", "train", str(path), "--corpus", str(corpus), "--store", str(store.root), *more]
    return subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _workers(launcher: int) -> Iterator[int]:
    """Yield the processes that a launcher has started to train."""
    for task in Path(f"/proc/{launcher}/task").glob("*/children"):
        for child in task.read_text(encoding="ascii").split():
            if b"train.trainers.worker" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                yield int(child)
            yield from _workers(int(child))


@pytest.mark.slow
def test_two_machines_give_the_losses_of_one_process(
    ask: Ask, corpus: Ref, store: Store, tmp_path: Path
) -> None:
    """Each a launcher of its own with one process, here on one loopback; the second takes no lock and ends with the run."""
    options = {"rows_per_device": 1, "max_steps": 6}
    recipe = ask(options={**options, "deepspeed": TWO})
    meet = ("--machines", "2", "--main", f"127.0.0.1:{_port()}")
    with (
        _start(recipe, tmp_path, corpus, store, *meet, "--machine-rank", "1") as second,
        _start(recipe, tmp_path, corpus, store, *meet) as first,
    ):
        told = [process.communicate(timeout=300)[0].decode() for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], told
    assert "machine 1: its processes have ended; machine 0 writes the version" in told[1]
    alone = run(ask(name="alone", options=options), [str(corpus)], store)
    both = store.resolve("trained@2026.11.21")
    assert _losses(store.path(both)) == pytest.approx(_losses(store.path(alone.ref)), abs=5e-4)


@pytest.mark.slow
def test_a_killed_process_ends_the_run_which_goes_on_with_another_number(
    ask: Ask, corpus: Ref, store: Store, tmp_path: Path
) -> None:
    """Without DeepSpeed two processes are plain data parallel; the curve up to the kill is that of one process."""
    recipe = ask(options={"rows_per_device": 1, "epochs": 6, "learning_rate": 1e-4})
    draft = store.root / ".drafts" / "trained@2026.11.21"
    with _start(recipe, tmp_path, corpus, store, "--processes", "2") as both:
        end = time.monotonic() + 240
        while both.poll() is None and time.monotonic() < end:
            if (draft / "loss.jsonl").is_file() and len(found := _losses(draft)) >= 8:
                break
            time.sleep(0.05)
        os.kill(max(_workers(both.pid)), signal.SIGKILL)
        told = both.communicate(timeout=60)[0].decode()
    assert both.returncode == 1
    assert "was ended by SIGKILL" in told
    assert "run the same command again" in told
    made = run(recipe, [str(corpus)], store)
    assert store.card(made.ref).counts["steps"] > len(found)
    assert found == pytest.approx(_losses(store.path(made.ref))[: len(found)], abs=5e-4)
