"""The loop of a search: ask, merge, load, score, record, tell; a stopped one tells its recorded trials again."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tqdm import tqdm

from datacards.errors import UserError
from datacards.objective import Objective
from merge.evolve.candidate import Candidates
from merge.evolve.loading import Resident
from merge.evolve.recipe import EvolveRecipe
from merge.evolve.search import Search
from merge.evolve.trials import Ledger, Seconds, Trial, best_of
from merge.evolve.vary import Dimension, varied
from merge.recipe import MergeRecipe


@dataclass(frozen=True)
class Driver:
    """All that a search needs."""

    recipe: EvolveRecipe
    start: MergeRecipe
    dimensions: list[Dimension]
    candidates: Candidates
    resident: Resident
    objective: Objective
    corpus: Path | None

    def search(self, ledger: Ledger) -> list[Trial]:
        """Return all trials, those that ``ledger`` holds already first; each new one is recorded there at once.

        Trial 0 is the recipe as it stands. It is not told to the search, which begins around it anyway.
        """
        recipe = self.recipe
        search = Search(self.dimensions, sigma=recipe.sigma, seed=recipe.seed, population=recipe.population)
        known = len(ledger.trials)  # the speed, and what it says of the time left, is that of this run alone
        with tqdm(
            total=recipe.trials, initial=known, unit="trial", desc="evolve", disable=None, dynamic_ncols=True
        ) as bar:
            spent = 0.0
            for number in range(recipe.trials):
                if recipe.minutes is not None and spent >= recipe.minutes * 60:
                    break
                values = search.ask() if number else {one.name: one.start for one in self.dimensions}
                trial = ledger.replayed(number, values)
                if trial is None:
                    trial = self._try(number, values)
                    ledger.add(trial)
                    bar.set_postfix_str(_said(ledger.trials), refresh=False)
                    bar.update()
                if number:
                    search.tell(trial.score)
                spent += trial.seconds.all
        return ledger.trials

    def _try(self, number: int, values: Mapping[str, float]) -> Trial:
        """Return one trial; what cannot be merged or scored has a failure, but the first must be scored."""
        clock = [time.perf_counter()] * 4
        score, failure = None, ""
        try:
            changed = self.candidates.merge(varied(self.start, self.dimensions, values))
            clock[1:] = [time.perf_counter()] * 3
            loaded = self.resident.load(
                self.candidates.arrays, self.candidates.shapes, changed, f"trial {number}"
            )
            clock[2:] = [time.perf_counter()] * 2
            found = float(self.objective.score(loaded, self.corpus))
            score, failure = (found, "") if math.isfinite(found) else (None, f"the score is {found}")
        except (UserError, ArithmeticError) as error:
            if number == 0 and isinstance(error, UserError):
                raise  # of the recipe as it stands: nothing that another number would mend
            failure = str(error) or type(error).__name__
        clock[3] = time.perf_counter()
        merge, load, scored = (round(max(0.0, b - a), 6) for a, b in pairwise(clock))
        seconds = Seconds(merge=merge, load=load, score=scored)
        return Trial(number=number, values=dict(values), score=score, failure=failure, seconds=seconds)


def _said(trials: list[Trial]) -> str:
    best = best_of(trials)
    first: Any = trials[0].score
    told = (
        f"best {best.score:.4f} (trial {best.number})" if best and best.score is not None else "no score yet"
    )
    return told + (f", start {first:.4f}" if first is not None else "")
