"""The methods that merge by singular directions do what their papers write, and no arbitrary choice shows."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from datacards.errors import UserError
from merge.base import Merger, Part
from merge.mergers.iso_c import IsoC
from merge.mergers.iso_cts import IsoCts
from merge.mergers.matrices import Spectral, isometry, singular
from merge.mergers.tsv import Tsv
from merge.mergers.wudi import Wudi

Matrix = NDArray[Any]
ALL = [Tsv(), IsoC(), IsoCts(), Wudi(steps=20)]
SHAPES = [(12, 12), (40, 9), (9, 40), (3, 50)]


def _made(shape: tuple[int, ...], models: int = 3, seed: int = 0) -> tuple[Matrix, dict[str, Matrix]]:
    """A base and task vectors that share some directions, of the sizes that real ones have."""
    random = np.random.default_rng(seed)
    base = random.normal(0, 0.02, shape)
    common = random.normal(0, 3e-4, shape)
    vectors = {
        f"m{i}": (common + random.normal(0, 5e-4, shape) * random.uniform(0.2, 2, shape[-1])).astype(
            np.float32
        )
        for i in range(models)
    }
    return base.astype(np.float32), vectors


def _merge(merger: Merger, base: Matrix, vectors: dict[str, Matrix]) -> Matrix:
    """What is added to the base; the arrays given stay as they are."""
    zero = np.zeros_like(base)  # the vector is seen without the rounding of base + vector
    part = Part("w", base.shape, 0, zero, {role: vector.copy() for role, vector in vectors.items()})
    return merger.combine(part)


def _near(made: Matrix, wanted: Matrix, within: float = 2e-6) -> bool:
    return bool(np.abs(made - wanted).max() <= within * np.abs(wanted).max())


def _svd(matrix: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    u, s, v = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    return u, s, v


def _orthogonal(matrix: Matrix) -> Matrix:
    u, _, v = _svd(matrix)
    return u @ v


def tsv(vectors: list[Matrix]) -> Matrix:
    """Algorithm 1 of arXiv 2412.00081, in float64."""
    k = min(vectors[0].shape) // len(vectors)
    parts = [_svd(vector) for vector in vectors]
    left = np.concatenate([u[:, :k] for u, _, _ in parts], axis=1)
    right = np.concatenate([v[:k] for _, _, v in parts])
    strength = np.concatenate([s[:k] for _, s, _ in parts])
    return _orthogonal(left) @ np.diag(strength) @ _orthogonal(right)


def iso_c(vectors: list[Matrix]) -> Matrix:
    """Algorithm 1 of arXiv 2502.04959, in float64."""
    u, s, v = _svd(np.sum(np.stack(vectors).astype(np.float64), axis=0))
    return u @ np.diag(np.full_like(s, s.mean())) @ v


def iso_cts(vectors: list[Matrix], common: float) -> Matrix:
    """Algorithm 2 of arXiv 2502.04959, in float64."""
    rank, models = min(vectors[0].shape), len(vectors)
    own = min(round((rank - int(rank * common)) / models), rank // models)
    k = rank - own * models
    u, s, v = _svd(np.sum(np.stack(vectors).astype(np.float64), axis=0))
    left, strength, right = [u[:, :k]], [s[:k]], [v[:k]]
    for vector in vectors:
        ut, st_, vt = _svd(vector - u[:, :k] @ u[:, :k].T @ vector)
        left.append(ut[:, :own])
        strength.append(st_[:own])
        right.append(vt[:own])
    mean = np.concatenate(strength).mean()
    return mean * _orthogonal(np.concatenate(left, axis=1)) @ _orthogonal(np.concatenate(right))


def wudi(vectors: list[Matrix], steps: int, rate: float) -> Matrix:
    """Equation 8 of arXiv 2503.08099 and torch's Adam by automatic differentiation, in float64."""
    stack = torch.tensor(np.stack(vectors), dtype=torch.float64)
    merged = stack.sum(0).requires_grad_()
    adam = torch.optim.Adam([merged], lr=rate)
    for _ in range(steps):
        loss = sum(((merged - v) @ v.T).square().sum() / v.square().sum() for v in stack)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return merged.detach().numpy()


@pytest.mark.parametrize("models", [2, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_each_method_is_its_paper_s_algorithm(shape: tuple[int, int], models: int) -> None:
    base, vectors = _made(shape, models)
    given = list(vectors.values())
    assert _near(_merge(Tsv(), base, vectors), tsv(given))
    assert _near(_merge(IsoC(), base, vectors), iso_c(given))
    for common in (0.0, 0.5, 0.8, 1.0):
        assert _near(_merge(IsoCts(common=common), base, vectors), iso_cts(given, common), 1e-5)
    assert _near(_merge(Wudi(steps=60), base, vectors), wudi(given, 60, 1e-5), 1e-4)


def test_wudi_interferes_less_than_the_sum_it_begins_from() -> None:
    base, vectors = _made((24, 24))

    def interference(merged: Matrix) -> float:
        return sum(float(np.square((merged - v) @ v.T).sum() / np.square(v).sum()) for v in vectors.values())

    begun = interference(_merge(Wudi(steps=0), base, vectors))
    assert np.array_equal(_merge(Wudi(steps=0), base, vectors), sum(vectors.values()))
    assert interference(_merge(Wudi(), base, vectors)) < 0.3 * begun


def test_wudi_s_two_orders_of_products_agree() -> None:
    base, vectors = _made((4, 40), 2)  # 40 columns > 2 models * 2 * 4 rows: the long way round
    assert _near(_merge(Wudi(steps=40), base, vectors), wudi(list(vectors.values()), 40, 1e-5), 1e-4)


@pytest.mark.parametrize("merger", [Tsv(), Wudi(steps=20)], ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("shape", [*SHAPES, (7,), (2, 8, 6)])
def test_one_model_alone_comes_back_as_it_is(merger: Merger, shape: tuple[int, ...]) -> None:
    base, vectors = _made(shape, 1)
    assert _near(_merge(merger, base, vectors), vectors["m0"], 1e-5)


def test_one_model_alone_keeps_its_directions_and_total_strength_in_isotropic_merging() -> None:
    base, vectors = _made((20, 14), 1)
    u, s, v = _svd(vectors["m0"])
    for merger in (IsoC(), IsoCts()):
        made = _merge(merger, base, vectors)
        assert _near(made, s.mean() * (u @ v))
        assert np.linalg.svd(made)[1].sum() == pytest.approx(s.sum(), rel=1e-5)


@pytest.mark.parametrize("merger", ALL, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("shape", [(12, 12), (9, 40), (7,), (2, 8, 6)])
def test_the_order_of_the_models_does_not_matter(merger: Merger, shape: tuple[int, ...]) -> None:
    base, vectors = _made(shape)
    first = _merge(merger, base, vectors)
    for order in permutations(vectors):
        assert _near(_merge(merger, base, {role: vectors[role] for role in order}), first, 2e-4)


@pytest.mark.parametrize("merger", ALL, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("shape", [(12, 12), (9, 40), (7,), (2, 8, 6)])
def test_a_model_that_equals_the_base_changes_nothing(merger: Merger, shape: tuple[int, ...]) -> None:
    base, vectors = _made(shape)
    idle = {"idle": np.zeros_like(base)}
    assert np.array_equal(_merge(merger, base, idle | vectors), _merge(merger, base, vectors))
    part = Part(
        "w", base.shape, 0, base.copy(), {r: v.copy() for r, v in (idle | {"two": idle["idle"]}).items()}
    )
    assert np.array_equal(merger.combine(part), base)


@pytest.mark.parametrize("merger", ALL, ids=lambda m: type(m).__name__)
def test_what_is_no_matrix_gets_the_mean(merger: Merger) -> None:
    for shape in ((50,), (), (2, 30), (4, 2, 9)):
        base, vectors = (
            _made(shape)
            if shape
            else (
                np.float32([1])[0:1].reshape(()),
                {r: np.full((), i, np.float32) for i, r in enumerate("abc", 1)},
            )
        )
        made = _merge(merger, base, vectors)
        assert made.shape == shape
        assert _near(made, np.mean(np.stack(list(vectors.values())), axis=0))


@pytest.mark.parametrize("merger", ALL, ids=lambda m: type(m).__name__)
def test_a_stack_is_merged_matrix_by_matrix(merger: Merger) -> None:
    base, vectors = _made((3, 10, 8))
    vectors["m1"][2] = 0  # an expert that this model never trained
    made = _merge(merger, base, vectors)
    for i in range(3):
        assert np.array_equal(made[i], _merge(merger, base[i], {r: v[i] for r, v in vectors.items()}))


@pytest.mark.parametrize("merger", ALL, ids=lambda m: type(m).__name__)
def test_weights_act_before_and_scale_after(merger: Spectral) -> None:
    base, vectors = _made((16, 10))
    more = type(merger)(**merger.model_dump() | {"weights": {"m1": 0.0, "m2": 2.0}, "scale": 0.5})
    plain = _merge(merger, base, {"m0": vectors["m0"], "m2": 2 * vectors["m2"]})
    assert np.array_equal(_merge(more, base, vectors), np.float32(0.5) * plain)
    with pytest.raises(UserError, match="weights name 'm1'"):
        more.check(["m0", "m2"])


@pytest.mark.parametrize("merger", [Tsv(), IsoC(), IsoCts()], ids=lambda m: type(m).__name__)
def test_equal_models_and_low_ranks_give_no_arbitrary_directions(merger: Merger) -> None:
    """Where the papers' decompositions are free to choose, nothing is chosen: the result stays in what was learned."""
    random = np.random.default_rng(1)
    low = (random.normal(size=(30, 2)) @ random.normal(size=(2, 20)) * 1e-4).astype(np.float32)
    base = np.zeros_like(low)
    u, _, v = _svd(low)
    for vectors in ({"a": low, "b": low}, {"a": low, "b": -3 * low}, {"a": low, "b": low, "c": low}):
        made = _merge(merger, base, vectors)
        assert np.linalg.matrix_rank(made, tol=1e-5 * np.linalg.norm(low)) == 2
        assert _near(u[:, :2] @ (u[:, :2].T @ made @ v[:2].T) @ v[:2], made, 1e-5)
    if isinstance(merger, Tsv):
        assert _near(_merge(merger, base, {"a": low, "b": low}), low, 1e-5)  # what both learned, once
        opposite = _merge(merger, base, {"a": low, "b": -low})
        assert np.abs(opposite).max() < 1e-6 * np.abs(low).max()


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.permutations(range(6)),
    st.lists(st.sampled_from([-1.0, 1.0]), min_size=6, max_size=6),
)
def test_turning_the_inputs_turns_the_result(seed: int, order: list[int], signs: list[float]) -> None:
    """Neurons may be reordered and change signs: the signs that LAPACK gives to singular vectors cannot show."""
    base, vectors = _made((6, 11), 2, seed)
    turn = (np.eye(6) * signs)[order].astype(np.float32)
    for merger in (Tsv(), IsoC(), IsoCts()):
        straight = turn @ _merge(merger, base, vectors)
        assert _near(_merge(merger, base, {r: turn @ v for r, v in vectors.items()}), straight, 1e-3)


def test_singular_triples_and_isometries_are_lapack_s() -> None:
    for shape in SHAPES:
        matrix = _made(shape, 1)[1]["m0"]
        wanted = _svd(matrix)
        u, s, v = singular(matrix, 4)
        assert np.allclose(s, wanted[1][:4], rtol=1e-7)
        assert _near((u * s) @ v, (wanted[0][:, :4] * wanted[1][:4]) @ wanted[2][:4])
        assert _near(isometry(matrix)[0], wanted[0] @ wanted[2])


def test_tensors_of_many_rows_are_summed_in_blocks() -> None:
    tall = (
        np.random.default_rng(2).normal(size=(2**18 + 3, 8)).astype(np.float32)
    )  # two blocks and three rows
    near, s = isometry(tall)
    assert np.abs(near.T.astype(np.float64) @ near - np.eye(8)).max() < 1e-6
    assert s == pytest.approx(np.linalg.svd(tall, compute_uv=False), rel=1e-5)


@pytest.mark.parametrize("merger", ALL, ids=lambda m: type(m).__name__)
def test_a_model_that_is_not_finite_is_named(merger: Merger) -> None:
    base, vectors = _made((6, 6), 2)
    vectors["m1"][2, 3] = np.inf
    with pytest.raises(UserError, match="w: what m1 learned is not finite"):
        _merge(merger, base, vectors)
