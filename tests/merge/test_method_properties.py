"""What the merge methods promise whatever the numbers: identity, nothing, order, scale, ties, randomness, bad options."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from datacards.errors import UserError
from merge.base import Merger
from merge.mergers import selection
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
from tests.merge.parts import bfloat16, merge, tensors

SHAPE = (24, 40)
KEEPS_ALL = [
    Linear(),
    TaskArithmetic(),
    Ties(density=1),
    DareLinear(density=1),
    DareTies(density=1),
    Della(density=1),
    Breadcrumbs(density=1),
    Sce(),
    Slerp(t=1),
]
KEEPS_NOTHING = [
    TaskArithmetic(scale=0),
    Ties(density=0),
    DareLinear(density=0),
    DareTies(density=0),
    Della(density=0),
    Breadcrumbs(density=0),
    Sce(select=0),
    Slerp(t=0),
]
WEIGHING: list[Callable[..., Merger]] = [TaskArithmetic, Ties, DareLinear, DareTies, Della, Breadcrumbs]
SYMMETRIC = [
    Linear(weights={"domain": 0.3, "instruct": 0.7}),
    TaskArithmetic(weights={"domain": 0.3}),
    Ties(density=0.4, weights={"domain": 0.3}),
    DareLinear(),
    DareTies(),
    Della(),
    Breadcrumbs(density=0.5),
    ModelStock(),
    Sce(select=0.5),
]
RANDOM = [DareLinear(), DareTies(), Della()]


def name(merger: Merger) -> str:
    return type(merger).__name__


@pytest.mark.parametrize("merger", KEEPS_ALL, ids=name)
def test_a_single_model_that_is_kept_whole_is_the_result(merger: Merger) -> None:
    base, vectors = tensors(SHAPE, 1)
    assert np.array_equal(bfloat16(merge(merger, base, vectors, 100)), base + vectors["domain"])


@pytest.mark.parametrize("merger", KEEPS_NOTHING, ids=name)
def test_where_nothing_is_kept_the_base_is_the_result(merger: Merger) -> None:
    base, vectors = tensors(SHAPE, 1)
    assert np.array_equal(merge(merger, base, vectors, 100), base)


@pytest.mark.parametrize("kind", WEIGHING)
def test_weights_of_zero_give_the_base(kind: Callable[..., Merger]) -> None:
    base, vectors = tensors(SHAPE)
    for normalize in (True, False):
        merger = kind(weights=dict.fromkeys(vectors, 0.0), normalize=normalize)
        assert np.array_equal(merge(merger, base, vectors, 100), base)


@pytest.mark.parametrize("merger", [*SYMMETRIC, NuSlerp()], ids=name)
def test_models_that_learned_nothing_give_the_base(merger: Merger) -> None:
    base, vectors = tensors(SHAPE, 2)
    nothing = {role: np.zeros_like(vector) for role, vector in vectors.items()}
    assert np.array_equal(bfloat16(merge(merger, base, nothing, 100)), base)


@pytest.mark.parametrize("merger", SYMMETRIC, ids=name)
def test_the_order_of_the_models_does_not_matter(merger: Merger) -> None:
    base, vectors = tensors(SHAPE)
    turned = {role: vectors[role] for role in reversed(vectors)}
    straight = merge(merger, base, vectors, 100)
    assert np.allclose(merge(merger, base, turned, 100), straight, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("merger", [*SYMMETRIC, NuSlerp()], ids=name)
@pytest.mark.parametrize("factor", [4.0, -0.5])
def test_vectors_times_a_number_give_the_difference_times_that_number(merger: Merger, factor: float) -> None:
    """Negative ones too: no sign is preferred, not even where the vectors cancel."""
    base, vectors = tensors(SHAPE, 2)
    base = np.zeros_like(base)
    once = merge(merger, base, vectors, 100)
    scaled = merge(merger, base, {role: factor * vector for role, vector in vectors.items()}, 100)
    assert np.allclose(scaled, factor * once, rtol=1e-12, atol=0)


def test_vectors_that_cancel_elect_nothing() -> None:
    base, vectors = tensors(SHAPE, 1)
    both = {"domain": vectors["domain"], "instruct": -vectors["domain"]}
    for merger in (Ties(density=1), DareTies(density=1), Della(density=1), Sce()):
        assert np.array_equal(merge(merger, base, both, 100), base)


def test_of_equal_magnitudes_those_of_lowest_place_are_kept() -> None:
    """Across parts, and within the part where the count runs out."""
    base, vector = np.zeros(20), np.tile([1.0, -1.0], 10)
    for size in (1, 3, 7, 20):
        kept = merge(Ties(density=0.4), base, {"domain": vector}, size)
        assert np.array_equal(kept, np.where(np.arange(20) < 8, vector, 0))
        crumbs = merge(Breadcrumbs(density=0.4, gamma=0.1), base, {"domain": vector}, size)
        assert np.array_equal(np.flatnonzero(crumbs), np.arange(2, 10))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([0.0, 1e-30, -1e-4, 1e-4, 2e-4, 3.0]) | st.floats(-1, 1), min_size=1, max_size=40
    ),
    st.integers(0, 45),
    st.integers(1, 15),
)
def test_exactly_the_k_largest_magnitudes_are_selected(numbers: list[float], k: int, size: int) -> None:
    vector = np.array(numbers)
    places = range(0, len(vector), size)
    total: Any = None
    for first in places:
        total = selection.added(total, {"a": selection.coarse(vector[first : first + size])})
    border = selection.border(total["a"], k)
    cut = selection.cut(
        [(first, selection.fine(vector[first : first + size], border)) for first in places], border
    )
    left = np.abs(vector) + 1.0  # so that a zero that is kept shows
    for first in places:
        here = vector[first : first + size].copy()
        cut.trim(here, first)
        left[first : first + size] *= here != 0
    order = np.argsort(-np.abs(vector).astype(np.float32), kind="stable")[:k]
    kept = np.zeros(len(vector), bool)
    kept[order] = True
    assert np.array_equal(left != 0, kept & (vector != 0))


@pytest.mark.parametrize("merger", RANDOM, ids=name)
def test_what_is_dropped_depends_on_seed_and_tensor_and_on_no_cut(merger: Merger) -> None:
    base, vectors = tensors((40, 5000), 2)
    once = merge(merger, base, vectors, 65_536)
    assert np.array_equal(merge(merger, base, vectors, 5_001), once)
    assert not np.array_equal(merge(merger, base, vectors, 65_536, seed=8), once)
    assert not np.array_equal(merge(merger, base, vectors, 65_536, tensor="u"), once)


def test_dare_keeps_the_share_and_the_mean() -> None:
    base, vectors = np.zeros((100, 1000)), {"domain": np.ones((100, 1000))}
    left = merge(DareLinear(density=0.2), base, vectors, 65_536)
    assert set(np.unique(left)) == {0.0, 5.0}
    assert abs(left.mean() - 1) < 0.03


def test_della_keeps_large_elements_more_often() -> None:
    base, vector = np.zeros((2000, 50)), np.tile(np.linspace(0.1, 1, 50), (2000, 1))
    kept = merge(Della(density=0.5, epsilon=0.4, rescale=False), base, {"domain": vector}, 5000) != 0
    shares = kept.mean(axis=0)
    assert abs(shares[0] - 0.1) < 0.04
    assert abs(shares[-1] - 0.9) < 0.04
    assert abs(shares.mean() - 0.5) < 0.02


def test_breadcrumbs_drop_the_largest_and_the_smallest() -> None:
    vector = np.arange(1.0, 101.0)
    left = merge(Breadcrumbs(density=0.5, gamma=0.1), np.zeros(100), {"domain": vector}, 7)
    assert np.array_equal(np.flatnonzero(left), np.arange(40, 90))


def test_model_stock_is_the_mean_of_equal_models_and_the_base_of_opposite_ones() -> None:
    base, vectors = tensors(SHAPE, 1)
    learned = vectors["domain"]
    same = merge(ModelStock(), base, {"domain": learned, "instruct": learned.copy()}, 100)
    np.testing.assert_allclose(same, base + learned, rtol=1e-12)
    assert np.array_equal(merge(ModelStock(), base, {"domain": learned, "instruct": -learned}, 100), base)


def test_turning_keeps_the_length_of_vectors_of_equal_length() -> None:
    one, other = np.zeros(64), np.zeros(64)
    one[3], other[40] = 2.0, 2.0
    vectors = {"domain": one, "instruct": other}
    turned = merge(NuSlerp(weights={"domain": 0.25, "instruct": 0.75}), np.zeros(64), vectors, 10)
    assert np.isclose(np.linalg.norm(turned), 2)
    assert np.isclose(np.arctan2(turned[40], turned[3]), 0.75 * np.pi / 2)
    assert np.allclose(merge(Slerp(t=0.75), np.zeros(64), vectors, 10), turned)


@pytest.mark.parametrize(
    ("merger", "roles"),
    [
        (TaskArithmetic(weights={"math": 1.0}), ["domain"]),
        (TaskArithmetic(weights={"base": 1.0}), ["domain"]),
        (Linear(weights={"math": 1.0}), ["domain"]),
        (Linear(weights={"domain": 0.0}), ["domain"]),
        (Ties(densities={"math": 0.5}), ["domain"]),
        (Slerp(), ["domain", "instruct", "math"]),
        (NuSlerp(), ["domain"]),
        (ModelStock(), ["domain"]),
    ],
)
def test_options_that_do_not_fit_the_models_are_refused(merger: Merger, roles: list[str]) -> None:
    with pytest.raises(UserError) as refused:
        merger.check(roles)
    assert refused.value.todo


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Linear, {"weights": {"domain": -1}}),
        (Ties, {"density": 1.5}),
        (Ties, {"densities": {"domain": -0.1}}),
        (Ties, {"scale": float("nan")}),
        (Della, {"density": 0.1, "epsilon": 0.15}),
        (Breadcrumbs, {"gamma": 2}),
        (Slerp, {"t": 1.1}),
        (Sce, {"select": -1}),
        (DareLinear, {"p": 0.5}),
    ],
)
def test_numbers_out_of_range_and_unknown_options_are_refused(
    kind: type[Merger], options: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError) as refused:
        kind(**options)
    assert str(refused.value)
