"""What another machine than the first does of a run: no lock and no version, only its share of the processes."""

from collections.abc import Sequence
from pathlib import Path

from datacards import plugins
from datacards.card import Ref
from datacards.drafts import WORK
from datacards.errors import UserError
from datacards.places import LocalPlace
from datacards.requests import plain
from datacards.store import Store
from train.base import Trainer
from train.inputs import Inputs
from train.recipe import TrainRecipe
from train.run import GROUP, Made, asked_of
from train.where import Where


def join(recipe: TrainRecipe, inputs: Inputs | Sequence[str], store: Store, where: Where) -> Made | None:
    """Train along in the run that machine 0 leads in the same store; return the version where it exists already.

    ``inputs`` are the versions that the command names beside the base. Machine 0 alone verifies them and writes the
    version. Raises UserError for a store that machines cannot share, and as ``machines.join`` does.
    """
    if not isinstance(store.place, LocalPlace):
        raise UserError(
            "--store",
            "is an address",
            "a folder on a file system that all machines share",
            "name such a folder",
        )
    version = Ref(name=recipe.name, version=recipe.version)
    if store.digest(version):
        return Made(store.resolve(str(version)), existed=True)
    trainer: Trainer = plugins.make(GROUP, recipe.trainer, recipe.options)
    given = (inputs if isinstance(inputs, Inputs) else Inputs(inputs)).found(store)
    noted = given.noted(watched=recipe.monitor is not None)
    asked = {
        "recipe": plain(asked_of(recipe, trainer) | noted),
        "base": _begin(recipe.base, store),
        "inputs": [str(ref) for ref in given.refs],
    }
    work = (store.root / ".drafts" / str(version) / WORK).resolve()
    trainer.join(work=work, where=where, asked=asked)
    return None


def _begin(base: str, store: Store) -> str:
    """Return how machine 0 names the base; of a folder only the part that needs no hashing."""
    if base.startswith("hf:"):
        return base
    if base.startswith((".", "/", "~")):
        return f"local:{Path(base).expanduser().resolve().name}@"
    return str(store.resolve(base))
