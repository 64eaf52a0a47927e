"""What a pass over a tensor measured, as the record that a version keeps."""

import math

from datacards.merged import Pair, Roles, Similarity, pairs_of
from merge.layers import layer_of, type_of
from merge.streaming.measured import Measured


def similarity(measured: Measured) -> Similarity:
    """Return the record of one tensor."""
    return Similarity(
        tensor=measured.tensor,
        layer=layer_of(measured.tensor),
        type=type_of(measured.tensor),
        n=measured.n,
        shape=measured.shape,
        norm_base=math.sqrt(measured.base),
        norms={role: math.sqrt(measured.dots[i, i]) for i, role in enumerate(measured.roles)},
        unchanged={
            role: int(measured.zeros[i]) / measured.n if measured.n else 0.0
            for i, role in enumerate(measured.roles)
        },
        pairs=tuple(_pair(measured, roles) for roles in pairs_of(measured.roles)),
    )


def _pair(measured: Measured, roles: Roles) -> Pair:
    i, j = (measured.roles.index(role) for role in roles)
    agree, moved = int(measured.agree[i, j]), int(measured.agree[i, j] + measured.differ[i, j])
    return Pair(
        roles=roles,
        cosine=cosine(measured.dots[i, j], measured.dots[i, i], measured.dots[j, j]),
        signs_agree=agree / moved if moved else None,
        moved=moved,
    )


def cosine(dot: float, one: float, other: float) -> float | None:
    """Return the cosine from a dot product and two sums of squares, None where one of them is zero."""
    # The roots first: the product of two small sums of squares may be too small for a float.
    length = math.sqrt(one) * math.sqrt(other)
    return max(-1.0, min(1.0, float(dot) / length)) if length else None
