"""What few checkpoints hold and some do: tensors without elements, numbers that are none, vectors of few tensors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from datacards.errors import UserError
from merge.base import Merger, Part
from merge.files import read_index
from merge.mergers.breadcrumbs import Breadcrumbs
from merge.mergers.dare_ties import DareTies
from merge.mergers.della import Della
from merge.mergers.iso_c import IsoC
from merge.mergers.sce import Sce
from merge.mergers.slerp import Slerp
from merge.mergers.task_arithmetic import TaskArithmetic
from merge.mergers.ties import Ties
from merge.numbers import narrow, stochastic, widen
from merge.plan import Input, Plan, Target
from merge.similarity.record import similarity
from merge.streaming.engine import merge
from merge.streaming.measured import Measured
from merge.streaming.sinks import Memory

N = 1 << 18
Made = tuple[list[Measured], Any]


def _merge(root: Path, merger: Merger, models: Mapping[str, Any], dtype: str = "F32", **more: Any) -> Made:
    """Merge one tensor of every model, by role, the base's first."""
    for role, numbers in models.items():
        (root / role).mkdir()
        save_file({"w": numbers}, root / role / "model.safetensors")
    found = {role: Input(read_index(root / role)["w"]) for role in models}
    target = Target("w", found["base"].at.shape, found.pop("base"), found)
    planned = Plan([target], 1)
    sink = Memory(planned, dtype)
    measured = merge(planned, {"w": merger}, sink, dtype=dtype, **more)
    return measured, sink.arrays["w"]


def _models(shape: tuple[int, ...]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {role: rng.normal(0, 1, shape).astype(np.float32) for role in ("base", "domain", "instruct")}


@pytest.mark.parametrize("merger", [TaskArithmetic(), Ties(), Slerp(), Della(), Sce(), IsoC()])
@pytest.mark.parametrize("shape", [(0,), (4, 0), ()])
def test_a_tensor_without_elements_or_sides_is_merged(
    tmp_path: Path, merger: Merger, shape: tuple[int, ...]
) -> None:
    measured, merged = _merge(tmp_path, merger, _models(shape))
    assert similarity(measured[0]).n == merged.size == int(np.prod(shape))


def test_vectors_that_lack_each_others_tensors_are_all_added(tmp_path: Path) -> None:
    """No tensor is one of every model: which are merged is known from the plan."""
    for role, names in {"base": ("a", "b"), "one": ("a",), "two": ("b",)}.items():
        (tmp_path / role).mkdir()
        save_file({name: np.ones(3, np.float32) for name in names}, tmp_path / role / "model.safetensors")
    at = {role: read_index(tmp_path / role) for role in ("base", "one", "two")}
    targets = [
        Target(name, (3,), Input(at["base"][name]), {role: Input(at[role][name], vector=True)})
        for name, role in (("a", "one"), ("b", "two"))
    ]
    for roles in ((), ("one", "two")):
        planned = Plan(targets, 1, roles=roles)
        sink = Memory(planned, "F32")
        measured = merge(planned, dict.fromkeys("ab", TaskArithmetic()), sink, dtype="F32")
        assert {name: numbers.tolist() for name, numbers in sink.arrays.items()} == {
            "a": [2] * 3,
            "b": [2] * 3,
        }
        assert [one.roles for one in measured] == [("one", "two")] * 2
        assert [np.diag(one.dots).tolist() for one in measured] == [[3, 0], [0, 3]]


@pytest.mark.parametrize(
    "merger", [TaskArithmetic(), Ties(), DareTies(density=0.1), Breadcrumbs(), Sce(), Slerp()]
)
@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("role", ["base", "instruct"])
def test_a_number_that_is_none_is_told_with_its_model(
    tmp_path: Path, merger: Merger, strange: float, role: str
) -> None:
    """An election may leave it out and a draw may drop it: the result alone does not show it."""
    models = _models((4, 5))
    models[role][1, 2] = strange
    with pytest.raises(UserError, match=f"the {role} model: 1 weights of w are not finite"):
        _merge(tmp_path, merger, models)


def test_a_result_that_its_format_cannot_hold_is_told_with_the_format(tmp_path: Path) -> None:
    models = _models((4,)) | {"instruct": np.full(4, 1e5, np.float32)}
    with pytest.raises(
        UserError, match=r"w: 4 merged weights are not finite in F16, .* 65,504; take a wider dtype"
    ):
        _merge(tmp_path, TaskArithmetic(), models, "F16")


def test_weights_that_cannot_be_measured_are_refused(tmp_path: Path) -> None:
    models = {"base": np.full(4, 1e200), "instruct": np.zeros(4)}
    with pytest.raises(UserError, match="w: has weights whose squares no number holds"):
        _merge(tmp_path, TaskArithmetic(), models)


class Gives(Merger):
    """A method that gives back what its author did not think of."""

    what: str

    def combine(self, part: Part) -> Any:
        """Return it."""
        found: dict[str, Any] = {
            "nothing": None, "complex": part.base * 1j, "flat": part.base[:-1], "list": part.base.tolist(),
        }  # fmt: skip
        return found[self.what]


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("nothing", r"gave object numbers of the shape \[\]"),
        ("complex", r"gave complex128 numbers of the shape \[5\]"),
        ("flat", r"gave float64 numbers of the shape \[4\]; real numbers of the shape \[5\]"),
    ],
)
def test_a_method_that_gives_no_weights_is_named(tmp_path: Path, what: str, told: str) -> None:
    with pytest.raises(UserError, match=f"w: Gives {told}"):
        _merge(tmp_path, Gives(what=what), _models((5,)))


def test_a_method_may_give_a_list(tmp_path: Path) -> None:
    models = _models((5,))
    assert _merge(tmp_path, Gives(what="list"), models)[1].tolist() == models["base"].tolist()


@pytest.mark.parametrize(
    ("dtype", "number"),
    [
        ("F16", 3.3e-8),
        ("F16", -5.0000001e-5),
        ("BF16", 1.0039),
        ("BF16", 2e-40),
        ("F32", 1 / 3),
        ("F16", 65510),
    ],
)
def test_stochastic_rounding_keeps_the_mean_and_stays_beside_the_number(dtype: str, number: float) -> None:
    """Also where numbers are smaller than the format's normal ones; the largest ones do not become infinite."""
    drawn = np.random.default_rng(0).random(N, dtype=np.float32)
    stored = narrow(stochastic(np.full(N, number), dtype, drawn), dtype)
    rounded = widen(stored, dtype)
    steps = np.unique(rounded)
    assert len(steps) == (1 if number == 65510 else 2)
    assert np.isfinite(rounded).all()
    if len(steps) == 2:
        assert steps[0] < number < steps[1]
        assert abs(rounded.mean() - number) < 5 * (steps[1] - steps[0]) / 2 / np.sqrt(N)


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_stochastic_rounding_hides_no_undefined_number(dtype: str) -> None:
    """The bits of a NaN, whatever they are, do not carry into those of a plain number."""
    bits = np.array([0x7FFFFFFF, 0xFFFFFFFF, 0x7FC00001, 0x7F800000, 0xFF800000], np.uint32)
    exact = bits.view(np.float32).astype(np.float64)
    for drawn in (0.0, 0.5, 0.999):
        stored = narrow(stochastic(exact, dtype, np.full(5, drawn, np.float32)), dtype)
        assert not np.isfinite(widen(stored, dtype)).any()


@pytest.mark.parametrize("merger", [Slerp(), TaskArithmetic(scale=2), Della(), IsoC(), DareTies()])
@pytest.mark.parametrize("shape", [(6, 4), (6,)])
def test_rows_of_new_tokens_are_copied_whatever_the_method(
    tmp_path: Path, merger: Merger, shape: tuple[int, ...]
) -> None:
    """A method that turns whole models would otherwise lengthen rows that no model shares with another."""
    models = _models(shape) | {"instruct": np.ones((8, *shape[1:]), np.float32) * 3}
    for role, numbers in models.items():
        (tmp_path / role).mkdir()
        save_file({"w": numbers}, tmp_path / role / "model.safetensors")
    rows = np.array([0, 1, -1, 2, 3, 4, 5, -1])
    at = {role: read_index(tmp_path / role)["w"] for role in models}
    inputs = {"domain": Input(at["domain"], rows), "instruct": Input(at["instruct"])}
    planned = Plan([Target("w", (8, *shape[1:]), Input(at["base"], rows), inputs)], 1)
    sink = Memory(planned, "F32")
    merge(planned, {"w": merger}, sink, dtype="F32")
    merged = sink.arrays["w"].reshape(8, -1)
    assert np.array_equal(merged[[2, 7]], np.full_like(merged[[2, 7]], 3))
    assert not np.array_equal(merged[[0, 1]], np.full_like(merged[[0, 1]], 3))
