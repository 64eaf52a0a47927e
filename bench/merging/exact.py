"""Counts the weights of a merged model that are not the exact result, rounded once."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.merging.checkpoints import ROLES, widened

BLOCK = 1 << 17  # weights compared at once
DROPPED = 45  # of the 52 bits that float64 keeps behind the point bfloat16 keeps 7


class Place(NamedTuple):
    """Where a bfloat16 tensor lies: file, first byte, weights."""

    path: Path
    first: int
    n: int


def places(folder: Path) -> dict[str, Place]:
    """Return where the tensors of a model folder lie, by name; ValueError when one is not bfloat16."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header: dict[str, Any] = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        for name, said in header.items():
            if said["dtype"] != "BF16":
                raise ValueError(f"{name} in {path.name} is {said['dtype']}")
            begin, end = said["data_offsets"]
            found[name] = Place(path, 8 + length + begin, (end - begin) // 2)
    return found


def differing(family: Path, made: Path) -> float:
    """Return the share of weights in ``made`` that differ from ``domain + instruct - base``.

    The sum is that of float64 numbers, rounded once to bfloat16, to the nearest and ties to even. It reads a few
    blocks at a time. Raises ValueError when the tensors of ``made`` are others.
    """
    models = [places(family / role) for role in ROLES] + [places(made)]
    sizes = [{name: place.n for name, place in model.items()} for model in models]
    if any(one != sizes[0] for one in sizes[1:]):
        raise ValueError(f"the tensors of {made.name} are not those of the family")
    total = sum(sizes[0].values())
    with ThreadPoolExecutor(2) as workers:
        return sum(workers.map(_wrong, _blocks(models))) / total


def _blocks(models: list[dict[str, Place]]) -> Iterator[list[Place]]:
    for name, whole in models[0].items():
        for first in range(0, whole.n, BLOCK):
            n = min(BLOCK, whole.n - first)
            yield [Place(model[name].path, model[name].first + 2 * first, n) for model in models]


def _wrong(block: list[Place]) -> int:
    base, domain, instruct, made = (
        widened(np.fromfile(place.path, "<u2", place.n, offset=place.first)).astype(np.float64)
        for place in block
    )
    domain -= base
    instruct -= base
    base += domain
    base += instruct
    return int(np.count_nonzero(once(base) != made))


def once(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return float64 numbers rounded to the 8 significant bits of bfloat16; not for its smallest numbers."""
    bits = numbers.view(np.uint64)
    half = np.uint64((1 << (DROPPED - 1)) - 1)
    odd = (bits >> np.uint64(DROPPED)) & np.uint64(1)
    up = bits + half + odd
    return (up >> np.uint64(DROPPED) << np.uint64(DROPPED)).view(np.float64)
