"""Finds the batches of a run again: of a finished version from its card, of a stopped one from its draft."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from datacards.card import NAME, VERSION, Card, Ref
from datacards.drafts import NOTE, WORK
from datacards.errors import UserError
from datacards.store import Store
from datacards.trained import LOSS, read_figures, read_training
from train.data.schedule import Schedule
from train.data.tokens import Tokens, read_tokens, tokenize
from train.inputs import KEY, Inputs
from train.recipe import TrainRecipe
from train.trainers.causal_lm import CausalLM
from train.trainers.lines import ROWS


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run was asked for by, and the folder that holds what it left; ``draft`` tells a stopped one."""

    label: str
    folder: Path
    recipe: TrainRecipe
    made_from: tuple[Ref, ...]
    draft: bool
    inputs: Mapping[str, Any]  # what the recipe in the card says of them

    @property
    def options(self) -> CausalLM:
        """The options of its trainer."""
        return CausalLM.model_validate(self.recipe.options)

    def line(self, name: str, step: int) -> dict[str, Any]:
        """Return the line of a step in one of its files, an empty one where there is none."""
        return next((line for line in read_figures(self.folder / name) if line["step"] == step), {})

    def sums(self, step: int) -> list[float] | None:
        """Return the summed loss of every row of a step in nats, None where they were not kept."""
        losses = self.line(ROWS, step).get("losses")
        if not isinstance(losses, list) or not all(isinstance(one, int | float) for one in losses):
            return None
        return [float(one) for one in losses]


def asked_for(store: Store, text: str) -> Asked:
    """Return the run behind ``name@version``, a finished checkpoint or the draft of one that stopped.

    ``name`` alone is its newest finished version. Raises UserError where there is neither, or where it was trained by
    something else than ``causal_lm``.
    """
    if draft := _draft(store, text):
        request = json.loads((draft / WORK / NOTE).read_text(encoding="utf-8"))
        made_from = tuple(Ref.model_validate(ref) for ref in request["made_from"])
        return _asked(text, draft, request["recipe"], made_from, draft=True)
    if "@" not in text and not store.refs(text) and (stopped := _stopped(store, text)):
        raise UserError(
            text, "has no finished version", f"runs that stopped: {', '.join(stopped)}", "name one"
        )
    ref = store.resolve(text)
    card: Card = store.card(ref)
    if card.kind != "checkpoint":
        raise UserError(str(ref), f"is a version of kind '{card.kind}'", "a trained checkpoint is needed")
    return _asked(str(ref), store.path(ref), card.recipe, card.made_from, draft=False)


def _stopped(store: Store, name: str) -> list[str]:
    if not NAME.fullmatch(name):
        return []
    return sorted(path.parents[1].name for path in (store.root / ".drafts").glob(f"{name}@*/{WORK}/{NOTE}"))


def _draft(store: Store, text: str) -> Path | None:
    name, _, version = text.partition("@")
    if not (NAME.fullmatch(name) and VERSION.fullmatch(version)) or store.digest(
        Ref(name=name, version=version)
    ):
        return None
    folder = store.root / ".drafts" / text
    return folder if (folder / WORK / NOTE).is_file() else None


def _asked(
    label: str, folder: Path, recipe: dict[str, Any], made_from: tuple[Ref, ...], *, draft: bool
) -> Asked:
    try:
        # What a monitor was told to do has no part in the batches, and is noted in a form of its own.
        read = TrainRecipe.model_validate({k: v for k, v in recipe.items() if k not in ("monitor", KEY)})
        CausalLM.model_validate(read.options)
    except ValidationError as error:
        raise UserError(
            label, "was not trained by causal_lm", "only its batches can be found again"
        ) from error
    if read.trainer != "causal_lm":
        raise UserError(label, f"was trained by '{read.trainer}'", "batches of causal_lm can be found again")
    return Asked(label, folder, read, made_from, draft, recipe)


@contextmanager
def batches(store: Store, asked: Asked) -> Iterator[tuple[Tokens, Schedule]]:
    """Yield the tokens and the order of a run; every input is verified, and what the token cache lacks is made.

    The tokenizer is the one that lies in the version, or for a draft the tokens that the run has made.
    """
    with TemporaryDirectory() as temporary:
        work = asked.folder / WORK
        if not asked.draft:
            work = Path(temporary)
            given = _given(store, asked).verified(store)
            tokenize(asked.folder, given.data(asked.recipe, store)[0], work)
        options = asked.options
        tokens = read_tokens(work)
        yield (
            tokens,
            Schedule.make(
                tokens,
                width=options.sequence_length,
                rows_per_step=options.rows_per_step,
                epochs=options.epochs,
                seed=asked.recipe.seed,
            ),
        )


def _given(store: Store, asked: Asked) -> Inputs:
    """Return what a finished run was given: as it says itself, or of one that does not, all datasets it was made from."""
    datasets = [str(ref) for ref in _datasets(store, asked.made_from)]
    told = read_training(asked.folder)
    if not (told and told.inputs):
        return Inputs.noted(asked.inputs, datasets)
    # A monitor may have datasets of its own among what the version was made from.
    roles = {
        role: [str(one.ref) for one in told.inputs if one.role == role]
        for role in ("corpus", "replay", "validate")
    }
    return Inputs(roles["corpus"], roles["replay"], roles["validate"])


def _datasets(store: Store, made_from: Sequence[Ref]) -> list[Ref]:
    """Return the dataset versions among the inputs; raise UserError for one that is another by now."""
    found = []
    for ref in made_from[1:]:
        if ":" in ref.name:
            continue
        here = store.resolve(str(ref))
        if ref.digest and here.digest != ref.digest:
            raise UserError(str(ref), "is not the version that the run read", "the card has another digest")
        if store.card(here).kind == "dataset":
            found.append(here)
    return found


def check_step(asked: Asked, schedule: Schedule, step: int) -> None:
    """Raise UserError for a step (from 1) that the run does not have."""
    steps = min(schedule.steps, asked.options.max_steps or schedule.steps)
    if not 1 <= step <= steps:
        raise UserError(asked.label, f"has no step {step:,}", f"its steps are 1 to {steps:,}")


def figures(asked: Asked, step: int) -> dict[str, float]:
    """Return the figures of a step as ``loss.jsonl`` has them, none for a step that was not reached."""
    return {
        name: float(value)
        for name, value in asked.line(LOSS, step).items()
        if name in ("loss", "lr", "grad_norm", "update_norm") and isinstance(value, int | float)
    }
