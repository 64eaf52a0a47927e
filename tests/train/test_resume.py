"""A run that was killed goes on from its last saved step to the same bits."""

import os
import signal
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

Ask = Callable[..., TrainRecipe]
FILES = ("model.safetensors", "loss.jsonl", "rows.jsonl", "training.json")
OPTIONS = {"epochs": 5, "save_every": 5, "keep": 2}


def _killed_while_saving(recipe: Path, corpus: Ref, store: Store, work: Path) -> list[int]:
    """Start the command, kill it when it writes a state after its first two, and return the states that are whole."""
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
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        end = time.monotonic() + 240
        while process.poll() is None and time.monotonic() < end:
            if len(_whole(work)) == 2 and any(p.is_dir() for p in work.glob("steps/.[0-9]*")):
                break
            time.sleep(0.0005)
        assert process.poll() is None, process.stdout.read().decode() if process.stdout else ""
        os.kill(process.pid, signal.SIGKILL)
    assert not store.refs("trained")
    return _whole(work)


def _whole(work: Path) -> list[int]:
    return sorted(int(path.parent.name) for path in work.glob("steps/[0-9]*/whole.json"))


def _result(store: Store, ref: Ref) -> list[bytes]:
    return [(store.path(ref) / name).read_bytes() for name in FILES]


@pytest.mark.slow
def test_after_kill_9_the_final_weights_and_losses_are_equal_to_the_bit(
    ask: Ask, corpus: Ref, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed while it saved, and with the newest state damaged on top of that."""
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(ask(options=OPTIONS).model_dump_json(), encoding="utf-8")
    work = store.root / ".drafts" / "trained@2026.11.21" / ".work"
    before, newest = _killed_while_saving(recipe, corpus, store, work)[-2:]
    with (work / "steps" / str(newest) / "exp_avg.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xff")
    resumed = run(ask(options=OPTIONS), [str(corpus)], store)
    assert f"the state after step {newest} is passed over: damaged exp_avg.safetensors" in caplog.text
    card = store.card(resumed.ref)
    assert 0 < before < newest < card.counts["steps"]
    whole = run(ask(name="whole", options=OPTIONS), [str(corpus)], store)
    assert _result(store, resumed.ref) == _result(store, whole.ref)
    assert card.counts == store.card(whole.ref).counts
    assert not (store.path(resumed.ref) / ".work").exists()
