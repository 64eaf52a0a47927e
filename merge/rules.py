"""Which method, with which numbers, merges each tensor: rules by glob, numbers by layer."""

import json
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from datacards import plugins
from datacards.errors import UserError
from merge.base import Merger
from merge.layers import depth_of
from merge.recipe import MergeRecipe

GROUP = "kanagura.mergers"
GRADIENT = "gradient"


def mergers(recipe: MergeRecipe, tensors: Sequence[str], layers: int) -> dict[str, Merger]:
    """Return the merge method of every tensor; equal options give one and the same object.

    Raises UserError for an unknown method or option, for options that do not fit the models, for a rule that no
    tensor follows, and for a gradient that is none.
    """
    chosen = _chosen(recipe)
    roles = [role for role in recipe.checkpoints() if role != "base"]
    made: dict[str, Merger] = {}
    used: set[int] = set()
    found = {}
    for tensor in tensors:
        at = next(
            (i for i, rule in enumerate(recipe.rules) if fnmatchcase(tensor, rule.match)), len(recipe.rules)
        )
        used.add(at)
        name, options = chosen[at]
        options = at_depth(options, depth_of(tensor, layers))
        key = json.dumps([name, options], sort_keys=True)
        if key not in made:
            made[key] = plugins.make(GROUP, name, options)
            made[key].check(roles)
        found[tensor] = made[key]
    if unused := [rule.match for i, rule in enumerate(recipe.rules) if i not in used]:
        raise UserError(
            "merge",
            f"no tensor follows the rule {unused[0]!r}",
            f"the first rule that matches holds; tensors are named like {', '.join(list(tensors)[:3])}",
            "correct or remove it",
        )
    return found


def resolved(recipe: MergeRecipe) -> dict[str, Any]:
    """Return the recipe's method and rules with every option written out, as the card holds them.

    An option that has a gradient anywhere is held as it was given. Raises UserError for an unknown method or option.
    """
    told = []
    for name, options in _chosen(recipe):
        checked = plugins.make(GROUP, name, at_depth(options, 0.0)).model_dump(mode="json")
        told.append({"merger": name, "options": {k: _held(options.get(k), v) for k, v in checked.items()}})
    rules = [{"match": rule.match, **one} for rule, one in zip(recipe.rules, told, strict=False)]
    return {**told[-1], "rules": rules}


def at_depth(option: Any, depth: float) -> Any:
    """Return ``option`` with every ``{gradient: [a, b, ...]}`` in it replaced by its value at a depth from 0 to 1."""
    if isinstance(option, list):
        return [at_depth(one, depth) for one in option]
    if not isinstance(option, dict):
        return option
    if set(option) != {GRADIENT}:
        return {key: at_depth(one, depth) for key, one in option.items()}
    stops = option[GRADIENT]
    if not isinstance(stops, list) or len(stops) < 2 or not all(type(stop) in (int, float) for stop in stops):
        raise UserError(
            "merge", f"gradient: {stops!r}", "a list of two or more numbers", "correct the recipe"
        )
    place = depth * (len(stops) - 1)
    lower = min(int(place), len(stops) - 2)
    return stops[lower] + (stops[lower + 1] - stops[lower]) * (place - lower)


def _chosen(recipe: MergeRecipe) -> list[tuple[str, dict[str, Any]]]:
    """Return method and options of every rule, and of the recipe itself last."""
    own = (recipe.merger, recipe.options)
    chosen = []
    for rule in recipe.rules:
        name = rule.merger or recipe.merger
        chosen.append((name, {**(recipe.options if name == recipe.merger else {}), **rule.options}))
    return [*chosen, own]


def _held(given: Any, checked: Any) -> Any:
    return given if given is not None and "gradient" in json.dumps(given) else checked
