"""What may be asked of an evolution: a merge recipe, which of its numbers vary, what makes them better, how long."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    model_validator,
)

from datacards.errors import UserError
from datacards.recipe import Recipe, read_recipe, validate
from merge.recipe import MergeRecipe

Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
OptionPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,7}$")]
OUTER = ("name", "version", "description")  # the evolution has these itself


class Frozen(BaseModel):
    """A part of the recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Variable(Frozen):
    """A number of the merge recipe that the search varies between ``lower`` and ``upper``.

    ``option`` is the path to it in the options, words with dots between: ``weights.domain``, ``density``,
    ``weights.domain.gradient.0``. ``match`` is the glob of the tensors it is for: the rule of the recipe that has this
    glob takes it, else a new rule behind the recipe's own; without a glob it is the recipe's own option. The first
    rule that matches a tensor holds for it, as in any merge recipe. With ``anchors`` the number becomes a gradient
    over the layers, and each of its anchors is varied on its own. The search begins at ``start``: by default what the
    recipe says now, so that the plain recipe is the first trial.
    """

    name: Word
    match: str = ""
    option: OptionPath
    lower: float
    upper: float
    start: float | None = None
    anchors: Annotated[int, Field(ge=0, le=64)] = 0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.lower < self.upper:
            raise ValueError(f"{self.name}: lower must be below upper, is {self.lower:g} and {self.upper:g}")
        if self.start is not None and not self.lower <= self.start <= self.upper:
            raise ValueError(
                f"{self.name}: start must lie from {self.lower:g} to {self.upper:g}, is {self.start:g}"
            )
        if self.anchors == 1:
            raise ValueError(f"{self.name}: a gradient has two anchors at least; leave anchors out for one")
        return self


class Chosen(Frozen):
    """The plug-in of the group ``kanagura.objectives`` that scores a candidate, and its options."""

    plugin: str
    options: dict[str, Any] = Field(default_factory=dict)


class EvolveRecipe(Recipe):
    """A search by CMA-ES (arXiv 1604.00772) over numbers of a merge, the idea of arXiv 2403.13187.

    ``merge`` holds the fields of a merge recipe, or the path of one, from the folder of this file. ``trials`` counts
    every candidate, the plain recipe among them; ``minutes``, when given, ends the search after the trial in which
    they are over, those of a run that was stopped included. ``sigma`` is the first step's standard deviation as a
    share of each variable's range. ``population`` is the size of a generation, by default ``4 + 3 ln(variables)``.
    The weights of a candidate are rounded to the merge's dtype; ``compute`` says in what the objective
    computes with them: as they are ``stored``, or in ``float32``, as the evaluation does by default.
    """

    merge: str | dict[str, Any]
    search: tuple[Variable, ...] = Field(min_length=1)
    objective: Chosen
    trials: PositiveInt = 100
    minutes: PositiveFloat | None = None
    population: Annotated[int, Field(ge=3)] | None = None
    sigma: Annotated[float, Field(gt=0, le=1)] = 0.2
    seed: NonNegativeInt = 0
    compute: Literal["float32", "stored"] = "float32"

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [variable.name for variable in self.search]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"search has two variables named {twice[0]!r}")
        places = [(variable.match, variable.option) for variable in self.search]
        for place, variable in zip(places, self.search, strict=True):
            if places.count(place) > 1:
                raise ValueError(f"search varies {variable.option} of {variable.match or 'all'} twice")
        return self

    def plain(self) -> MergeRecipe:
        """Return the merge recipe that is varied, under the evolution's name; raise UserError where it is none."""
        if isinstance(self.merge, str):
            raise UserError(self.name, f"merge is still a path: {self.merge!r}", todo="read the recipe first")
        fields = {key: value for key, value in self.merge.items() if key not in OUTER}
        named = {key: getattr(self, key) for key in OUTER}
        return validate(f"{self.name}: merge", {**named, **fields}, MergeRecipe)

    def over(self, checkpoints: Mapping[str, str]) -> Self:
        """Return the recipe with other checkpoints, by role, in its merge."""
        merge = self.merge if isinstance(self.merge, str) else {**self.merge, **checkpoints}
        return self.model_copy(update={"merge": merge})


def read(path: Path) -> EvolveRecipe:
    """Return the recipe in the YAML file ``path``, a merge recipe that it names by path read into it.

    Raises UserError for whatever is wrong in either file.
    """
    recipe = read_recipe(path, EvolveRecipe)
    if isinstance(recipe.merge, str):
        fields = read_recipe(path.parent / recipe.merge, MergeRecipe).model_dump(mode="json")
        inner = {key: value for key, value in fields.items() if key not in OUTER}
        recipe = recipe.model_copy(update={"merge": inner})
    return recipe
