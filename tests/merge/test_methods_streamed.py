"""The engine gives each method's numbers to the bit: what the driver of the other tests computes, from files and in threads."""

from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from merge.base import Merger
from merge.files import read_index
from merge.mergers.breadcrumbs import Breadcrumbs
from merge.mergers.dare_linear import DareLinear
from merge.mergers.dare_ties import DareTies
from merge.mergers.della import Della
from merge.mergers.linear import Linear
from merge.mergers.model_stock import ModelStock
from merge.mergers.nuslerp import NuSlerp
from merge.mergers.sce import Sce
from merge.mergers.slerp import Slerp
from merge.mergers.task_arithmetic import TaskArithmetic
from merge.mergers.ties import Ties
from merge.plan import Input, Plan, Target
from merge.streaming.engine import merge as stream
from merge.streaming.sinks import Memory
from tests.merge.parts import SEED, merge, tensors

SHAPES = {"matrix": (300, 700), "vector": (70_000,)}
MERGERS = [
    Linear(), TaskArithmetic(scale=0.5), Slerp(t=0.3), NuSlerp(), Ties(density=0.3), DareLinear(), DareTies(), Della(),
    Breadcrumbs(density=0.4), ModelStock(), Sce(select=0.4),
]  # fmt: skip


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, dict[str, Any]]:
    """A plan of two tensors of three models, and the numbers that are stored."""
    root = tmp_path_factory.mktemp("stored")
    numbers: dict[str, Any] = {name: tensors(shape, 2) for name, shape in SHAPES.items()}
    roles = ("base", "domain", "instruct")
    for role in roles:
        (root / role).mkdir()
        models = {
            name: (base + vectors[role] if role in vectors else base).astype(np.float32)
            for name, (base, vectors) in numbers.items()
        }
        save_file(models, root / role / "model.safetensors")
    at = {role: read_index(root / role) for role in roles}
    targets = [
        Target(name, shape, Input(at["base"][name]), {role: Input(at[role][name]) for role in roles[1:]})
        for name, shape in SHAPES.items()
    ]
    return Plan(targets, layers=1), numbers


@pytest.mark.parametrize("merger", MERGERS, ids=lambda merger: type(merger).__name__)
@pytest.mark.parametrize("threads", [1, 3])
def test_the_engine_gives_the_numbers_of_the_method(
    merger: Merger, threads: int, stored: tuple[Plan, dict[str, Any]]
) -> None:
    plan, numbers = stored
    sink = Memory(plan, "F32")
    stream(plan, dict.fromkeys(SHAPES, merger), sink, dtype="F32", seed=SEED, threads=threads)
    for name, (base, vectors) in numbers.items():
        size = 65_536 if merger.sees == "pieces" else base.size
        wanted = merge(merger, base, vectors, size, tensor=name).astype(np.float32)
        assert np.array_equal(sink.arrays[name], wanted.ravel())
