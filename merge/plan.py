"""What goes into every tensor of the result: decided, and checked, before a byte is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacards.errors import UserError
from merge.files import ASK, Tensor, read_index, read_metadata
from merge.fit import check_configs, check_tensors, check_vocabularies, layers, read_config
from merge.numbers import FLOATS

MARK, TASK_VECTOR = "kanagura", "task_vector"  # in a safetensors header: the numbers are differences


@dataclass(frozen=True)
class Model:
    """One checkpoint as it was read; of a ``vector`` the numbers are differences from the base."""

    role: str
    folder: Path
    tensors: dict[str, Tensor]
    config: dict[str, Any]
    vector: bool = False


@dataclass(frozen=True, eq=False)
class Input:
    """Where one model's part of one tensor of the result lies.

    ``rows`` holds for each row of the result the row here, -1 where this model has none; None means all, in order.
    """

    at: Tensor
    rows: NDArray[np.int64] | None = None
    vector: bool = False


@dataclass(frozen=True, eq=False)
class Target:
    """One tensor of the result; one that is ``kept`` is copied from ``base`` as it is stored and never merged."""

    name: str
    shape: tuple[int, ...]
    base: Input
    models: dict[str, Input]
    kept: bool = False


@dataclass(frozen=True)
class Plan:
    """All tensors of the result, what the card should say of them, and what changes in the donor's config."""

    targets: list[Target]
    layers: int
    notes: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)


def read_models(folders: Mapping[str, Path]) -> dict[str, Model]:
    """Read the headers of all checkpoints; the role ``base`` comes first."""
    roles = ["base", *(role for role in folders if role != "base")]
    return {role: _read(role, folders[role]) for role in roles}


def _read(role: str, folder: Path) -> Model:
    tensors = read_index(folder)
    marks = {read_metadata(path).get(MARK) for path in {tensor.path for tensor in tensors.values()}}
    if len(marks) > 1:
        raise UserError(f"the {role} model", "some of its files hold a task vector and some do not", todo=ASK)
    return Model(role, folder, tensors, read_config(folder), vector=marks == {TASK_VECTOR})


def plan(models: Mapping[str, Model], *, tokenizer: str, new_tokens: str = "") -> Plan:
    """Return what goes into each tensor; raise UserError for anything that does not fit, or is ambiguous."""
    base = models["base"]
    check_tensors({role: model.tensors for role, model in models.items()})
    check_configs({role: model.folder for role, model in models.items()})
    check_vocabularies({role: model.folder for role, model in models.items()})
    targets = []
    for name, tensor in base.tensors.items():
        inputs = {
            role: Input(model.tensors[name], vector=model.vector)
            for role, model in models.items()
            if role != "base"
        }
        kept = tensor.dtype not in FLOATS
        targets.append(Target(name, tensor.shape, Input(tensor), {} if kept else inputs, kept))
    return Plan(targets, layers(base.config, base.tensors))
