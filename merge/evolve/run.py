"""From an evolution's recipe to one checkpoint version: the best candidate, and every trial that led to it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from datacards import plugins
from datacards.card import Ref
from datacards.errors import UserError
from datacards.objective import GROUP, Objective
from datacards.store import Draft, Store
from merge.evolve.candidate import Candidates
from merge.evolve.driver import Driver
from merge.evolve.loading import Resident
from merge.evolve.plot import plot
from merge.evolve.recipe import OUTER, EvolveRecipe
from merge.evolve.trials import TRIALS, Ledger, Trial, best_of, write_trials
from merge.evolve.vary import Dimension, check, dimensions, varied
from merge.numbers import DTYPES
from merge.plan import Plan, plan, read_models
from merge.recipe import MergeRecipe
from merge.run import Family, Made, copy_companions, find, notes, request, take_rights, write
from merge.telling import tell

BEST = "best.yaml"
FIGURE = "evolution.svg"
MODEL = "model"  # of the working folder: config and tokenizer, that a candidate is loaded with


@dataclass(frozen=True)
class Asked:
    """An evolution with all that it names found: what varies, the models, the corpus, the objective."""

    recipe: EvolveRecipe
    start: MergeRecipe
    dimensions: list[Dimension]
    family: Family
    objective: Objective
    corpus: Ref | None
    corpus_path: Path | None

    @property
    def made_from(self) -> list[Ref]:
        """The inputs of the version: every model, and the corpus that it was chosen on."""
        return [*self.family.refs.values(), *([self.corpus] if self.corpus else [])]

    def request(self) -> dict[str, Any]:
        """Return the recipe as the card holds it."""
        told = self.recipe.model_dump(mode="json")
        merge = request(self.start, self.family)
        told["merge"] = {key: value for key, value in merge.items() if key not in OUTER}
        told["objective"]["options"] = self.objective.model_dump(mode="json")
        return told

    def description(self) -> str:
        """Return the recipe's description and what a reader of scores must know."""
        name = self.recipe.objective.plugin
        tests = ", ".join(self.objective.tests())
        said = f"Its numbers were chosen by CMA-ES with the objective `{name}`" + (
            f" ({tests})." if tests else "."
        )
        on = (
            f" Scores of this model on {tests}"
            if tests
            else " Scores of this model on what the objective reads"
        )
        return " ".join(
            part for part in (self.recipe.description, said + on + " are no test scores any more.") if part
        )


def run(recipe: EvolveRecipe, store: Store, *, corpus: str = "") -> Made:
    """Search as ``recipe`` asks and make the version of the best candidate; a finished equal one is returned.

    Every trial is on the disk before the next begins: a search that was stopped goes on where it was when it is asked for
    again, and ends as if it had not been. Raises UserError before the first trial for whatever the recipe, the models
    or the corpus lack, and where the first candidate or every one could not be scored.
    """
    asked = _find(recipe, store, corpus)
    told = asked.request()
    if ref := store.finished(recipe.name, recipe.version, recipe=told, made_from=asked.made_from):
        return Made(ref, existed=True)
    models = read_models(asked.family.folders)
    planned = plan(models, tokenizer=asked.start.donor(), new_tokens=asked.start.new_tokens)
    check(asked.start, asked.dimensions, planned)
    with store.write(
        name=recipe.name,
        version=recipe.version,
        kind="checkpoint",
        recipe=told,
        made_from=asked.made_from,
        description=asked.description(),
    ) as draft:
        folder = draft.work / MODEL
        folder.mkdir(exist_ok=True)
        copy_companions(models[asked.start.donor()], planned, folder, asked.start.dtype)
        trials = _search(asked, planned, folder, draft)
        best = _best(trials)
        winner = varied(asked.start, asked.dimensions, best.values)
        base = asked.family.refs["base"]
        measured = write(winner, planned, draft, base)
        copy_companions(models[asked.start.donor()], planned, draft.path, asked.start.dtype)
        merged = request(winner, asked.family)
        methods = [merged["merger"], *(rule["merger"] for rule in merged["rules"])]
        told_of = notes(winner, models, planned, base)
        tell(draft, measured, models=asked.family.refs, methods=methods, notes=told_of)
        _tell(draft, asked, winner, trials)
        take_rights(draft, store, asked.made_from)
    return Made(store.resolve(f"{recipe.name}@{recipe.version}"), existed=False)


def _find(recipe: EvolveRecipe, store: Store, corpus: str) -> Asked:
    start = recipe.plain()
    if start.output != "model":
        raise UserError(
            recipe.name, f"merge has output: {start.output}", "output: model", "a vector has no score"
        )
    objective: Objective = plugins.make(GROUP, recipe.objective.plugin, recipe.objective.options)
    found = dimensions(recipe.search, start)
    corpus_ref = store.verified(corpus, "dataset") if corpus else None
    corpus_path = store.path(corpus_ref) if corpus_ref else None
    objective.check(corpus_path)
    return Asked(recipe, start, found, find(start, store), objective, corpus_ref, corpus_path)


def _search(asked: Asked, planned: Plan, folder: Path, draft: Draft) -> list[Trial]:
    resident = Resident(folder, DTYPES[asked.start.dtype], asked.recipe.compute)
    draft.device = resident.device
    driver = Driver(
        recipe=asked.recipe,
        start=asked.start,
        dimensions=asked.dimensions,
        candidates=Candidates(planned, asked.start),
        resident=resident,
        objective=asked.objective,
        corpus=asked.corpus_path,
    )
    return driver.search(Ledger(draft.work / TRIALS))


def _best(trials: list[Trial]) -> Trial:
    best = best_of(trials)
    if best is None:
        raise UserError(
            "evolve",
            f"none of {len(trials)} candidates could be scored: {trials[-1].failure}",
            todo="check the objective",
        )
    return best


def _tell(draft: Draft, asked: Asked, winner: MergeRecipe, trials: list[Trial]) -> None:
    """Write the trials, the plot and the recipe of the best one, and give the card its figures."""
    best = _best(trials)
    write_trials(draft.path, trials)
    draft.rows[TRIALS] = len(trials)
    (draft.path / FIGURE).write_text(plot(trials, asked.dimensions), encoding="utf-8")
    (draft.path / BEST).write_text(_recipe(winner, asked.family), encoding="utf-8")
    draft.counts["trials"] = len(trials)
    draft.counts["trials without a score"] = sum(trial.score is None for trial in trials)
    if trials[0].score is not None:
        draft.metrics["score_start"] = trials[0].score
    draft.metrics["score_best"] = best.score or 0.0
    draft.metrics |= {f"best/{name}": value for name, value in best.values.items()}


def _recipe(winner: MergeRecipe, family: Family) -> str:
    """Return the merge recipe of the best candidate as YAML, which ``merge`` takes; local folders must be named to it."""
    told = request(winner, family) | {"name": f"{winner.name}-merged"}
    kept = {key: value for key, value in told.items() if value not in ("", {}, [])}
    local = [role for role, ref in family.refs.items() if ref.name.startswith("local:")]
    head = "# The merge of the best trial: merge best.yaml"
    head += f"\n# These were local folders, name them again: {', '.join(local)}" if local else ""
    return f"{head}\n{yaml.safe_dump(kept, allow_unicode=True, sort_keys=False)}"
