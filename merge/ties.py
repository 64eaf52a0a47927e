"""Settles whether the result has an output layer of its own where some models tie it to their embedding."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from datacards.errors import UserError
from merge.files import Files, Tensor
from merge.fit import parts, setting, short, some
from merge.numbers import FLOATS, STORED, narrow, widen

TIE = "tie_word_embeddings"
# Names under which the embedding of words and the output layer are known; which of them a model has is its own.
EMBEDDING = re.compile(
    r"(?:^|\.)(?:embed_tokens|embed_tokens_per_layer|wte|word_embeddings|embed_in|tok_embeddings|embeddings?)\.weight$"
    r"|^shared\.weight$"
)
HEAD = re.compile(
    r"(?:^|\.)(?:lm_head|lm_head\.decoder|embed_out|cls\.predictions|cls\.predictions\.decoder)\.(?:weight|bias)$"
    r"|^(?:(?:model|language_model)\.)*output\.weight$"
)
READ = 1 << 18  # elements compared at once
Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Tied:
    """The tensors of every model, each with an output layer or none of them, and what changes in the donor's config."""

    tensors: dict[str, Tensors]
    config: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def untie(
    tensors: Mapping[str, Tensors],
    configs: Mapping[str, Mapping[str, Any]],
    vectors: set[str],
    donor: str,
) -> Tied:
    """Return what every model has once each has an output layer of its own, or none of them.

    ``tensors`` and ``configs`` are by role, ``vectors`` the roles whose numbers are differences from the base. The
    output layer of a model whose config ties it to the embedding is its embedding. Where all are tied the result has
    none. Raises UserError where a config says one thing and the tensors another.
    """
    found = {role: dict(some_tensors) for role, some_tensors in tensors.items()}
    heads = sorted({name for mine in found.values() for name in mine if _is_head(mine[name])})
    notes: list[str] = []
    changed: dict[str, Any] = {}
    for head in heads:
        columns = next(mine[head].shape[1] for mine in found.values() if head in mine)
        own = {role: _embedding(head, columns, mine) for role, mine in found.items()}
        ties = {role: _is_tied(role, head, mine, configs[role], own[role]) for role, mine in found.items()}
        for role in vectors:
            if ties[role] is None:
                ties[role] = ties["base"]  # a vector that says nothing is saved as its base is
        if silent := [role for role, is_tied in ties.items() if is_tied is None]:
            raise UserError(
                f"the {silent[0]} model",
                f"lacks {some([head])}, and its config.json does not say whether it is tied to the embedding",
                f"{TIE} true, or a tensor of its own",
                f'add "{TIE}": true to its config.json if its output layer is its embedding',
            )
        tied = [role for role, is_tied in ties.items() if is_tied]
        if len(tied) == len(found):
            for mine in found.values():
                mine.pop(head, None)
            notes.append(
                f"{some([head])} equals the embedding in every model, so the result does not store it."
            )
        elif tied:
            for role in tied:
                if (one := _only(role, head, own[role], role in vectors)) is not None:
                    found[role][head] = one
            changed = _untied(configs[donor])
            listed = some([f"the {role}" for role in tied])
            notes.append(
                f"{some([head])} is tied to the embedding in {listed} model, not in the others: the result has both."
            )
    return Tied(found, changed, notes)


def _is_head(tensor: Tensor) -> bool:
    return bool(HEAD.search(tensor.name)) and len(tensor.shape) == 2 and tensor.dtype in FLOATS


def _is_tied(
    role: str, head: str, mine: Tensors, config: Mapping[str, Any], own: list[Tensor]
) -> bool | None:
    said = setting(config, TIE)
    if said is not None and not isinstance(said, bool):
        raise UserError(
            f"the {role} model", f"config.json has {TIE} = {short(said)}", "true or false", "correct it"
        )
    if head not in mine:
        return said  # one that is missing and not tied is a missing tensor like any other
    if said and not equal(mine[head], _only(role, head, own, vector=False)):
        raise UserError(
            f"the {role} model",
            f"stores {some([head])}, which differs from its embedding, though its config.json has {TIE} = true",
            "what is tied is equal",
            f"set {TIE} to false in its config.json, or save the model without the tensor",
        )
    return bool(said)


def _embedding(head: str, columns: int, mine: Tensors) -> list[Tensor]:
    """Return the tensors to which an output layer may be tied; of several parts, those of the part it belongs to."""
    found = [t for name, t in mine.items() if EMBEDDING.search(name) and t.shape[1:] == (columns,)]
    before = head.rpartition(".")[0].rpartition(".")[0]
    return [t for t in found if before and t.name.startswith(f"{before}.")] or found


def _only(role: str, head: str, found: list[Tensor], vector: bool) -> Tensor | None:
    if len(found) == 1:
        return found[0]
    if vector and not found:
        return None  # what a vector lacks counts as 0
    raise UserError(
        f"the {role} model",
        f"ties {some([head])} to an embedding and has {some([t.name for t in found]) or 'none of a known name'}",
        "one embedding",
        "save the model untied",
    )


def _untied(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must change in a config, and in the configs within it that say something, to untie the head."""
    inner = {
        name: {**part, TIE: False}
        for name, part in parts(config).items()
        if name and part.get(TIE) is not None
    }
    return {TIE: False, **inner}


def equal(one: Tensor, other: Tensor | None) -> bool:
    """Return whether two stored tensors hold the same numbers; of two float formats the wider is rounded."""
    if other is None or one.shape != other.shape:
        return False
    mixed = (one.dtype in FLOATS) != (other.dtype in FLOATS)  # a mask of 0 and 1 is stored as either
    wide, thin = sorted((one, other), key=lambda tensor: -STORED[tensor.dtype].itemsize)
    with Files() as files:
        files.open((wide, thin))
        for first in range(0, one.n, READ):
            a, b = (files.read(tensor, first, min(first + READ, one.n)) for tensor in (wide, thin))
            if mixed:
                a, b = widen(a, wide.dtype), widen(b, thin.dtype)
            elif wide.dtype != thin.dtype and wide.dtype in FLOATS:
                a = narrow(widen(a, wide.dtype), thin.dtype)
            same = a.tobytes() == b.tobytes() if a.dtype == b.dtype else bool(np.array_equal(a, b))
            if not same:
                return False
    return True


def is_word_tensor(tensor: Tensor) -> bool:
    """Return whether a tensor has the name and the form of an embedding of words or of an output layer."""
    if len(tensor.shape) == 1:
        return bool(HEAD.search(tensor.name)) and tensor.name.endswith("bias")
    return len(tensor.shape) == 2 and bool(EMBEDDING.search(tensor.name) or HEAD.search(tensor.name))


def embedding_rows(mine: Mapping[str, Tensor], config: Mapping[str, Any]) -> int | None:
    """Return how many rows a model's vocabulary has; None where no tensor, or several, may be its embedding."""
    for pattern in (EMBEDDING, HEAD):
        sizes = {t.shape[0] for name, t in mine.items() if len(t.shape) == 2 and pattern.search(name)}
        said = setting(config, "vocab_size")
        if type(said) is int and said in sizes:
            return said
        if sizes:
            return sizes.pop() if len(sizes) == 1 else None
    return None
