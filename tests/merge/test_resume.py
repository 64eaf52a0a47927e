"""A merge that is stopped goes on where it was, ends in the same bytes, and shows nothing half-made."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from datacards.errors import UserError
from datacards.store import Store
from merge.files import lay_out
from merge.mergers.ties import Ties
from merge.plan import plan, read_models
from merge.recipe import MergeRecipe
from merge.run import JOURNAL, run
from merge.streaming.cuts import BLOCK
from merge.streaming.engine import merge
from merge.streaming.sinks import Laid

ROLES = ("base", "domain", "instruct")
RUN = """
import sys, time
from datacards.recipe import read_recipe
from datacards.store import Store
from merge.recipe import MergeRecipe
from merge.run import run
print(run(read_recipe(__import__("pathlib").Path(sys.argv[1]), MergeRecipe), Store(sys.argv[2])).ref)
"""


@pytest.fixture(scope="module")
def large(family: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A family whose only weights are eight tensors of two blocks each: some twenty milliseconds of work a tensor."""
    root = family()
    made = tmp_path_factory.mktemp("large")
    torch.manual_seed(1)
    base = {f"model.layers.{i}.w": torch.randn(2, BLOCK) for i in range(8)}
    for role in ROLES:
        (made / role).mkdir()
        for path in (root / role).iterdir():
            if path.suffix != ".safetensors":
                (made / role / path.name).write_bytes(path.read_bytes())
        moved = {name: (value + 0.1 * torch.randn(value.shape)).bfloat16() for name, value in base.items()}
        save_file(moved, made / role / "model.safetensors", metadata={"format": "pt"})
    return made


def _recipe(root: Path, **more: Any) -> dict[str, Any]:
    named = {role: str(root / role) for role in ROLES}
    return {"name": "merged", "version": "2026.11.21", **named, "merger": "ties", **more}


def _journal(store: Path) -> Path:
    return store / ".drafts" / "merged@2026.11.21" / ".work" / JOURNAL


def test_killed_at_any_time_it_goes_on_and_ends_in_the_same_bytes(large: Path, tmp_path: Path) -> None:
    recipe, wanted = _recipe(large), Store(tmp_path / "whole")
    run(MergeRecipe.model_validate(recipe), wanted)
    path, stopped = tmp_path / "recipe.yaml", tmp_path / "stopped"
    path.write_text(json.dumps(recipe), encoding="utf-8")
    counts = []
    for blocks in (1, 5):
        with subprocess.Popen(
            [sys.executable, "-c", RUN, str(path), str(stopped)], stderr=subprocess.DEVNULL
        ) as process:
            deadline = time.monotonic() + 120
            while process.poll() is None and _lines(_journal(stopped)) <= blocks:
                assert time.monotonic() < deadline
                time.sleep(0.002)
            os.kill(process.pid, signal.SIGKILL)
        counts.append(_lines(_journal(stopped)))
        assert Store(stopped).refs() == []
        assert not (stopped / "merged").exists()
    assert 1 < counts[0] < counts[1] < 17  # the second run went on behind the first and was stopped, too
    before = _journal(stopped).read_bytes()
    ref = run(MergeRecipe.model_validate(recipe), Store(stopped)).ref
    assert Store(stopped).verify(ref) == []
    for name in ("model.safetensors", "similarity.json", "config.json"):
        ours, theirs = (store.path(store.resolve(str(ref.name))) / name for store in (Store(stopped), wanted))
        assert ours.read_bytes() == theirs.read_bytes(), name
    assert before.count(b"\n") > 2


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def test_a_block_that_was_lost_with_the_power_is_computed_again(large: Path, tmp_path: Path) -> None:
    """The journal says that it is written and its bytes are not there; a torn line at the end is passed over."""
    planned = plan(read_models({role: large / role for role in ROLES}), tokenizer="base")
    laid = lay_out(tmp_path, [(t.name, "BF16", t.shape) for t in planned.targets], 10**9)
    path, journal = tmp_path / "model.safetensors", tmp_path / JOURNAL

    def go() -> tuple[bytes, list[Any]]:
        with Laid({tensor.name: tensor for tensor in laid}) as sink:
            methods = {target.name: Ties() for target in planned.targets}
            measured = merge(planned, methods, sink, dtype="BF16", journal=journal)
        return path.read_bytes(), [one.dots.tolist() for one in measured]

    wanted = go()
    lines = journal.read_bytes().splitlines(keepends=True)
    damaged = bytearray(wanted[0])
    damaged[-BLOCK:] = bytes(BLOCK)  # the second half of the last block
    path.write_bytes(damaged)
    journal.write_bytes(b"".join(lines[:-1]) + lines[-1][:-9])
    assert go() == wanted
    journal.write_bytes(b"".join(lines))
    path.write_bytes(damaged)
    assert go() == wanted


def test_a_full_disk_is_told_before_any_work_and_leaves_nothing_to_see(large: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(small)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        store = Store(small / "store")
        with pytest.raises(UserError, match=r"merged@2026\.11\.21: the disk is full"):
            run(MergeRecipe.model_validate(_recipe(large)), store)
        assert store.refs() == []
        assert not list(small.glob("store/merged/*"))
    finally:
        subprocess.run(["umount", str(small)], check=True)
