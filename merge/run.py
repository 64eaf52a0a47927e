"""From a merge recipe to a checkpoint version."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datacards import plugins
from datacards.card import Ref
from datacards.checkpoints import companions, resolve_checkpoint
from datacards.errors import UserError
from datacards.store import Draft, Store
from merge.base import Merger
from merge.fit import check_configs, check_vocabularies
from merge.mergers.engine import ROLES, merge
from merge.numbers import DTYPES
from merge.recipe import MergeRecipe
from merge.telling import tell

GROUP = "kanagura.mergers"


@dataclass(frozen=True)
class Made:
    """A version and whether it was there already."""

    ref: Ref
    existed: bool


def run(recipe: MergeRecipe, store: Store) -> Made:
    """Make the checkpoint that ``recipe`` asks for; an equal one that exists already is returned as it is.

    Raises UserError for an input that is unknown, changed or does not fit, before anything is written.
    """
    merger: Merger = plugins.make(GROUP, recipe.merger, recipe.options)
    if not recipe.domain:
        raise UserError("merge", "no domain model is named", todo="add --domain NAME@VERSION")
    refs, folders = _resolve(recipe, store)
    asked: dict[str, Any] = {
        **recipe.model_dump(mode="json"),
        **{role: str(ref) for role, ref in zip(ROLES, refs, strict=True)},
        "options": merger.model_dump(mode="json"),
    }
    if ref := store.finished(recipe.name, recipe.version, recipe=asked, made_from=refs):
        return Made(ref, existed=True)
    check_configs(folders)
    check_vocabularies(folders)
    with store.write(
        name=recipe.name,
        version=recipe.version,
        kind="checkpoint",
        recipe=asked,
        made_from=refs,
        description=recipe.description,
    ) as draft:
        measured = merge(
            merger, folders, draft.path, dtype=DTYPES[recipe.dtype], shard_bytes=recipe.shard_bytes
        )
        _copy_companions(folders[recipe.donor()], draft.path, recipe.dtype)
        tell(draft, measured, models=dict(zip(ROLES, refs, strict=True)), methods=[recipe.merger])
        _take_rights(draft, store, refs)
    return Made(store.resolve(f"{recipe.name}@{recipe.version}"), existed=False)


def _resolve(recipe: MergeRecipe, store: Store) -> tuple[list[Ref], dict[str, Path]]:
    refs, folders = [], {}
    for role in ROLES:
        ref, folders[role] = resolve_checkpoint(store, getattr(recipe, role))
        refs.append(ref)
    return refs, folders


def _copy_companions(source: Path, out: Path, dtype: str) -> None:
    for path in companions(source):
        shutil.copyfile(path, out / path.name)
    config = json.loads((source / "config.json").read_bytes())
    config.pop("torch_dtype", None)  # the old name of the key
    config["dtype"] = dtype
    (out / "config.json").write_text(
        json.dumps(config, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )


def _take_rights(draft: Draft, store: Store, refs: Sequence[Ref]) -> None:
    inside = [store.card(ref) for ref in refs if ":" not in ref.name]
    draft.rights.extend(dict.fromkeys(rights for card in inside for rights in card.rights))
