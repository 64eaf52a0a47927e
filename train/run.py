"""From a train recipe and exact corpus versions to a checkpoint version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from datacards import plugins
from datacards.card import Ref
from datacards.checkpoints import resolve_checkpoint
from datacards.errors import UserError
from datacards.store import Store
from train.base import TrainData, Trainer
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
    data = TrainData(_shards(store, inputs, recipe.formats))
    base, folder = resolve_checkpoint(store, recipe.base)
    asked: dict[str, Any] = {
        **recipe.model_dump(mode="json"),
        "base": str(base),
        "options": trainer.model_dump(mode="json"),
    }
    made_from = [base, *inputs]
    if ref := store.finished(recipe.name, recipe.version, recipe=asked, made_from=made_from):
        return Made(ref, existed=True)
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
        cards = [store.card(ref) for ref in made_from if ":" not in ref.name]
        draft.rights.extend(dict.fromkeys(rights for card in cards for rights in card.rights))
        draft.rows["loss.jsonl"] = trained.counts.get("steps", 0)
    return Made(store.resolve(f"{recipe.name}@{recipe.version}"), existed=False)


def _shards(store: Store, corpora: Sequence[Ref], formats: Sequence[Format] | None) -> tuple[Any, ...]:
    found = []
    for format_ in formats or get_args(Format):
        shards = [
            path for ref in corpora for path in sorted(store.path(ref).glob(f"{format_}/train-*.parquet"))
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
