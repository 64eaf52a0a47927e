"""A run that was killed goes on from its last saved step to the same bits."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datacards.card import Ref
from datacards.store import Store
from train.recipe import TrainRecipe
from train.run import run

Ask = Callable[..., TrainRecipe]


def _killed(recipe: Path, corpus: Ref, store: Store) -> int:
    """Start the command, kill it after its first saved step, and return that step."""
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
    work = store.root / ".drafts" / "trained@2026.11.21" / ".work"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        end = time.monotonic() + 120
        while (
            process.poll() is None
            and time.monotonic() < end
            and not list(work.glob("steps/[0-9]*/whole.json"))
        ):
            time.sleep(0.01)
        assert process.poll() is None, process.stdout.read().decode() if process.stdout else ""
        os.kill(process.pid, signal.SIGKILL)
    saved = [int(path.parent.name) for path in work.glob("steps/[0-9]*/whole.json")]
    assert not store.refs("trained")
    return max(saved)


def _result(store: Store, ref: Ref) -> list[bytes]:
    return [(store.path(ref) / name).read_bytes() for name in ("model.safetensors", "loss.jsonl")]


def _compare(ask: Ask, corpus: Ref, store: Store, tmp_path: Path, **options: Any) -> None:
    options = {"epochs": 8, "save_every": 20, **options}
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(ask(options=options).model_dump_json(), encoding="utf-8")
    step = _killed(recipe, corpus, store)
    folder = store.root / ".drafts" / "trained@2026.11.21" / ".work" / "steps" / str(step)
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}  # nothing is pickled
    resumed = run(ask(options=options), [str(corpus)], store)
    card = store.card(resumed.ref)
    assert 0 < step < card.counts["steps"]
    whole = run(ask(name="whole", options=options), [str(corpus)], store)
    assert _result(store, resumed.ref) == _result(store, whole.ref)
    assert card.counts == store.card(whole.ref).counts
    assert not (store.path(resumed.ref) / ".work").exists()


def test_after_kill_9_the_final_weights_and_losses_are_equal_to_the_bit(
    ask: Ask, corpus: Ref, store: Store, tmp_path: Path
) -> None:
    _compare(ask, corpus, store, tmp_path)


@pytest.mark.slow
def test_zero_3_in_bf16_resumes_to_the_bit_too(ask: Ask, corpus: Ref, store: Store, tmp_path: Path) -> None:
    """Every process finds its own float32 share of the weights and moments again."""
    zero = {"zero_stage": 3, "num_processes": 2}
    _compare(ask, corpus, store, tmp_path, deepspeed=zero, precision="bf16", epochs=3)


def test_a_save_that_was_cut_short_does_not_count(ask: Ask, corpus: Ref, store: Store) -> None:
    """Without its last file a saved step is none, whatever else lies there."""
    recipe = ask(options={"save_every": 5, "max_steps": 10, "epochs": 2})
    half = store.root / ".drafts" / "trained@2026.11.21" / ".work" / "steps" / "5"
    made = run(recipe, [str(corpus)], store)
    half.mkdir(parents=True)
    (half / "optimizer-00000.safetensors").write_bytes(b"half")
    whole = run(
        ask(name="whole", options={"save_every": 5, "max_steps": 10, "epochs": 2}), [str(corpus)], store
    )
    assert _result(store, made.ref) == _result(store, whole.ref)
