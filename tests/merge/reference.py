"""Every merge method on whole tensors in plain numpy, written from the papers; slow, and sharing no code with ours.

A function takes the base, the task vectors by role (float64, of the tensor's shape) and the options, and returns the
merged weights in float64. Random methods take the numbers drawn for each role.
"""

from itertools import combinations
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Vectors = dict[str, Array]


def _weights(vectors: Vectors, weights: dict[str, float] | None) -> list[float]:
    return [(weights or {}).get(role, 1.0) for role in vectors]


def _largest(magnitudes: Array, k: int) -> Any:
    """A mask of the k largest as float32 numbers, of ties those of lowest place: a plain stable sort."""
    order = np.argsort(-magnitudes.ravel().astype(np.float32), kind="stable")
    mask = np.zeros(magnitudes.size, bool)
    mask[order[:k]] = True
    return mask.reshape(magnitudes.shape)


def _chosen(stack: Array) -> Any:
    """Where a vector has the sign of the sum; a sum of 2**-40 of its terms' magnitudes or less has none."""
    total = stack.sum(axis=0)
    signs = np.where(np.abs(total) > 2.0**-40 * np.abs(stack).sum(axis=0), np.sign(total), 0)
    return (np.sign(stack) == signs) & (stack != 0)


def _elected(weighted: list[Array], weights: list[float], normalize: bool) -> Array:
    stack = np.stack(weighted)
    chosen = _chosen(stack)
    merged: Array = np.where(chosen, stack, 0).sum(axis=0)
    if normalize:
        by = np.array(weights).reshape(-1, *[1] * (stack.ndim - 1))
        divisor = np.where(chosen, np.abs(by), 0).sum(axis=0)
        merged /= np.where(divisor == 0, 1, divisor)
    return merged


def linear(base: Array, vectors: Vectors, weights: dict[str, float] | None = None) -> Array:
    total = sum(_weights(vectors, weights)) + (weights or {}).get("base", 0.0)
    merged = base.copy()
    for weight, vector in zip(_weights(vectors, weights), vectors.values(), strict=True):
        merged += weight / total * vector
    return merged


def task_arithmetic(
    base: Array,
    vectors: Vectors,
    *,
    weights: dict[str, float] | None = None,
    scale: float = 1.0,
    normalize: bool = False,
) -> Array:
    by = _weights(vectors, weights)
    merged = base.copy()
    for weight, vector in zip(by, vectors.values(), strict=True):
        merged += scale * weight / ((sum(by) or 1.0) if normalize else 1.0) * vector
    return merged


def ties(
    base: Array,
    vectors: Vectors,
    *,
    density: float = 0.5,
    weights: dict[str, float] | None = None,
    scale: float = 1.0,
    normalize: bool = True,
    densities: dict[str, float] | None = None,
) -> Array:
    by = _weights(vectors, weights)
    weighted = []
    for weight, (role, vector) in zip(by, vectors.items(), strict=True):
        share = (densities or {}).get(role, density)
        k = 0 if share == 0 else max(1, int(share * vector.size))
        weighted.append(weight * np.where(_largest(np.abs(vector), k), vector, 0))
    return base + scale * _elected(weighted, by, normalize)


def _dropped(vectors: Vectors, drawn: Vectors, density: float, rescale: bool) -> Vectors:
    by = density if rescale and density else 1.0
    return {role: np.where(drawn[role] < density, v / by, 0) for role, v in vectors.items()}


def dare_linear(
    base: Array, vectors: Vectors, drawn: Vectors, density: float = 0.5, rescale: bool = True, **more: Any
) -> Array:
    return task_arithmetic(base, _dropped(vectors, drawn, density, rescale), **more)


def dare_ties(
    base: Array,
    vectors: Vectors,
    drawn: Vectors,
    *,
    density: float = 0.5,
    rescale: bool = True,
    weights: dict[str, float] | None = None,
    scale: float = 1.0,
    normalize: bool = False,
) -> Array:
    by = _weights(vectors, weights)
    left = _dropped(vectors, drawn, density, rescale).values()
    return base + scale * _elected([w * v for w, v in zip(by, left, strict=True)], by, normalize)


def della(
    base: Array,
    vectors: Vectors,
    drawn: Vectors,
    *,
    density: float = 0.5,
    epsilon: float = 0.15,
    rescale: bool = True,
    weights: dict[str, float] | None = None,
    scale: float = 1.0,
    normalize: bool = True,
) -> Array:
    by = _weights(vectors, weights)
    weighted = []
    for weight, (role, vector) in zip(by, vectors.items(), strict=True):
        rows = vector.reshape(-1, vector.shape[-1]) if vector.ndim > 1 else vector[None]
        left = np.empty_like(rows)
        for row, (values, numbers) in enumerate(zip(rows, drawn[role].reshape(rows.shape), strict=True)):
            order = np.argsort(np.abs(values).astype(np.float32), kind="stable")
            for rank, place in enumerate(order):
                even = rank / (len(values) - 1) if len(values) > 1 else 0.5
                likely = density + epsilon * (2 * even - 1) if density < 1 else 1.0
                kept = numbers[place] < likely
                left[row, place] = (values[place] / likely if rescale else values[place]) if kept else 0
        weighted.append(weight * left.reshape(vector.shape))
    return base + scale * _elected(weighted, by, normalize)


def breadcrumbs(
    base: Array, vectors: Vectors, density: float = 0.9, gamma: float = 0.01, **more: Any
) -> Array:
    masked = {}
    for role, vector in vectors.items():
        n = vector.size
        kept = int(density * n)
        top = min(int(gamma * n), n - kept)
        order = np.argsort(-np.abs(vector).ravel().astype(np.float32), kind="stable")
        values = np.zeros(n)
        values[order[top : top + kept]] = vector.ravel()[order[top : top + kept]]
        masked[role] = values.reshape(vector.shape)
    return task_arithmetic(base, masked, **more)


def _arc(one: Array, other: Array, t: float, flat: float) -> tuple[float, float]:
    norms = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    cosine = float((one * other).sum()) / norms if norms else 1.0
    if abs(cosine) > flat:
        return 1 - t, t
    angle = np.arccos(cosine)
    return float(np.sin((1 - t) * angle) / np.sin(angle)), float(np.sin(t * angle) / np.sin(angle))


def slerp(base: Array, vectors: Vectors, t: float = 0.5) -> Array:
    one, other = (
        [base + v for v in vectors.values()]
        if len(vectors) == 2
        else [base, base + next(iter(vectors.values()))]
    )
    left, right = _arc(one, other, t, 0.9995)
    return left * one + right * other


def nuslerp(base: Array, vectors: Vectors, weights: dict[str, float] | None = None) -> Array:
    one, other = vectors.values()
    by = _weights(vectors, weights)
    left, right = _arc(one, other, by[1] / sum(by) if sum(by) else 0.5, 1 - 1e-12)
    return base + left * one + right * other


def model_stock(base: Array, vectors: Vectors) -> Array:
    cosines = []
    for one, other in combinations(vectors.values(), 2):
        norms = float(np.linalg.norm(one) * np.linalg.norm(other))
        cosines.append(float((one * other).sum()) / norms if norms else 0.0)
    cosine = max(0.0, float(np.mean(cosines)))
    t = len(vectors) * cosine / (1 + (len(vectors) - 1) * cosine)
    mean: Array = base + np.mean(list(vectors.values()), axis=0)
    return t * mean + (1 - t) * base


def sce(base: Array, vectors: Vectors, select: float = 1.0, scale: float = 1.0) -> Array:
    stack = np.stack(list(vectors.values()))
    spread = ((stack - stack.mean(axis=0)) ** 2).mean(axis=0)
    if select < 1:
        k = int(select * np.count_nonzero(spread.astype(np.float32)))
        stack = np.where(_largest(spread, k), stack, 0)
    squares = (stack**2).reshape(len(stack), -1).sum(axis=1)
    by = (squares / squares.sum() if squares.sum() else squares).reshape(-1, *[1] * base.ndim)
    chosen = _chosen(stack)
    divisor = np.where(chosen, by, 0).sum(axis=0)
    merged: Array = base + scale * np.where(chosen, by * stack, 0).sum(axis=0) / np.where(
        divisor == 0, 1, divisor
    )
    return merged
