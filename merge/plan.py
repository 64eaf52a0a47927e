"""What goes into every tensor of the result: decided, and checked, before a byte is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacards.checkpoints import MARK, TASK_VECTOR, companions
from datacards.errors import UserError
from merge.files import ASK, Tensor, read_index, read_metadata
from merge.fit import OTHERS, SAME, check_configs, code_note, layers, read_config, setting, short, some
from merge.kept import is_buffer, kept
from merge.numbers import FLOATS
from merge.rows import Rows, Words, find_rows
from merge.ties import embedding_rows, is_word_tensor, untie
from merge.vocabulary import signature


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
    """All tensors of the result, what the card should say of them, and what changes in the donor's config.

    ``roles`` are the models that are merged, in the recipe's order: a vector may lack any tensor, so no tensor says.
    """

    targets: list[Target]
    layers: int
    notes: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    roles: tuple[str, ...] = ()


def read_models(folders: Mapping[str, Path]) -> dict[str, Model]:
    """Read the headers and configs of all checkpoints, by role; the role ``base`` comes first.

    A task vector, as the metadata of its files says, may lack a config. Raises UserError for a file that is missing
    or damaged.
    """
    if "base" not in folders:
        raise UserError("merge", "no base is named", "a model that the others descend from", "add --base")
    roles = ["base", *(role for role in folders if role != "base")]
    return {role: _read(role, folders[role]) for role in roles}


def _read(role: str, folder: Path) -> Model:
    where = f"the {role} model"
    try:
        tensors = read_index(folder)
        marks = {read_metadata(path).get(MARK) for path in {tensor.path for tensor in tensors.values()}}
        vector = marks == {TASK_VECTOR}
        config = {} if vector and not (folder / "config.json").exists() else read_config(folder)
    except UserError as error:  # files of all models have the same names
        raise UserError(where, f"{error.where} {error.received}", error.allowed, error.todo) from error
    if not tensors:
        raise UserError(where, f"has no tensors in '{folder.name}'", todo=ASK)
    if len(marks) > 1:
        raise UserError(where, "some of its files hold a task vector and some do not", todo=ASK)
    return Model(role, folder, tensors, config, vector)


def plan(models: Mapping[str, Model], *, tokenizer: str, new_tokens: str = "") -> Plan:
    """Return what goes into each tensor, in the order in which the base stores them.

    ``tokenizer`` is the role whose vocabulary and config the result has, ``new_tokens`` that whose rows are taken
    for tokens that the base lacks and several models have. Raises UserError for anything that does not fit, or is
    ambiguous; the weights themselves are read only where two stored tensors must be equal.
    """
    _check_roles(models, tokenizer, new_tokens)
    configs = {role: model.config or models["base"].config for role, model in models.items()}
    notes = check_configs(configs, tokenizer)
    vectors = {role for role, model in models.items() if model.vector}
    tied = untie({role: model.tensors for role, model in models.items()}, configs, vectors, tokenizer)
    kept_ones, merged = _sorted(models, tied.tensors)
    words = {
        role: Words(model.folder, embedding_rows(tied.tensors[role], configs[role]), model.vector)
        for role, model in models.items()
    }
    rows = find_rows(words, tokenizer=tokenizer, new_tokens=new_tokens)
    _check_size(rows, configs[tokenizer], tokenizer)
    inputs = _Inputs(models, tied.tensors, words, rows)
    targets = [Target(one.name, one.shape, Input(one), {}, kept=True) for one in kept_ones]
    targets += [inputs.target(name) for name in merged]
    place = {name: (str(at.path), at.offset) for name, at in models["base"].tensors.items()}
    targets.sort(key=lambda target: (target.name not in place, place.get(target.name, ()), target.name))
    donor = models[tokenizer].folder
    notes += [
        *tied.notes,
        *rows.notes,
        *_left(donor, tokenizer),
        *code_note(donor, configs[tokenizer], tokenizer),
    ]
    roles = tuple(role for role in models if role != "base")
    return Plan(targets, layers(configs["base"], models["base"].tensors), notes, tied.config, roles)


def _check_roles(models: Mapping[str, Model], tokenizer: str, new_tokens: str) -> None:
    for asked, role in (("tokenizer", tokenizer), ("new_tokens", new_tokens)):
        if role not in models and (role or asked == "tokenizer"):
            raise UserError(
                "merge", f"{asked} names {role!r}", f"merged are: {', '.join(models)}", "correct the recipe"
            )
    owners = [role for role, model in models.items() if role != "base" and not model.vector]
    if new_tokens and new_tokens not in owners:
        raise UserError(
            "merge", f"new_tokens names {new_tokens!r}",
            f"tokens that the base lacks can come from: {', '.join(owners) or 'no model'}", "correct the recipe",
        )  # fmt: skip
    if models["base"].vector:
        raise UserError(
            "the base model", "is a task vector", "a whole model", "name the model that it was taken from"
        )
    if not models[tokenizer].config:
        raise UserError(
            f"the {tokenizer} model", "has no config.json", "the result takes its config and tokenizer from it",
            f"name another role as tokenizer: {', '.join(role for role, model in models.items() if model.config)}",
        )  # fmt: skip


def _sorted(
    models: Mapping[str, Model], tensors: Mapping[str, Mapping[str, Tensor]]
) -> tuple[list[Tensor], list[str]]:
    """Return the tensors to copy and the names of those to merge; raise UserError for one that a model lacks."""
    whole = {role: tensors[role] for role, model in models.items() if not model.vector}
    kept_ones, merged = [], []
    lacking: dict[str, list[str]] = {}
    for name in sorted(set().union(*tensors.values())):
        having = {role: mine[name] for role, mine in whole.items() if name in mine}
        buffer = is_buffer(next(mine[name] for mine in tensors.values() if name in mine))
        if missing := [role for role in whole if role not in having and not buffer]:
            lacking.setdefault(missing[0], []).append(name)
        elif having and (one := kept(name, having)) is not None:
            kept_ones.append(one)
        elif not buffer:
            merged.append(name)
    for role, names in lacking.items():
        has = next(other for other, mine in tensors.items() if names[0] in mine)
        raise UserError(
            f"the {role} model", f"lacks {some(names)}, which the {has} model has", SAME,
            _renamed(role, names[0], tensors[role]) or OTHERS,
        )  # fmt: skip
    return kept_ones, merged


def _renamed(role: str, name: str, mine: Mapping[str, Tensor]) -> str:
    """Return what to do where a tensor is there with more or less in front of its name, as other code saves it."""
    alike = next((one for one in mine if one.endswith(f".{name}") or name.endswith(f".{one}")), "")
    if not alike:
        return ""
    return f"the {role} model has {some([alike])}: load and save all models with one class of one library"


def _left(folder: Path, role: str) -> list[str]:
    """Return a sentence on files of the tokenizer that do not go with the result, as nobody knows their format."""
    left = sorted(signature(folder).keys() - {path.name for path in companions(folder)})
    if not left:
        return []
    return [
        f"The result lacks files of the tokenizer of the {role} model ({some(left)}): copy them from there."
    ]


def _check_size(rows: Rows, config: Mapping[str, Any], tokenizer: str) -> None:
    said = setting(config, "vocab_size")
    if rows.n is None:
        if not rows.same:
            raise UserError(
                "merge", "the vocabularies differ, and no tensor has the name of an embedding that is known",
                "embed_tokens, wte, word_embeddings and the like", "give all models one vocabulary",
            )  # fmt: skip
    elif said is not None and (type(said) is not int or said != rows.n):
        raise UserError(
            f"the {tokenizer} model", f"config.json has vocab_size = {short(said)}, its embedding {rows.n:,} rows",
            "the config fits the embedding", "correct its config.json",
        )  # fmt: skip


@dataclass(frozen=True)
class _Inputs:
    """All that is known of the models once their tensors have one set of names."""

    models: Mapping[str, Model]
    tensors: Mapping[str, Mapping[str, Tensor]]
    words: Mapping[str, Words]
    rows: Rows

    def target(self, name: str) -> Target:
        """Return what goes into one merged tensor; raise UserError for a number format or shape that does not fit."""
        having = {role: mine[name] for role, mine in self.tensors.items() if name in mine}
        base = having["base"]
        of_words = self._is_of_words(having)
        for role, tensor in having.items():
            fits = tensor.shape[1:] == base.shape[1:] if of_words else tensor.shape == base.shape
            if tensor.dtype not in FLOATS:
                raise UserError(
                    f"the {role} model", f"{some([name])} is {tensor.dtype}", "numbers with a point", ASK
                )
            if not fits or len(tensor.shape) != len(base.shape):
                shapes = f"{list(tensor.shape)}, in the base model {list(base.shape)}"
                raise UserError(
                    f"the {role} model", f"{some([name])} has the shape {shapes}", SAME,
                    OTHERS,
                )  # fmt: skip
        if not of_words:
            self._check_no_words(having)
        shape = (self.rows.n or 0, *base.shape[1:]) if of_words else base.shape
        inputs = {
            role: Input(tensor, self.rows.rows[role] if of_words else None, self.models[role].vector)
            for role, tensor in having.items()
        }  # a vector may lack it, which counts as 0
        return Target(name, shape, inputs.pop("base"), inputs)

    def _is_of_words(self, having: Mapping[str, Tensor]) -> bool:
        """Return whether the rows of a tensor are those of the vocabulary, in every model."""
        return all(
            is_word_tensor(tensor) and tensor.shape[0] == self.words[role].rows
            for role, tensor in having.items()
        )

    def _check_no_words(self, having: Mapping[str, Tensor]) -> None:
        """Raise UserError for a tensor that may hold a row for every token without being known to."""
        name = having["base"].name
        by_row = all(t.shape and t.shape[0] == self.words[role].rows for role, t in having.items())
        if not self.rows.same and (by_row or is_word_tensor(having["base"])):
            raise UserError(
                "merge", f"the vocabularies differ, and it is not known whether the rows of {some([name])} are tokens",
                "the rows of an embedding or output layer of a known name, as many as the vocabulary has",
                "give all models one vocabulary first",
            )  # fmt: skip
