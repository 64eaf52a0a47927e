"""What a training is worth so far: the instruct vector is merged into the weights, and both are scored."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from pydantic import Field, NonNegativeInt

from datacards import plugins
from datacards.card import Ref
from datacards.checkpoints import check_whole, resolve_checkpoint
from datacards.errors import UserError
from datacards.monitor import Monitor, Ready
from datacards.objective import GROUP, Loaded, Objective
from datacards.recipe import validate
from datacards.store import Store
from merge.evolve.candidate import Candidates
from merge.evolve.loading import Resident, load_folder
from merge.evolve.recipe import Chosen
from merge.numbers import DTYPES
from merge.plan import Plan, plan, read_models
from merge.recipe import MergeRecipe, Rule
from merge.run import copy_companions, methods_of

CORPUS = "corpus"  # its folder, beside those of the models by role


@dataclass(frozen=True)
class _Merge:
    """A merge that was planned, and the folder with config and tokenizer of its result."""

    recipe: MergeRecipe
    plan: Plan
    donor: Path


class MergeMonitor(Monitor):
    """``base + (saved - base) + (instruct - base)`` in memory, or any other merge, scored beside the saved weights alone.

    arXiv 2409.19854 merges at the end and suggests to watch the merge. The state is the role ``domain`` of a merge recipe
    whose other fields are these options; the merged weights are those that ``merge`` writes, rounded to ``dtype``. ``objective``
    is a plug-in of the group ``kanagura.objectives`` and may ask about ``corpus``, a dataset version. It computes in
    float32, as an evaluation does by default, or with weights as they are ``stored`` by the merge. The figures are ``merged`` and
    ``unmerged``; where instruct and base have different tokenizers, likelihoods of the two do not compare.
    """

    instruct: str
    models: dict[str, str] = Field(default_factory=dict)
    merger: str = "task_arithmetic"
    options: dict[str, Any] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    dtype: Literal["float32", "float16", "bfloat16"] = "bfloat16"
    rounding: Literal["nearest", "stochastic"] = "nearest"
    tokenizer: str = ""
    new_tokens: str = ""
    seed: NonNegativeInt = 0
    objective: Chosen
    corpus: str = ""
    compute: Literal["float32", "stored"] = "float32"

    def prepare(self, store: Store, base: Path) -> Ready:
        """Verify the models and the corpus, and plan the merge with the base as the first state."""
        recipe, objective = self._recipe(), self._objective()
        corpus = store.verified(self.corpus, "dataset") if self.corpus else None
        folders = {CORPUS: store.path(corpus)} if corpus else {}
        objective.check(folders.get(CORPUS))
        found = {
            role: resolve_checkpoint(store, text)
            for role, text in recipe.checkpoints().items()
            if role not in ("base", "domain")
        }
        models = {role: folder for role, (_, folder) in found.items()}
        check_whole("the base model", base)
        with TemporaryDirectory() as work:
            planned = self._plan(recipe, base, base, models, Path(work))
            Resident(planned.donor, DTYPES[self.dtype], self.compute)
        refs = {role: ref for role, (ref, _) in found.items()}
        told = self._told(refs, corpus, objective)
        inputs = (*refs.values(), *([corpus] if corpus else []))
        return Ready(inputs, models | folders, told, self._note(refs, corpus, objective))

    def measure(self, base: Path, saved: Path, work: Path, folders: dict[str, Path]) -> dict[str, float]:
        """Return the scores of the state with and without the merge."""
        objective, corpus = self._objective(), folders.get(CORPUS)
        models = {role: folder for role, folder in folders.items() if role != CORPUS}
        loaded = self._merged(self._plan(self._recipe(), base, saved, models, work))
        scores = {"merged": _score(objective, loaded, corpus)}
        del loaded  # two models do not fit where one just does
        loaded = load_folder(saved, DTYPES[self.dtype], self.compute, "the unmerged model")
        return {**scores, "unmerged": _score(objective, loaded, corpus)}

    def _recipe(self) -> MergeRecipe:
        """Return the merge recipe; what stands for the base and the state is never looked up."""
        shared = self.model_dump(include=set(MergeRecipe.model_fields) & set(type(self).model_fields))
        fixed = {"name": "monitor", "version": "2000.01.01", "base": "base", "domain": "state"}
        return validate("kanagura.monitors: merge", {**fixed, **shared}, MergeRecipe)

    def _objective(self) -> Objective:
        made: Objective = plugins.make(GROUP, self.objective.plugin, self.objective.options)
        return made

    def _plan(
        self, recipe: MergeRecipe, base: Path, saved: Path, models: Mapping[str, Path], work: Path
    ) -> _Merge:
        held = {"base": base, "domain": saved, **models}
        for role, asked in (("tokenizer", recipe.donor()), ("new_tokens", recipe.new_tokens)):
            if asked and asked not in held:
                raise UserError("merge monitor", f"{role} names {asked!r}", f"merged are: {', '.join(held)}")
        read_in = read_models(held)
        planned = plan(read_in, tokenizer=recipe.donor(), new_tokens=recipe.new_tokens)
        methods_of(recipe, planned)
        donor = work / "donor"
        donor.mkdir()
        copy_companions(read_in[recipe.donor()], planned, donor, recipe.dtype)
        return _Merge(recipe, planned, donor)

    def _merged(self, asked: _Merge) -> Loaded:
        """Return the merged model; the arrays it was merged into are free again then."""
        candidates = Candidates(asked.plan, asked.recipe, self.threads)
        names = candidates.merge(asked.recipe)
        resident = Resident(asked.donor, DTYPES[self.dtype], self.compute)
        return resident.load(candidates.arrays, candidates.shapes, names, "the merged model")

    def _told(self, refs: Mapping[str, Ref], corpus: Ref | None, objective: Objective) -> dict[str, Any]:
        """Return the options as the card holds them: inputs by what they were found to be."""
        told = self.model_dump(mode="json")
        told["objective"]["options"] = objective.model_dump(mode="json")
        told |= {"instruct": str(refs["instruct"]), "corpus": str(corpus) if corpus else ""}
        told["models"] = {role: str(refs[role]) for role in self.models}
        return told

    def _note(self, refs: Mapping[str, Ref], corpus: Ref | None, objective: Objective) -> str:
        tests = ", ".join(objective.tests())
        on = " on ".join([f"`{self.objective.plugin}`", *([str(corpus)] if corpus else [])])
        on += f" ({tests})" if tests else ""
        return (
            f"While it was trained, its saved states were scored by {on}, alone and merged with "
            f"{', '.join(map(str, refs.values()))} (`{self.merger}`). Of a state that was chosen by these scores, they and "
            f"scores on {tests or 'what they read'} are no test scores any more."
        )


def _score(objective: Objective, loaded: Loaded, corpus: Path | None) -> float:
    score = float(objective.score(loaded, corpus))
    if not math.isfinite(score):
        raise UserError(loaded.name, f"the score is {score}", "a score is a number")
    return score
