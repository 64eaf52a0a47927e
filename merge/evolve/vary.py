"""Numbers of a search <-> places in a merge recipe: where each begins, and the recipe that they make."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from datacards import plugins
from datacards.errors import UserError
from merge.base import Weighted
from merge.evolve.recipe import Variable
from merge.plan import Plan
from merge.recipe import MergeRecipe, Rule
from merge.rules import GRADIENT, GROUP, mergers


@dataclass(frozen=True)
class Dimension:
    """One number that the search varies: its name, its place in the recipe, its bounds and where it begins."""

    name: str
    match: str
    path: tuple[str, ...]
    lower: float
    upper: float
    start: float
    opens: bool = False  # the first anchor of a gradient that takes the place of what the recipe has


def dimensions(search: Sequence[Variable], recipe: MergeRecipe) -> list[Dimension]:
    """Return the numbers that ``search`` varies, the anchors of a gradient one by one.

    Raises UserError for an option that the recipe does not set and the method has no number for, and for a number
    of the recipe that lies outside of its bounds.
    """
    return [dimension for variable in search for dimension in _of(variable, recipe)]


def _of(variable: Variable, recipe: MergeRecipe) -> list[Dimension]:
    path = tuple(variable.option.split("."))
    begins = [variable.start] * max(1, variable.anchors)
    if variable.start is None:
        begins = _begins(variable, _now(variable, path, recipe))
    made = []
    for place, start in enumerate(begins):
        name, ends = variable.name, path
        if variable.anchors:
            name, ends = f"{name}.{place}", (*path, GRADIENT, str(place))
        if start is None or not variable.lower <= start <= variable.upper:
            raise UserError(
                variable.name,
                f"the recipe has {variable.option} = {start}",
                f"from {variable.lower:g} to {variable.upper:g}",
                "widen the bounds or give it a start",
            )
        opens = bool(variable.anchors) and place == 0
        made.append(Dimension(name, variable.match, ends, variable.lower, variable.upper, start, opens))
    return made


def _begins(variable: Variable, now: Any) -> list[float | None]:
    """Return the number, or one per anchor, that the recipe has now."""
    anchors = now[GRADIENT] if isinstance(now, Mapping) and set(now) == {GRADIENT} else None
    if variable.anchors and anchors is None and _is_number(now):
        return [float(now)] * variable.anchors
    if variable.anchors and anchors is not None and len(anchors) == variable.anchors:
        return [float(anchor) for anchor in anchors]
    if not variable.anchors and _is_number(now):
        return [float(now)]
    if anchors is not None:
        raise UserError(
            variable.name,
            f"{variable.option} is a gradient of {len(anchors)} anchors",
            f"anchors: {len(anchors)}, or {variable.option}.{GRADIENT}.0",
            "correct the search",
        )
    raise UserError(
        variable.name,
        f"{variable.option} is {now!r} now, which is no number",
        todo="name an option that is one",
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _now(variable: Variable, path: tuple[str, ...], recipe: MergeRecipe) -> Any:
    """Return what the recipe has at a place now: in the rule, in the options, or by the method's default."""
    rule = next((rule for rule in recipe.rules if rule.match == variable.match), None)
    merger = rule.merger or recipe.merger if rule else recipe.merger
    held = [rule.options] if rule else []
    held += [recipe.options] if merger == recipe.merger else []
    for options in held:
        found: Any = options
        for word in path:
            found = _inside(found, word)
        if found is not None:
            return found
    kind = plugins.load(GROUP, merger)
    if path[0] == "weights" and len(path) == 2 and issubclass(kind, Weighted):
        return 1.0  # the weight of a model that ``weights`` does not name
    if path[0] == "densities" and len(path) == 2 and "density" in kind.model_fields:
        return _now(variable, ("density",), recipe)  # what a model that is not named there has
    field = kind.model_fields.get(path[0])
    if field is not None and len(path) == 1 and _is_number(field.default):
        return field.default
    known = ", ".join(kind.model_fields)
    raise UserError(
        variable.name,
        f"the recipe has no number at {variable.option}",
        f"options of {merger}: {known}",
        "correct the option, or give it a start",
    )


def _inside(held: Any, word: str) -> Any:
    if isinstance(held, Mapping):
        return held.get(word)
    if isinstance(held, list | tuple) and word.isdecimal() and int(word) < len(held):
        return held[int(word)]
    return None


def varied(recipe: MergeRecipe, found: Sequence[Dimension], values: Mapping[str, float]) -> MergeRecipe:
    """Return the merge recipe with the number of every dimension set to its value, by name.

    A rule that is new, or lacks the option, begins with what the recipe's own options have there: to vary the weight of one
    model leaves those of the others as they are.
    """
    options = deepcopy(recipe.options)
    for dimension in found:
        if not dimension.match:
            _set(options, dimension, values[dimension.name])
    rules = {rule.match: rule for rule in reversed(recipe.rules)}  # of two with one glob the first holds
    changed: dict[str, dict[str, Any]] = {}
    for dimension in found:
        if not dimension.match:
            continue
        rule = rules.get(dimension.match, Rule(match=dimension.match))
        inside = changed.setdefault(dimension.match, deepcopy(rule.options))
        first = dimension.path[0]
        if first not in inside and rule.merger in ("", recipe.merger) and first in options:
            inside[first] = deepcopy(options[first])
        _set(inside, dimension, values[dimension.name])
    kept = [
        rule.model_copy(update={"options": changed.pop(rule.match, rule.options)}) for rule in recipe.rules
    ]
    new = [Rule(match=match, options=inside) for match, inside in changed.items()]
    return recipe.model_copy(update={"options": options, "rules": (*kept, *new)})


def _set(options: dict[str, Any], dimension: Dimension, value: float) -> None:
    """Set the number of a dimension, making what leads there; a gradient grows from its first anchor on."""
    held: Any = options
    for place, word in enumerate(dimension.path[:-1], 1):
        following = dimension.path[place]
        wanted: type = list if following.isdecimal() else dict
        inner = _inside(held, word)
        if _is_number(inner) and following != GRADIENT:
            raise UserError(
                dimension.name,
                f"{'.'.join(dimension.path[:place])} is the number {inner}",
                "a path ends at a number",
                "correct the option",
            )
        if not isinstance(inner, wanted) or (dimension.opens and wanted is list):
            inner = wanted()
        _put(held, word, inner)
        held = inner
    _put(held, dimension.path[-1], value)


def _put(held: Any, word: str, value: Any) -> None:
    if isinstance(held, dict):
        held[word] = value
    elif int(word) < len(held):
        held[int(word)] = value
    else:
        held.append(value)


def check(recipe: MergeRecipe, found: Sequence[Dimension], planned: Plan) -> None:
    """Raise UserError for bounds that the method refuses, and for a number that no tensor's merge depends on.

    Every number is set to both of its bounds, the others being where they begin.
    """
    names = [target.name for target in planned.targets if not target.kept]
    start = {one.name: one.start for one in found}
    for one in found:
        ends = [
            mergers(varied(recipe, found, start | {one.name: value}), names, planned.layers)
            for value in (one.lower, one.upper)
        ]
        if ends[0] == ends[1]:
            raise UserError(
                one.name,
                f"no tensor is merged differently when {'.'.join(one.path)} changes",
                "the first rule that matches a tensor holds",
                "correct match or option",
            )
