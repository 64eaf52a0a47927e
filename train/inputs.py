"""The dataset versions that a run is given, by what they are read for."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import TOKENS, Store
from datacards.trained import Input
from train.base import TrainData
from train.data import shards
from train.data.chosen import Chosen, prepare
from train.recipe import TrainRecipe

KEY = "inputs"  # of a recipe in a card, where versions are read for more than one thing


@dataclass(frozen=True)
class Inputs:
    """Versions as they are named: trained on, trained on against forgetting, only measured."""

    corpora: Sequence[str]
    replay: Sequence[str] = ()
    validate: Sequence[str] = ()

    @classmethod
    def noted(cls, recipe: Mapping[str, Any], datasets: Sequence[str]) -> "Inputs":
        """Return what the recipe in a card, made from ``datasets``, was given."""
        said = recipe.get(KEY)
        return cls(said["corpus"], said["replay"], said["validate"]) if said else cls(datasets)

    def found(self, store: Store) -> "Verified":
        """Return the versions with no file of them hashed: where another process does so, or nothing is read."""
        return Verified(
            *(tuple(map(store.resolve, texts)) for texts in (self.corpora, self.replay, self.validate))
        )

    def verified(self, store: Store) -> "Verified":
        """Return the versions, every file of them hashed.

        Raises UserError naming what is unknown or has changed, and for one that is given twice.
        """
        found = Verified(
            *(
                tuple(store.verified(text, "dataset") for text in texts)
                for texts in (self.corpora, self.replay, self.validate)
            )
        )
        counts = Counter([*found.corpora, *found.replay, *found.validate])
        for ref, n in counts.items():
            if n > 1:
                allowed = "each version has one role: --corpus and --replay are trained on, --validate is only measured"
                raise UserError(str(ref), f"is given {n} times", allowed, "name it once")
        return found


@dataclass(frozen=True)
class Verified:
    """The same versions, found and, but for a plan, unchanged."""

    corpora: tuple[Ref, ...]
    replay: tuple[Ref, ...]
    validate: tuple[Ref, ...]

    @property
    def refs(self) -> list[Ref]:
        """Each of the versions once."""
        return list(dict.fromkeys([*self.corpora, *self.replay, *self.validate]))

    def noted(self, *, watched: bool) -> dict[str, Any]:
        """Return what the recipe in a card says of them: nothing where a run was given what it trains on, and no more.

        ``watched`` says that a monitor reads versions of its own.
        """
        if not (self.replay or self.validate or watched):
            return {}
        named = {"corpus": self.corpora, "replay": self.replay, "validate": self.validate}
        return {KEY: {role: [str(ref) for ref in refs] for role, refs in named.items()}}

    def told(self) -> tuple[Input, ...]:
        """Return them with their roles, as ``training.json`` has them."""
        return (
            *(Input(ref=ref, role="corpus") for ref in self.corpora),
            *(Input(ref=ref, role="replay") for ref in self.replay),
            *(Input(ref=ref, role="validate") for ref in self.validate),
        )

    def data(self, recipe: TrainRecipe, store: Store) -> tuple[TrainData, Chosen]:
        """Return what a recipe reads of them, and what that leaves out.

        Equal arguments give equal data, at any time: with it every step of a run can be found again.
        """
        files = (
            *shards.trained(store, self.corpora, recipe.formats),
            *shards.replayed(store, self.replay),
            *shards.measured(store, self.validate),
        )
        chosen, report = prepare(recipe, files)
        return TrainData(chosen, recipe.replay.share if recipe.replay else 0.0, store.root / TOKENS), report
