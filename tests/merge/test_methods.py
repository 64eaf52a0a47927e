"""Every merge method gives what its paper says, however a tensor is cut into parts."""

from typing import Any

import numpy as np
import pytest

from merge.base import Merger, Part
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
from tests.merge import reference
from tests.merge.parts import SEED, Vectors, bfloat16, merge, tensors

LINEAR: list[tuple[type[Merger], Any, dict[str, Any]]] = [
    (Linear, reference.linear, {}),
    (Linear, reference.linear, {"weights": {"domain": 0.3, "instruct": 0.7, "base": 0.25}}),
    (TaskArithmetic, reference.task_arithmetic, {}),
    (
        TaskArithmetic,
        reference.task_arithmetic,
        {"weights": {"domain": 0.7}, "scale": 1.3, "normalize": True},
    ),
]
OTHERS: list[tuple[type[Merger], Any, dict[str, Any]]] = [
    (Ties, reference.ties, {}),
    (Ties, reference.ties, {"density": 0.2, "weights": {"domain": 0.3, "instruct": 1.5}, "scale": 0.8}),
    (Ties, reference.ties, {"density": 0.9, "normalize": False, "densities": {"domain": 0.1}}),
    (DareLinear, reference.dare_linear, {}),
    (DareLinear, reference.dare_linear, {"density": 0.1, "normalize": True, "weights": {"domain": 2.0}}),
    (DareLinear, reference.dare_linear, {"density": 0.7, "rescale": False, "scale": 0.6}),
    (DareTies, reference.dare_ties, {}),
    (DareTies, reference.dare_ties, {"density": 0.3, "normalize": True, "weights": {"instruct": 0.4}}),
    (Della, reference.della, {}),
    (
        Della,
        reference.della,
        {"density": 0.3, "epsilon": 0.2, "normalize": False, "weights": {"domain": 2.0}},
    ),
    (Della, reference.della, {"density": 0.6, "rescale": False, "scale": 1.2}),
    (Breadcrumbs, reference.breadcrumbs, {}),
    (Breadcrumbs, reference.breadcrumbs, {"density": 0.3, "gamma": 0.1, "weights": {"domain": 0.5}}),
    (Breadcrumbs, reference.breadcrumbs, {"density": 0.95, "gamma": 0.2, "normalize": True}),
    (ModelStock, reference.model_stock, {}),
    (Sce, reference.sce, {}),
    (Sce, reference.sce, {"select": 0.3, "scale": 0.9}),
]
PAIRS: list[tuple[type[Merger], Any, dict[str, Any]]] = [
    (Slerp, reference.slerp, {}),
    (Slerp, reference.slerp, {"t": 0.2}),
    (NuSlerp, reference.nuslerp, {}),
    (NuSlerp, reference.nuslerp, {"weights": {"domain": 0.3, "instruct": 0.9}}),
]
RANDOM = (DareLinear, DareTies, Della)


def wanted(kind: type[Merger], plain: Any, options: dict[str, Any], base: Any, vectors: Vectors) -> Any:
    if kind not in RANDOM:
        return plain(base, vectors, **options)
    whole = Part("t", base.shape, 0, base, vectors, None, SEED)
    return plain(base, vectors, {role: whole.uniform(role) for role in vectors}, **options)


@pytest.mark.parametrize(("kind", "plain", "options"), LINEAR)
@pytest.mark.parametrize("shape", [(37, 53), (101,)])
def test_the_linear_family_equals_its_reference_bit_for_bit(
    kind: type[Merger], plain: Any, options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    base, vectors = tensors(shape)
    whole = plain(base, vectors, **options)
    for size in (1, 64, 1000, None) if len(shape) == 1 else (64, 1000, None):
        assert np.array_equal(bfloat16(merge(kind(**options), base, vectors, size)), bfloat16(whole))
    factors = kind(**options).coefficients(list(vectors))
    assert factors is not None
    summed = base + sum(factors[role] * vector for role, vector in vectors.items())
    np.testing.assert_allclose(summed, whole, rtol=1e-14)


@pytest.mark.parametrize(("kind", "plain", "options"), [*OTHERS, *PAIRS])
@pytest.mark.parametrize("shape", [(37, 53), (101,)])
def test_every_other_method_equals_its_reference_for_every_cut(
    kind: type[Merger], plain: Any, options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    """Within 1e-12 of the weight: the same elements are kept, and sums differ in the order of float64 additions alone."""
    base, vectors = tensors(shape, 2 if kind in {Slerp, NuSlerp} else 3)
    whole = wanted(kind, plain, options, base, vectors)
    for size in (64, 501, None):
        merged = merge(kind(**options), base, vectors, size)
        assert np.allclose(merged, whole, rtol=1e-12, atol=1e-15), size
