"""How alike two task vectors are, tensor by tensor, measured in the pass that merges them."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from datacards.card import Record
from merge.base import Weights

LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.(\d+)\.")


class Similarity(Record):
    """One tensor of fig. 4 in arXiv 2409.19854; ``cosine`` is None where a task vector is zero.

    ``norm_*`` are Euclidean norms of ``domain - base`` and ``instruct - base``; ``signs_agree`` is the share of
    elements with the same sign among those that neither vector leaves at zero, None where there are none.
    """

    tensor: str
    layer: int | None
    type: str
    cosine: float | None
    norm_domain: float
    norm_instruct: float
    signs_agree: float | None
    n: int


class Sums(NamedTuple):
    """What one piece of a tensor adds to its similarity."""

    dot: float
    domain: float
    instruct: float
    agree: int
    moved: int


def measure(base: Weights, domain: Weights, instruct: Weights) -> Sums:
    """Return the sums of one piece, in float64.

    einsum and not ``@``: BLAS would set threads of its own on every piece, whose number would change the last
    digits, and which take many times longer than the sums themselves on a machine that is busy.
    """
    d, i = domain - base, instruct - base
    product = d * i
    agree = int(np.count_nonzero(product > 0))
    return Sums(
        dot=float(product.sum()),
        domain=float(np.einsum("i,i->", d, d)),
        instruct=float(np.einsum("i,i->", i, i)),
        agree=agree,
        moved=agree + int(np.count_nonzero(product < 0)),
    )


def similarity(tensor: str, n: int, sums: Sequence[Sums]) -> Similarity:
    """Return the similarity of one tensor from the sums of its pieces, in whatever order they come."""
    dot = math.fsum(piece.dot for piece in sums)
    domain = math.sqrt(math.fsum(piece.domain for piece in sums))
    instruct = math.sqrt(math.fsum(piece.instruct for piece in sums))
    moved = sum(piece.moved for piece in sums)
    found = LAYER.search(tensor)
    return Similarity(
        tensor=tensor,
        layer=int(found[1]) if found else None,
        type=tensor[found.end() :] if found else tensor,
        cosine=max(-1.0, min(1.0, dot / (domain * instruct))) if domain and instruct else None,
        norm_domain=domain,
        norm_instruct=instruct,
        signs_agree=sum(piece.agree for piece in sums) / moved if moved else None,
        n=n,
    )


def summary(measured: Sequence[Similarity]) -> dict[str, float]:
    """Return mean, deviation (of the population), max and min of the cosines: the numbers below fig. 4."""
    cosines = np.array([one.cosine for one in measured if one.cosine is not None])
    if not cosines.size:
        return {}
    return {
        "cosine_mean": float(cosines.mean()),
        "cosine_std": float(cosines.std()),
        "cosine_max": float(cosines.max()),
        "cosine_min": float(cosines.min()),
    }
