"""Evaluation versions of a store as outcomes, named after their models."""

from collections.abc import Collection, Sequence

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from eval.compare.outcome import Outcome, read
from eval.compare.prompts import Prompts, over_prompts


def outcomes_of(store: Store, texts: Sequence[str]) -> dict[str, dict[str, Outcome]]:
    """Return the outcomes of the evaluation versions that ``texts`` name, by model and task.

    Several versions of one model, as of several recipes, are joined where no task stands in two of them; else each goes
    by its own name. Raises UserError for a version that is no evaluation or does not verify.
    """
    refs = [store.verified(text, "evaluation") for text in dict.fromkeys(texts)]
    models = [_model(store, ref) for ref in refs]
    read_all = [read(store.path(ref)) for ref in refs]
    found: dict[str, dict[str, Outcome]] = {}
    for ref, model, outcomes in zip(refs, models, read_all, strict=True):
        several = [told for name, told in zip(models, read_all, strict=True) if name == model]
        tasks = [task for told in several for task in told]
        name = model if len(set(tasks)) == len(tasks) else str(ref)
        if name in found and not found[name].keys().isdisjoint(outcomes):
            raise UserError(str(ref), "was named twice", todo="name it once")
        found.setdefault(name, {}).update(outcomes)
    return found


def prompts_of(
    store: Store, texts: Sequence[str]
) -> tuple[dict[str, dict[str, Outcome]], dict[str, dict[str, Prompts]]]:
    """Return the outcomes over prompts of every model and task, and how each figure depends on the prompt.

    ``texts`` name evaluation versions that asked the same questions in other words; what a model was asked under one
    prompt alone is taken as it is. Raises UserError as ``outcomes_of`` and ``over_prompts`` do.
    """
    several: dict[str, dict[str, list[Outcome]]] = {}
    for text in dict.fromkeys(texts):
        ref = store.verified(text, "evaluation")
        tasks = several.setdefault(_model(store, ref), {})
        for name, outcome in read(store.path(ref)).items():
            tasks.setdefault(name, []).append(outcome)
    outcomes: dict[str, dict[str, Outcome]] = {model: {} for model in several}
    told: dict[str, dict[str, Prompts]] = {model: {} for model in several}
    for model, tasks in several.items():
        for name, found in tasks.items():
            if len(found) == 1:
                outcomes[model][name] = found[0]
            else:
                told[model][name], outcomes[model][name] = over_prompts(found)
    return outcomes, told


def named(store: Store, text: str, names: Collection[str]) -> str:
    """Return which of ``names`` ``text`` means: the name itself, its model's name alone, or its evaluation version.

    Raises UserError where it means none.
    """
    near = [name for name in names if text in (name, name.partition("@")[0])]
    if len(near) == 1:
        return near[0]
    known = {str(ref) for ref in store.refs()} | {ref.name for ref in store.refs()}
    if text in known:
        ref = store.resolve(text)
        if found := {str(ref), _model(store, ref)} & set(names):
            return found.pop()
    raise UserError("--baseline", f"'{text}' is not compared", f"one of: {', '.join(names)}", "correct it")


def _model(store: Store, ref: Ref) -> str:
    made_from = store.card(ref).made_from
    return str(made_from[0]) if made_from else str(ref)
