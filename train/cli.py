"""``train RECIPE`` and the commands beside it (also ``kanagura train``)."""

import os
from pathlib import Path
from typing import Any

import click

from datacards.cli import DefaultRun, store_option
from train.where import where, where_options

#: Commands that have a room of their own, imported when they are asked for.
ROOMS = {"convert": "train.convert.cli", "plan": "train.plan.cli", "step": "train.watch.cli"}


@click.group(cls=DefaultRun, rooms=ROOMS)
def main() -> None:
    """Train a model on exact corpus versions, as RECIPE says."""


@main.command("run")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--corpus",
    "corpora",
    multiple=True,
    required=True,
    metavar="NAME@VERSION",
    help="A dataset version to train on; may be given several times.",
)
@click.option(
    "--replay",
    multiple=True,
    metavar="NAME@VERSION",
    help="A dataset version of general text, read for the recipe's replay.share of all tokens.",
)
@click.option(
    "--validate",
    multiple=True,
    metavar="NAME@VERSION",
    help="A dataset version that is only measured: what the model forgets, or learns beside.",
)
@click.option(
    "--fraction",
    type=click.FloatRange(0, 1, min_open=True),
    help="Train on this share of the pages, as NAME-<percent>pct: 0.1 before the whole run.",
)
@click.option(
    "--skip-step",
    "skipped",
    multiple=True,
    type=click.IntRange(1),
    metavar="STEP",
    help="A step whose rows are left out, as a message on a spike says.",
)
@where_options
@store_option
def run_(
    *,
    recipe: Path,
    corpora: tuple[str, ...],
    replay: tuple[str, ...],
    validate: tuple[str, ...],
    fraction: float | None,
    skipped: tuple[int, ...],
    root: str,
    **places: Any,
) -> None:
    """Train a model on exact corpus versions as RECIPE says; a run that was killed goes on where it was."""
    from datacards.errors import UserError
    from datacards.recipe import read_recipe
    from datacards.render.markup import visible
    from datacards.store import Store
    from train.inputs import Inputs
    from train.join import join
    from train.recipe import TrainRecipe
    from train.run import run

    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise UserError(
            "train",
            "runs below accelerate launch or torchrun",
            "it starts its processes itself, so that one alone holds the draft",
            "say deepspeed: {zero_stage, num_processes} in the options and run plain: train RECIPE --corpus ...",
        )
    store, asked, here = Store(root), read_recipe(recipe, TrainRecipe), where(**places)
    if fraction is not None:
        asked = asked.of_fraction(fraction)
    inputs = Inputs(corpora, replay, validate)
    try:
        if here.rank:
            made = join(asked, inputs, store, here)
        else:
            made = run(asked, inputs, store, here, skipped=skipped)
    except KeyboardInterrupt as error:
        raise UserError(
            f"{asked.name}@{asked.version}",
            "stopped",
            "what was tokenized and the last saved step are kept",
            "run the same command again: it goes on there",
        ) from error
    if not made:
        click.echo(f"machine {here.rank}: its processes have ended; machine 0 writes the version.")
        return
    if made.existed:
        click.echo(f"{made.ref} exists already and was made from an equal recipe: nothing to do.")
        return
    card = store.card(made.ref)
    # Names of sources are among them, which a corpus may have from anywhere.
    counts = ", ".join(f"{value:,} {visible(key, 60)}" for key, value in card.counts.items())
    click.echo(f"{made.ref}: {counts}")
    click.echo(", ".join(f"{visible(key, 80)} {value:.4g}" for key, value in card.metrics.items()))
