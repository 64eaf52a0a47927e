"""From a train recipe and exact corpus versions to a checkpoint version."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from datacards import plugins
from datacards.card import Ref, Rights
from datacards.checkpoints import check_whole, resolve_checkpoint
from datacards.errors import UserError
from datacards.store import Store
from train.base import Shard, TrainData, Trainer
from train.data.chosen import Chosen, choose
from train.recipe import Format, TrainRecipe

GROUP = "kanagura.trainers"


@dataclass(frozen=True)
class Made:
    """A version and whether it was there already."""

    ref: Ref
    existed: bool


def run(recipe: TrainRecipe, corpora: Sequence[str], store: Store) -> Made:
    """Make the checkpoint that ``recipe`` asks for; an equal one that exists already is returned as it is.

    Every file of the corpora and of the base is hashed and compared with its card before a model is loaded.
    Raises UserError naming the version and the file that differ, or what else is wrong with the request.
    """
    trainer: Trainer = plugins.make(GROUP, recipe.trainer, recipe.options)
    inputs = [store.verified(text, "dataset") for text in corpora]
    shards = _shards(store, inputs, recipe.formats)
    base, folder = resolve_checkpoint(store, recipe.base)
    check_whole(str(base), folder)
    asked: dict[str, Any] = {
        **recipe.model_dump(mode="json", exclude=_unasked(recipe)),
        "base": str(base),
        "options": trainer.model_dump(mode="json"),
    }
    made_from = [base, *inputs]
    if ref := store.finished(recipe.name, recipe.version, recipe=asked, made_from=made_from):
        return Made(ref, existed=True)
    chosen = None
    if recipe.only or recipe.without:
        chosen = choose([shard.path for shard in shards], recipe.only, recipe.without)
        times = [rows.astype(np.float32) for rows in chosen.rows]
        shards = tuple(replace(shard, times=one) for shard, one in zip(shards, times, strict=True))
    data = TrainData(shards, cache=store.root / ".tokens")
    with store.write(
        name=recipe.name,
        version=recipe.version,
        kind="checkpoint",
        recipe=asked,
        made_from=made_from,
        description=recipe.description,
    ) as draft:
        trained = trainer.train(base=folder, data=data, out=draft.path, work=draft.work, seed=recipe.seed)
        draft.metrics.update(trained.metrics)
        draft.counts.update(trained.counts)
        draft.drops.update(trained.drops)
        draft.device = trained.device
        if chosen:
            draft.drops.update(chosen.left_out)
            draft.counts.update({f"source_{name}": n for name, n in sorted(chosen.sources.items())})
        draft.rights.extend(_rights(store, base, inputs, chosen))
        draft.rows["loss.jsonl"] = trained.counts.get("steps", 0)
    return Made(store.resolve(f"{recipe.name}@{recipe.version}"), existed=False)


def _unasked(recipe: TrainRecipe) -> set[str]:
    """Return the fields that a recipe leaves as they are by themselves: older versions know nothing of them."""
    later = ("only", "without", "fraction", "mixture", "replay", "validation", "monitor")
    return {
        name
        for name in later
        if getattr(recipe, name) == TrainRecipe.model_fields[name].get_default(call_default_factory=True)
    }


def _rights(store: Store, base: Ref, corpora: Sequence[Ref], chosen: Chosen | None) -> list[Rights]:
    """Return the rights of the base and of the documents that were used.

    Those are known when every document says its license; when one does not, and when nothing was chosen, they are all
    rights of the corpora.
    """
    found = [rights for ref in corpora for rights in store.card(ref).rights]
    used = chosen.licenses if chosen else None
    first = {rights.license: rights for rights in reversed(found)}
    if used is not None and used.keys() <= first.keys():
        found = [first[name].model_copy(update={"records": n}) for name, n in sorted(used.items())]
    if ":" not in base.name:
        found = [*store.card(base).rights, *found]
    return list(dict.fromkeys(found))


def _shards(store: Store, corpora: Sequence[Ref], formats: Sequence[Format] | None) -> tuple[Shard, ...]:
    listed = {ref: {file.path: file.sha256 for file in store.card(ref).files} for ref in corpora}
    found: list[Shard] = []
    for format_ in formats or get_args(Format):
        shards = [
            Shard(path, listed[ref][f"{format_}/{path.name}"], str(ref), format_)
            for ref in corpora
            for path in sorted(store.path(ref).glob(f"{format_}/train-*.parquet"))
        ]
        if formats and not shards:
            raise UserError(
                "formats",
                f"no training text in the format '{format_}'",
                todo="correct the recipe or name its corpus",
            )
        found += shards
    if not found:
        raise UserError(
            ", ".join(map(str, corpora)), "holds no training text", f"folders: {', '.join(get_args(Format))}"
        )
    return tuple(found)
