"""From a recipe and what is here of its inputs to a plan: finds the base's config, its tokenizer, and the documents."""

import json
from pathlib import Path
from typing import Any

from datacards import plugins
from datacards.errors import UserError
from datacards.profile.record import read_profile
from datacards.store import Store
from train.inputs import Inputs
from train.plan.amount import Amount, counted, said
from train.plan.estimate import estimate
from train.plan.record import Estimate
from train.recipe import TrainRecipe
from train.trainers.causal_lm import CausalLM

GROUP = "kanagura.trainers"
CARDS = 4


def plan(
    recipe: TrainRecipe,
    inputs: Inputs,
    store: Store,
    *,
    config: Path | None = None,
    card: float = 80e9,
    cards: int | None = None,
    numbers: tuple[int | None, int | None] = (None, None),
    price: float | None = None,
) -> Estimate:
    """Return the plan of ``recipe`` on ``inputs``, or on ``numbers`` (tokens, documents), with nothing loaded or hashed.

    ``config`` is the base's config.json where the base is not here; ``card`` the bytes of one card. Raises UserError for inputs
    that are not there.
    """
    options = plugins.make(GROUP, recipe.trainer, recipe.options)
    if not isinstance(options, CausalLM):
        raise UserError("train plan", f"the trainer '{recipe.trainer}' tells no plan", "causal_lm")
    base = _base(store, recipe.base)
    return estimate(
        recipe,
        options,
        _config(recipe.base, base, config),
        _amount(recipe, inputs, store, base, numbers),
        card=card,
        cards=cards or (options.processes if options.deepspeed else CARDS),
        price=price,
    )


def _base(store: Store, text: str) -> Path | None:
    """Return the folder of the base where it is on this machine; nothing is fetched and nothing is hashed."""
    if text.startswith("hf:"):
        return None
    if text.startswith((".", "/", "~")):
        folder = Path(text).expanduser()
        return folder if folder.is_dir() else None
    return store.path(store.resolve(text)) if store.refs(text.partition("@")[0]) else None


def _config(name: str, base: Path | None, given: Path | None) -> dict[str, Any]:
    path = given or (base / "config.json" if base else None)
    if path is None or not path.is_file():
        raise UserError(
            name,
            "is not on this machine, so its architecture is not known",
            "a config.json is enough for a plan",
            "give it by --model-config FILE",
        )
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(path.name, f"cannot be read: {error}", todo="restore it") from error
    if not isinstance(found, dict):
        raise UserError(path.name, "is no JSON object", todo="name a model's config.json")
    return found


def _amount(
    recipe: TrainRecipe,
    inputs: Inputs,
    store: Store,
    base: Path | None,
    numbers: tuple[int | None, int | None],
) -> Amount:
    tokens, documents = numbers
    if bool(inputs.corpora) == bool(tokens and documents):
        raise UserError(
            "train plan",
            "how much text is not said" if not inputs.corpora else "corpora and numbers are both given",
            "--corpus NAME@VERSION, or both --tokens N and --documents N",
        )
    if tokens and documents:
        return said(tokens, documents)
    found = inputs.found(store)
    data, _ = found.data(recipe, store)
    profiles = [made for ref in found.corpora if (made := read_profile(store.path(ref)))]
    return counted(data, base, profiles)
