"""From a train recipe and exact corpus versions to a checkpoint version."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from datacards import plugins
from datacards.card import Ref, Rights
from datacards.checkpoints import check_whole, resolve_checkpoint
from datacards.errors import UserError
from datacards.monitor import MONITOR
from datacards.store import Store
from train.base import HERE, Shard, TrainData, Trainer
from train.data.chosen import Chosen, choose
from train.recipe import Format, TrainRecipe
from train.watch.monitoring import Monitoring, prepare
from train.where import Where

GROUP = "kanagura.trainers"


@dataclass(frozen=True)
class Made:
    """A version and whether it was there already."""

    ref: Ref
    existed: bool


@dataclass(frozen=True)
class Inputs:
    """Dataset versions by what they are read for: trained on, trained on against forgetting, only measured."""

    corpora: Sequence[str]
    replay: Sequence[str] = ()
    validate: Sequence[str] = ()

    @property
    def all(self) -> list[str]:
        """Every version that is named, in the order in which the card has them."""
        return [*self.corpora, *self.replay, *self.validate]


def run(
    recipe: TrainRecipe,
    inputs: Inputs | Sequence[str],
    store: Store,
    where: Where = HERE,
    *,
    skipped: Sequence[int] = (),
) -> Made:
    """Make the checkpoint that ``recipe`` asks for; an equal one that exists already is returned as it is.

    Every file of the corpora and of the base is hashed and compared with its card before a model is loaded.
    Raises UserError naming the version and the file that differ, or what else is wrong with the request.
    """
    trainer: Trainer = plugins.make(GROUP, recipe.trainer, recipe.options)
    given = inputs if isinstance(inputs, Inputs) else Inputs(inputs)
    corpora = [store.verified(text, "dataset") for text in given.all]
    base, folder = resolve_checkpoint(store, recipe.base)
    check_whole(str(base), folder)
    asked = asked_of(recipe, trainer) | {"base": str(base)}
    made_from = [base, *corpora]
    wanted = prepare(recipe.monitor, store, folder) if recipe.monitor else None
    if wanted:
        asked["monitor"] = wanted.told()
        made_from = list(dict.fromkeys([*made_from, *wanted.ready.refs]))
    if ref := store.finished(recipe.name, recipe.version, recipe=asked, made_from=made_from):
        return Made(ref, existed=True)
    data, chosen = train_data(recipe, corpora, store)
    with store.write(
        name=recipe.name,
        version=recipe.version,
        kind="checkpoint",
        recipe=asked,
        made_from=made_from,
        description=" ".join(filter(None, [recipe.description, wanted.ready.note if wanted else ""])),
    ) as draft:
        with Monitoring(wanted, folder, draft.work, draft.path) if wanted else nullcontext() as monitoring:
            trained = trainer.train(
                base=folder, data=data, out=draft.path, work=draft.work, seed=recipe.seed, where=where
            )
            if monitoring:
                draft.rows[MONITOR] = len(monitoring.finish(trained.counts.get("steps", 1)))
        draft.metrics.update(trained.metrics)
        draft.counts.update(trained.counts)
        draft.drops.update(trained.drops)
        draft.device = trained.device
        if chosen:
            draft.drops.update(chosen.left_out)
            draft.counts.update({f"source_{name}": n for name, n in sorted(chosen.sources.items())})
        draft.rights.extend(_rights(store, base, corpora, chosen))
        draft.rows["loss.jsonl"] = trained.counts.get("steps", 0)
    return Made(store.resolve(f"{recipe.name}@{recipe.version}"), existed=False)


def train_data(recipe: TrainRecipe, inputs: Sequence[Ref], store: Store) -> tuple[TrainData, Chosen | None]:
    """Return what a recipe reads of dataset versions, and what was chosen of them if anything was.

    Equal arguments give equal data, at any time: with it every step of a run can be found again.
    """
    shards, chosen = _shards(store, inputs, recipe.formats), None
    if recipe.only or recipe.without:
        chosen = choose([shard.path for shard in shards], recipe.only, recipe.without)
        times = [rows.astype(np.float32) for rows in chosen.rows]
        shards = tuple(replace(shard, times=one) for shard, one in zip(shards, times, strict=True))
    return TrainData(shards, cache=store.root / ".tokens"), chosen


def asked_of(recipe: TrainRecipe, trainer: Trainer) -> dict[str, Any]:
    """Return what a version is asked for by, with all options; where it runs is no part of it."""
    return {
        **recipe.model_dump(mode="json", exclude=_unasked(recipe)),
        "options": trainer.model_dump(mode="json"),
    }


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
