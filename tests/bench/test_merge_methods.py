"""How the benchmark of the merge methods compares two results."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench.merge_methods import ALONE, CASES, Apart, apart, make, ours, stored
from datacards import plugins


def bits(*numbers: float) -> dict[str, NDArray[np.uint16]]:
    return {"w": torch.tensor(numbers, dtype=torch.bfloat16).view(torch.uint16).numpy()}


def test_equal_results_differ_nowhere() -> None:
    same = apart(bits(1, -2, 0), bits(1, -2, 0), bits(0.5, 0, 0))
    assert same == Apart(0.0, 0.0, 0.0)
    assert str(same) == "equal"


def test_differences_are_counted_in_steps_and_against_what_was_merged() -> None:
    """A step of bfloat16 is 1/128 from 1 on; the second weight is as far off as it was moved."""
    found = apart(bits(1.0, 2.0, 4.0), bits(1.0 + 3 / 128, 1.0, 4.0), bits(1.0, 3.0, 4.0))
    assert found.share == pytest.approx(2 / 3)
    assert found.steps == 64  # 1 in steps of the base's 3, which are 1/64
    assert found.distance == pytest.approx(np.hypot(3 / 128, 1.0))


def test_numbers_near_zero_count_in_the_steps_of_the_weight_they_come_from() -> None:
    assert apart(bits(1e-6), bits(-1e-6), bits(1.0)).steps < 0.001


def test_every_method_is_held_against_mergekit_s_or_named_as_one_that_it_lacks() -> None:
    assert set(plugins.names("kanagura.mergers")) <= {case.merger for case in CASES} | set(ALONE)
    assert len({case.name for case in CASES}) == len(CASES)


def test_a_case_asks_both_sides_for_the_same_models(tmp_path: Path) -> None:
    make(tmp_path, 8, 4, 1)
    case = next(case for case in CASES if case.name == "task_arithmetic")
    config = case.config(tmp_path / "float32", "float32")
    assert [Path(model["model"]).name for model in config["models"]] == list(case.roles)
    assert [model["parameters"]["weight"] for model in config["models"]] == list(
        case.options["weights"].values()
    )
    base = stored(tmp_path / "float32" / "base")
    assert apart(ours(case, tmp_path / "float32"), base, base).share > 0.5
