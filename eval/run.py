"""Turns a recipe, a checkpoint and, where a task needs it, a dataset version into an evaluation version."""

from pathlib import Path

from datacards.card import Ref, Rights
from datacards.checkpoints import check_whole, resolve_checkpoint
from datacards.errors import UserError
from datacards.evaluated import SCORES, TASKS, Score, read_scores, write_records
from datacards.plugins import make
from datacards.store import Store
from eval.base import Evaluator
from eval.items import sha256_of
from eval.kept import Kept
from eval.recipe import EvalRecipe
from eval.scoring import score

GROUP = "kanagura.evaluators"
KEPT = ".answers"  # the folder of the store that keeps what models were asked once


def run(recipe: EvalRecipe, store: Store, *, model: str = "", corpus: str = "") -> tuple[Ref, list[Score]]:
    """Score ``model`` (else the recipe's) and return the evaluation version with its scores.

    Every input is verified before anything is scored. A version that exists and was made from an equal request is
    returned as it is. Raises UserError naming what is missing or differs.
    """
    evaluator: Evaluator = make(GROUP, recipe.evaluator, recipe.options)
    text = model or recipe.model
    if not text:
        raise UserError(recipe.name, "no model was named", todo="add: --model NAME@VERSION")
    model_ref, model_path = resolve_checkpoint(store, text)
    check_whole(str(model_ref), model_path)
    corpus_ref, corpus_path = _corpus(recipe, store, corpus)
    asked = {
        **recipe.model_dump(mode="json"),
        "model": str(model_ref),
        "options": evaluator.model_dump(mode="json"),
    }
    name = f"{_short(model_ref)}-{recipe.name}"
    made_from = [model_ref, *([corpus_ref] if corpus_ref else [])]
    if ref := store.finished(name, recipe.version, recipe=asked, made_from=made_from):
        return ref, read_scores(store.path(ref))
    settings = {"evaluator": recipe.evaluator, **evaluator.settings()}
    kept = Kept(store.root / KEPT / model_ref.digest / sha256_of(settings)[:16])
    tasks = [task.for_model(store, model_ref) for task in recipe.tasks]
    rights = list(store.card(corpus_ref).rights) if corpus_ref else []
    with store.write(
        name=name,
        version=recipe.version,
        kind="evaluation",
        recipe=asked,
        made_from=made_from,
        description=recipe.description,
    ) as draft:
        scores, records = score(evaluator, model_path, tasks, corpus_path, out=draft.path, kept=kept)
        write_records(draft.path / SCORES, scores)
        write_records(draft.path / TASKS, records)
        for one in scores:
            if not one.group:
                draft.metrics[f"{one.task}/{one.metric}"] = one.value
        for record in records:
            draft.counts[f"{record.task} items"] = record.samples
            draft.rows[f"samples/{record.task}.parquet"] = record.samples
        draft.rights.extend([*_vendored_rights(recipe, scores), *rights])
        draft.device = evaluator.device()
    return store.resolve(f"{name}@{recipe.version}"), scores


def _corpus(recipe: EvalRecipe, store: Store, text: str) -> tuple[Ref | None, Path | None]:
    if not recipe.needs_corpus:
        if text:
            raise UserError(
                recipe.name, f"no task asks about a corpus, yet '{text}' was given", todo="leave it out"
            )
        return None, None
    if not text:
        raise UserError(recipe.name, "a task asks about a corpus", todo="add: --corpus NAME@VERSION")
    ref = store.verified(text, "dataset")
    return ref, store.path(ref)


def _vendored_rights(recipe: EvalRecipe, scores: list[Score]) -> list[Rights]:
    numbers = {score.task: score.samples for score in scores if not score.group}
    return [
        task.rights.model_copy(update={"records": numbers[task.task]}) for task in recipe.tasks if task.rights
    ]


def _short(ref: Ref) -> str:
    """Return the name of a model without where it comes from: ``hf:org/model`` becomes ``model``."""
    return ref.name.split(":")[-1].split("/")[-1]
