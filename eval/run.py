"""Turns a recipe, a checkpoint and, where a task needs it, a dataset version into an evaluation version."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datacards.card import Ref, Rights
from datacards.checkpoints import check_whole, resolve_checkpoint
from datacards.draft import Draft
from datacards.errors import UserError
from datacards.evaluated import ANSWERS, SCORES, TASKS, Score, TaskRecord, read_scores, write_records
from datacards.plugins import make
from datacards.store import Store
from eval.base import Evaluator
from eval.items import sha256_of
from eval.kept import Kept
from eval.recipe import EvalRecipe
from eval.scoring import score
from eval.tasks.base import Conversation, Task

GROUP = "kanagura.evaluators"


@dataclass(frozen=True)
class Inputs:
    """What an evaluation is made of, found and verified: the evaluator, the model, the corpus if any, the tasks."""

    evaluator: Evaluator
    model: Ref
    model_path: Path
    corpus: Ref | None
    corpus_path: Path | None
    tasks: tuple[Task, ...]
    kept: Path  # what this model was asked once, whatever the evaluator
    settings: str  # the digest of what bears on the evaluator's results

    @property
    def results(self) -> Kept:
        """Return the results of this model under the evaluator's settings."""
        return Kept(self.kept / self.settings)


def find(recipe: EvalRecipe, store: Store, *, model: str = "", corpus: str = "") -> Inputs:
    """Return the verified inputs of ``recipe`` for ``model`` (else the recipe's).

    Raises UserError naming what is missing, wrong or damaged.
    """
    evaluator: Evaluator = make(GROUP, recipe.evaluator, recipe.options)
    text = model or recipe.model
    if not text:
        raise UserError(recipe.name, "no model was named", todo="add: --model NAME@VERSION")
    model_ref, model_path = resolve_checkpoint(store, text)
    check_whole(str(model_ref), model_path)
    corpus_ref, corpus_path = _corpus(recipe, store, corpus)
    return Inputs(
        evaluator=evaluator,
        model=model_ref,
        model_path=model_path,
        corpus=corpus_ref,
        corpus_path=corpus_path,
        tasks=tuple(task.for_model(store, model_ref) for task in recipe.tasks),
        kept=store.root / ANSWERS / model_ref.digest,
        settings=sha256_of({"evaluator": recipe.evaluator, **evaluator.settings()})[:16],
    )


def run(recipe: EvalRecipe, store: Store, *, model: str = "", corpus: str = "") -> tuple[Ref, list[Score]]:
    """Score ``model`` (else the recipe's) and return the evaluation version with its scores.

    Every input is verified before anything is scored. A version that exists and was made from an equal request is
    returned as it is. Raises UserError naming what is missing or differs.
    """
    given = find(recipe, store, model=model, corpus=corpus)
    asked = {
        **recipe.model_dump(mode="json"),
        "model": str(given.model),
        "options": given.evaluator.model_dump(mode="json"),
        "tasks": [task.model_dump(mode="json") for task in given.tasks],
    }
    name = f"{_short(given.model)}-{recipe.name}"
    made_from = [given.model, *([given.corpus] if given.corpus else [])]
    if ref := store.finished(name, recipe.version, recipe=asked, made_from=made_from):
        return ref, read_scores(store.path(ref))
    with store.write(
        name=name,
        version=recipe.version,
        kind="evaluation",
        recipe=asked,
        made_from=made_from,
        description=recipe.description,
    ) as draft:
        scores, records = _scored(given, draft.path)
        _write(draft, scores, records)
        draft.rights.extend(_vendored_rights(given.tasks, records))
        draft.rights.extend(store.card(given.corpus).rights if given.corpus else [])
        draft.device = given.evaluator.device()
    return store.resolve(f"{name}@{recipe.version}"), scores


def _scored(given: Inputs, out: Path) -> tuple[list[Score], list[TaskRecord]]:
    """Return scores and records in the order of the tasks; conversations are held and judged by a room of their own."""
    talks = [task for task in given.tasks if isinstance(task, Conversation)]
    asked = [task for task in given.tasks if not isinstance(task, Conversation)]
    scores, records = score(
        given.evaluator, given.model_path, asked, given.corpus_path, out=out, kept=given.results
    )
    order = {task.task: place for place, task in enumerate(given.tasks)}
    for task in talks:
        more, held = task.converse(model=given.model_path, kept=given.kept, out=out)
        scores += more
        records += held
        order |= {record.task: order[task.task] for record in held}
    return (
        sorted(scores, key=lambda one: order[one.task]),
        sorted(records, key=lambda record: order[record.task]),
    )


def _write(draft: Draft, scores: Sequence[Score], records: Sequence[TaskRecord]) -> None:
    write_records(draft.path / SCORES, scores)
    write_records(draft.path / TASKS, records)
    first = {(record.task, record.metric) for record in records}  # the others stand in the scores
    for one in scores:
        if not one.group and (one.task, one.metric) in first:
            draft.metrics[f"{one.task}/{one.metric}"] = one.value
    for record in records:
        draft.counts[f"{record.task} items"] = record.samples
        draft.rows[f"samples/{record.task}.parquet"] = record.samples


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


def _vendored_rights(tasks: Sequence[Task], records: Sequence[TaskRecord]) -> list[Rights]:
    numbers = {record.task: record.samples for record in records}
    return [task.rights.model_copy(update={"records": numbers[task.task]}) for task in tasks if task.rights]


def _short(ref: Ref) -> str:
    """Return the name of a model without where it comes from: ``hf:org/model`` becomes ``model``."""
    return ref.name.split(":")[-1].split("/")[-1]
