"""Merges candidates into memory with the engine that merges into files: the same numbers, and nothing written."""

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from merge.base import Merger
from merge.numbers import DTYPES
from merge.plan import Plan
from merge.recipe import MergeRecipe
from merge.rules import mergers
from merge.streaming.engine import merge
from merge.streaming.sinks import Memory


class Candidates:
    """The tensors of one candidate after another, in arrays that stay.

    A tensor that the next candidate merges by the same method with the same numbers is left as it is: a search over the
    output layer alone computes the output layer alone.
    """

    def __init__(self, plan: Plan, recipe: MergeRecipe, threads: int | None = None) -> None:
        self._plan = plan
        self._threads = threads
        self._dtype = DTYPES[recipe.dtype]
        self._sink = Memory(plan, self._dtype)
        self._held: dict[str, Merger | None] = {}
        self.names = [target.name for target in plan.targets if not target.kept]
        self.shapes = {target.name: target.shape for target in plan.targets}

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The stored numbers of every tensor of the candidate that was merged last, flat."""
        return self._sink.arrays

    def merge(self, recipe: MergeRecipe) -> list[str]:
        """Merge one candidate into ``arrays`` and return the names of the tensors that were computed for it.

        Raises UserError for numbers that the method refuses and for merged weights that are not finite.
        """
        wanted: dict[str, Merger | None] = dict(mergers(recipe, self.names, self._plan.layers))
        wanted |= {target.name: None for target in self._plan.targets if target.kept}
        missing = object()
        new = [name for name in wanted if self._held.get(name, missing) != wanted[name]]
        for name in new:
            self._held.pop(name, None)  # until all of it is done, it is that of no candidate
        changed = set(new)
        part = replace(
            self._plan, targets=[target for target in self._plan.targets if target.name in changed]
        )
        methods = {name: merger for name in new if (merger := wanted[name]) is not None}
        merge(
            part,
            methods,
            self._sink,
            dtype=self._dtype,
            rounding=recipe.rounding,
            seed=recipe.seed,
            threads=self._threads,
        )
        self._held.update({name: wanted[name] for name in new})
        return new
