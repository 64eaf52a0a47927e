"""How the benchmark of merging makes its checkpoints, what it counts as exact, and what it says of a small run."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from bench.merge_speed import main
from bench.merging.checkpoints import ROLES, make
from bench.merging.exact import differing, once
from bench.merging.process import ProgramFailedError, forget, keep, kept, run

GIB = 0.0005


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three checkpoints of half a mebibyte."""
    folder = tmp_path_factory.mktemp("made") / "family"
    make(folder, GIB)
    return folder


def state(folder: Path) -> dict[str, torch.Tensor]:
    return {
        name: value
        for path in sorted(folder.glob("*.safetensors"))
        for name, value in load_file(path).items()
    }


def test_the_checkpoints_are_of_one_architecture_and_of_the_size_asked_for(family: Path) -> None:
    models = {role: state(family / role) for role in ROLES}
    config = json.loads((family / "base" / "config.json").read_bytes())
    assert models["base"]["lm_head.weight"].shape == (config["vocab_size"], config["hidden_size"])
    assert {len(list((family / role).glob("*.safetensors"))) for role in ROLES} == {3}
    weights = sum(value.numel() for value in models["base"].values())
    assert 0.8 < 2 * weights / (GIB * 2**30) < 1.3
    name = "model.layers.0.mlp.up_proj.weight"
    moved = (models["instruct"][name].double() - models["base"][name].double()).std()
    assert 5.5e-4 < moved < 6.5e-4


def test_every_weight_that_is_not_the_exact_sum_counts(family: Path, tmp_path: Path) -> None:
    models = {role: state(family / role) for role in ROLES}
    exact = {
        name: (base.double() + (models["domain"][name].double() - base.double())
               + (models["instruct"][name].double() - base.double())).bfloat16()
        for name, base in models["base"].items()
    }  # fmt: skip
    save_file(exact, tmp_path / "model.safetensors")
    assert differing(family, tmp_path) == 0
    exact["model.norm.weight"][3] += 1
    save_file(exact, tmp_path / "model.safetensors")
    assert differing(family, tmp_path) * sum(value.numel() for value in exact.values()) == pytest.approx(1)


def test_a_number_is_rounded_once_to_the_nearest_and_ties_to_even() -> None:
    step = 2.0**-7  # between two bfloat16 numbers at 1
    numbers = np.array(
        [1 + step / 2, 1 + 3 * step / 2, 1 + step / 2 + 2.0**-40, -1 - step / 2 - 2.0**-40, 0.0]
    )
    assert once(numbers).tolist() == [1, 1 + 2 * step, 1 + step, -1 - step, 0]


def test_what_the_system_keeps_in_memory_is_seen(family: Path) -> None:
    keep(family)
    assert kept(family) == 1
    forget(family)
    assert kept(family) <= 1  # a file system in memory forgets nothing


def test_the_private_memory_of_a_program_is_seen(tmp_path: Path) -> None:
    code = "held = b'x' * 200_000_000\nimport time\ntime.sleep(0.2)"
    spent = run([sys.executable, "-c", code], tmp_path / "log")
    assert 0.18 < spent.anon < 0.25
    assert spent.rss >= spent.anon
    with pytest.raises(ProgramFailedError, match="status 3: no room"):
        run([sys.executable, "-c", "import sys; print('no room'); sys.exit(3)"], tmp_path / "log")


def test_a_small_run_tells_the_ratios() -> None:
    words = [
        "--gib",
        str(GIB),
        "--methods",
        "task_arithmetic",
        "--repeat",
        "1",
        "--peers",
        "",
        "--growth",
        "",
    ]
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    told = json.loads(done.output.splitlines()[-1])
    assert told["ratio_limit"] > 0 < told["peak_gib"]
    assert told["not_exact"] == {"ours": 0, "command": 0}
    assert {row["name"] for row in told["rows"]} == {"limit", "limit_one", "ours", "command"}
