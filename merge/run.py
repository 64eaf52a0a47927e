"""From a merge recipe to a checkpoint version."""

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datacards.card import Ref
from datacards.checkpoints import BASE, MARK, TASK_VECTOR, companions, resolve_checkpoint, text_of
from datacards.errors import UserError
from datacards.store import Draft, Store
from merge.base import Merger
from merge.files import lay_out, read_metadata
from merge.fit import parts, some
from merge.numbers import DTYPES
from merge.plan import Model, Plan, plan, read_models
from merge.recipe import NAMED, MergeRecipe
from merge.rules import mergers, resolved
from merge.streaming.engine import merge
from merge.streaming.measured import Measured
from merge.streaming.sinks import Laid, stored_as
from merge.telling import steps, tell

JOURNAL = "written.jsonl"
DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Made:
    """A version and whether it was there already."""

    ref: Ref
    existed: bool


@dataclass(frozen=True)
class Family:
    """The checkpoints that a recipe names, by role, found and verified."""

    refs: dict[str, Ref]
    folders: dict[str, Path]


def run(recipe: MergeRecipe, store: Store) -> Made:
    """Make the checkpoint that ``recipe`` asks for; an equal one that exists already is returned as it is.

    Raises UserError for an input that is unknown, changed or does not fit, before anything is written.
    """
    family = find(recipe, store)
    asked = request(recipe, family)
    refs = list(family.refs.values())
    if ref := store.finished(recipe.name, recipe.version, recipe=asked, made_from=refs):
        return Made(ref, existed=True)
    models = read_models(family.folders)
    planned = plan(models, tokenizer=recipe.donor(), new_tokens=recipe.new_tokens)
    methods_of(recipe, planned)
    with store.write(
        name=recipe.name,
        version=recipe.version,
        kind="checkpoint",
        recipe=asked,
        made_from=refs,
        description=recipe.description,
    ) as draft:
        measured = write(recipe, planned, draft, family.refs["base"])
        copy_companions(models[recipe.donor()], planned, draft.path, recipe.dtype)
        methods = [asked["merger"], *(rule["merger"] for rule in asked["rules"])]
        told = notes(recipe, models, planned, family.refs["base"])
        tell(draft, measured, models=family.refs, methods=methods, notes=told)
        take_rights(draft, store, refs)
    return Made(store.resolve(f"{recipe.name}@{recipe.version}"), existed=False)


def find(recipe: MergeRecipe, store: Store) -> Family:
    """Return the checkpoints that ``recipe`` names; raise UserError for one that is unknown or has changed."""
    named = recipe.checkpoints()
    if not recipe.base:
        raise UserError(
            "merge", "no base is named", "the model that the others descend from", "add --base NAME@VERSION"
        )
    if len(named) < 2:
        raise UserError(
            "merge",
            "no model is named beside the base",
            todo="add --domain NAME@VERSION, or models to the recipe",
        )
    for asked, role in (("tokenizer", recipe.donor()), ("new_tokens", recipe.new_tokens)):
        if role and role not in named:
            raise UserError(
                "merge", f"{asked} names {role!r}", f"merged are: {', '.join(named)}", "correct the recipe"
            )
    with ThreadPoolExecutor(min(len(named), os.cpu_count() or 1)) as pool:  # each hashes all its files
        found = dict(
            zip(named, pool.map(lambda text: resolve_checkpoint(store, text), named.values()), strict=True)
        )
    return Family(
        {role: ref for role, (ref, _) in found.items()}, {role: at for role, (_, at) in found.items()}
    )


def request(recipe: MergeRecipe, family: Family) -> dict[str, Any]:
    """Return the recipe as the card holds it: checkpoints by what they were found to be, options written out."""
    told = recipe.model_dump(mode="json") | resolved(recipe) | {"tokenizer": recipe.donor()}
    for role, ref in family.refs.items():
        held = told if role in NAMED else told["models"]  # a role may be called like another field
        held[role] = text_of(ref, family.folders[role])
    return told


def methods_of(recipe: MergeRecipe, planned: Plan) -> dict[str, Merger]:
    """Return the method of every tensor; raise UserError where the recipe does not fit the plan."""
    lacking = [
        target.name
        for target in planned.targets
        if target.base.rows is not None and (target.base.rows < 0).any()
    ]
    if recipe.output == "vector" and lacking:
        raise UserError(
            "merge",
            f"{some(lacking)} would have rows that the base lacks",
            "a vector says how rows of the base change",
            "take the tokenizer of the base (tokenizer: base), or ask for output: model",
        )
    return mergers(recipe, [target.name for target in planned.targets if not target.kept], planned.layers)


def notes(recipe: MergeRecipe, models: Mapping[str, Model], planned: Plan, base: Ref) -> list[str]:
    """Return the sentences for the card: those of the plan, vectors of another base, the number formats on the way."""
    mergers_ = methods_of(recipe, planned).values()
    asked = {"dtype": recipe.dtype, "rounding": recipe.rounding, "output": recipe.output}
    strange = [
        f"The task vector {role} was taken from a base with the digest {found[:16]}, the base here has {base.digest[:16]}."
        for role, model in models.items()
        if model.vector and (found := _base_of(model)) not in ("", base.digest)
    ]
    return [*planned.notes, *strange, steps(models, mergers_, **asked)]


def _base_of(vector: Model) -> str:
    """Return the digest of the base that a vector says it was taken from; '' where it says none that can be one."""
    found = read_metadata(next(iter(vector.tensors.values())).path).get(BASE, "")
    return found if DIGEST.fullmatch(found) else ""


def write(recipe: MergeRecipe, planned: Plan, draft: Draft, base: Ref) -> list[Measured]:
    """Write the merged weights into ``draft``, going on where an earlier run was stopped; a vector names its ``base``."""
    dtype, methods = DTYPES[recipe.dtype], methods_of(recipe, planned)
    formats = stored_as(planned, dtype)
    tensors = lay_out(
        draft.path,
        [(target.name, formats[target.name], target.shape) for target in planned.targets],
        recipe.shard_bytes,
        {MARK: TASK_VECTOR, BASE: base.digest} if recipe.output == "vector" else None,
    )
    with Laid({tensor.name: tensor for tensor in tensors}) as sink:
        return merge(
            planned,
            methods,
            sink,
            dtype=dtype,
            output=recipe.output,
            rounding=recipe.rounding,
            seed=recipe.seed,
            journal=draft.work / JOURNAL,
            show=True,
        )


def copy_companions(donor: Model, planned: Plan, out: Path, dtype: str) -> None:
    """Copy tokenizer, chat template and configs of ``donor``; its config says the new number format."""
    for path in companions(donor.folder):
        shutil.copyfile(path, out / path.name)
    config = {**donor.config, **planned.config}
    config |= {name: _typed(part, dtype) for name, part in parts(config).items() if name and _says_type(part)}
    config = _typed(config, dtype)
    text = json.dumps(config, ensure_ascii=False, indent=2)
    (out / "config.json").write_text(text + "\n", encoding="utf-8")


def _says_type(config: Mapping[str, Any]) -> bool:
    return any(config.get(key) is not None for key in ("dtype", "torch_dtype"))


def _typed(config: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """Return a config that says the number format, under the present name of the key alone."""
    return {key: value for key, value in config.items() if key != "torch_dtype"} | {"dtype": dtype}


def take_rights(draft: Draft, store: Store, refs: Sequence[Ref]) -> None:
    """Give the draft the rights of every input that is a version of the store."""
    inside = [store.card(ref) for ref in refs if ":" not in ref.name]
    draft.rights.extend(dict.fromkeys(rights for card in inside for rights in card.rights))
