"""From a train recipe and exact corpus versions to a checkpoint version."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from datacards import plugins
from datacards.card import Ref, Rights
from datacards.checkpoints import check_whole, resolve_checkpoint
from datacards.draft import Draft
from datacards.monitor import Point
from datacards.store import Store
from datacards.trained import Training, write_training
from train.base import HERE, NOTHING, Trained, Trainer, Watched
from train.data.chosen import Chosen
from train.inputs import Inputs, Verified
from train.recipe import TrainRecipe
from train.watch.monitoring import Monitoring, prepare
from train.watch.trackers import run_folder
from train.where import Where

GROUP = "kanagura.trainers"


@dataclass(frozen=True)
class Made:
    """A version and whether it was there already."""

    ref: Ref
    existed: bool


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
    given = (inputs if isinstance(inputs, Inputs) else Inputs(inputs)).verified(store)
    base, folder = resolve_checkpoint(store, recipe.base)
    check_whole(str(base), folder)
    asked = asked_of(recipe, trainer) | {"base": str(base)} | given.noted(watched=recipe.monitor is not None)
    made_from = [base, *given.refs]
    wanted = prepare(recipe.monitor, store, folder) if recipe.monitor else None
    if wanted:
        asked["monitor"] = wanted.told()
        made_from = list(dict.fromkeys([*made_from, *wanted.ready.refs]))
    noted = _as_noted(store, recipe, trainer, asked)
    if ref := store.finished(recipe.name, recipe.version, recipe=noted, made_from=made_from):
        return Made(ref, existed=True)
    data, chosen = given.data(recipe, store)
    watched = _watched(recipe, store, skipped)
    with store.write(
        name=recipe.name,
        version=recipe.version,
        kind="checkpoint",
        recipe=asked,
        made_from=made_from,
        description=" ".join(filter(None, [recipe.description, wanted.ready.note if wanted else ""])),
    ) as draft:
        points: list[Point] = []
        with Monitoring(wanted, folder, draft.work, draft.path) if wanted else nullcontext() as monitoring:
            trained = trainer.train(
                base=folder,
                data=data,
                out=draft.path,
                work=draft.work,
                seed=recipe.seed,
                where=where,
                watched=watched,
            )
            if monitoring:
                points = monitoring.finish(trained.counts.get("steps", 1))
        _fill(draft, trained, chosen)
        _tell(draft, trained, base, given, points)
        draft.rights.extend(_rights(store, base, [*given.corpora, *given.replay], chosen))
    return Made(store.resolve(f"{recipe.name}@{recipe.version}"), existed=False)


def _watched(recipe: TrainRecipe, store: Store, skipped: Sequence[int]) -> Watched:
    asked = recipe.validation
    return Watched(
        limit=asked.tokens if asked else NOTHING.limit,
        every=asked.every if asked else None,
        skipped=tuple(sorted(set(skipped))),
        tracking=run_folder(store.root, f"{recipe.name}@{recipe.version}"),
    )


def _fill(draft: Draft, trained: Trained, chosen: Chosen) -> None:
    """Put figures and counts into the card that the draft will have."""
    draft.metrics.update(trained.metrics)
    draft.counts.update(trained.counts)
    draft.drops.update(trained.drops)
    draft.device = trained.device
    draft.drops.update(chosen.left_out)
    draft.counts.update({f"source_{name}": n for name, n in sorted(chosen.sources.items()) if name})
    for path in draft.path.glob("*.jsonl"):
        draft.rows[path.name] = sum(1 for line in path.read_bytes().splitlines() if line.strip())


def _tell(draft: Draft, trained: Trained, base: Ref, given: Verified, points: Sequence[Point]) -> None:
    """Write ``training.json``: what the trainer says of its run, and what only this stage knows."""
    last = points[-1].scores if points else {}
    record = Training.model_validate(trained.training)
    write_training(
        draft.path, record.model_copy(update={"base": base, "inputs": given.told(), "monitor": last})
    )


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


def _as_noted(
    store: Store, recipe: TrainRecipe, trainer: Trainer, asked: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return ``asked`` as the version that is there would have noted it, which may be older than some options.

    An option that was added since and is left as it is by itself asks for nothing else than that version is.
    """
    version = Ref(name=recipe.name, version=recipe.version)
    had = store.card(store.resolve(str(version))).recipe.get("options") if store.digest(version) else None
    if not isinstance(had, Mapping):
        return asked
    unasked = {
        name
        for name, field in type(trainer).model_fields.items()
        if name not in had and getattr(trainer, name) == field.get_default(call_default_factory=True)
    }
    options = {name: value for name, value in asked["options"].items() if name not in unasked}
    return {**asked, "options": options}


def _rights(store: Store, base: Ref, corpora: Sequence[Ref], chosen: Chosen) -> list[Rights]:
    """Return the rights of the base and of the documents that were used.

    Those are known when every document says its license; when one does not, and when none was left out, they are all
    rights of the corpora.
    """
    found = [rights for ref in corpora for rights in store.card(ref).rights]
    used = chosen.licenses if chosen.left_out else None
    first = {rights.license: rights for rights in reversed(found)}
    if used is not None and used.keys() <= first.keys():
        found = [first[name].model_copy(update={"records": n}) for name, n in sorted(used.items())]
    if ":" not in base.name:
        found = [*store.card(base).rights, *found]
    return list(dict.fromkeys(found))
