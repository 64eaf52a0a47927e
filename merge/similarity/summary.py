"""The table below fig. 4 of arXiv 2409.19854 for every pair of task vectors, and the lengths of the vectors."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from datacards.merged import MAIN, Alike, Roles, Similarity, Spread, Vector, kind_of, pairs_of
from merge.similarity.record import cosine
from merge.similarity.storage import kept, unchanged
from merge.streaming.measured import Measured

PAIRS = 10  # pairs (five models) whose numbers stand in the card too; all stand in merge.json


def alike(measured: Sequence[Measured], rows: Sequence[Similarity]) -> list[Alike]:
    """Return how alike the vectors of every pair are; ``rows`` are the records of ``measured``."""
    roles = measured[0].roles if measured else ()
    return [_alike(pair, measured, rows) for pair in pairs_of(roles)]


def _alike(roles: Roles, measured: Sequence[Measured], rows: Sequence[Similarity]) -> Alike:
    i, j = (measured[0].roles.index(role) for role in roles)
    found = [(row, value) for row in rows if (value := row.cosine(roles)) is not None]
    types: dict[str, list[float]] = {}
    for row, value in sorted(found, key=lambda one: one[0].layer is None):  # the layers first
        types.setdefault(kind_of(row.type), []).append(value)
    dot = math.fsum(one.dots[i, j] for one in measured)
    squares = {
        role: math.fsum(one.dots[at, at] for one in measured) for role, at in zip(roles, (i, j), strict=True)
    }
    agree = sum(int(one.agree[i, j]) for one in measured)
    moved = agree + sum(int(one.differ[i, j]) for one in measured)
    return Alike(
        roles=roles,
        tensors=len(found),
        spread=spread(value for _, value in found),
        types=tuple(one for name, values in types.items() if (one := spread(values, name))),
        mean_abs=float(np.mean([abs(value) for _, value in found])) if found else None,
        chance=float(np.mean([expected(row.n) for row, _ in found])) if found else None,
        whole=cosine(dot, *squares.values()),
        along={role: dot / square for role, square in squares.items() if square},
        signs_agree=agree / moved if moved else None,
    )


def spread(cosines: Iterable[float], type_: str = "") -> Spread | None:
    """Return mean, deviation, max and min; None for no cosines."""
    values = np.array(list(cosines))
    if not values.size:
        return None
    return Spread(
        type=type_,
        tensors=values.size,
        # A mean of equal numbers may come out one digit beyond them.
        mean=float(np.clip(values.mean(), values.min(), values.max())),
        std=float(values.std()),
        max=float(values.max()),
        min=float(values.min()),
    )


def expected(n: int) -> float:
    """Return the mean of the cosine without its sign of two random directions of ``n`` numbers.

    Their cosine is spread around 0 with the deviation 1/sqrt(n), nearly normally; the mean of its size is
    sqrt(2/pi) of that.
    """
    return min(1.0, math.sqrt(2 / (math.pi * n)))


def vectors(measured: Sequence[Measured]) -> list[Vector]:
    """Return length and unchanged weights of every task vector."""
    base = math.sqrt(math.fsum(one.base for one in measured))
    found = []
    for at, role in enumerate(measured[0].roles if measured else ()):
        norm = math.sqrt(math.fsum(one.dots[at, at] for one in measured))
        share = unchanged(measured, at)
        relative = norm / base if base else None
        found.append(Vector(role=role, norm=norm, relative=relative, unchanged=share, kept=kept(share)))
    return found


def metrics(pairs: Sequence[Alike]) -> dict[str, float]:
    """Return the numbers of the card: ``cosine_mean`` and so on of the paper's pair or of the only one.

    Those of a further pair are called ``cosine_mean/ROLE/ROLE``; of more than ``PAIRS`` pairs the card has none.
    """
    found: dict[str, float] = {}
    for pair in pairs:
        plain = pair.roles == MAIN or len(pairs) == 1
        if pair.spread is None or not (plain or len(pairs) <= PAIRS):
            continue
        of = "" if plain else "/" + "/".join(pair.roles)
        found |= {f"cosine_{name}{of}": getattr(pair.spread, name) for name in ("mean", "std", "max", "min")}
        if pair.whole is not None:
            found[f"cosine_whole{of}"] = pair.whole
    return found
