"""The command ``train`` (also ``kanagura train``)."""

import os
from pathlib import Path
from typing import Any

import click

from datacards.cli import store_option
from train.where import where, where_options


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--corpus",
    "corpora",
    multiple=True,
    required=True,
    metavar="NAME@VERSION",
    help="A dataset version to train on; may be given several times.",
)
@where_options
@store_option
def main(recipe: Path, corpora: tuple[str, ...], root: str, **places: Any) -> None:
    """Train a model on exact corpus versions as RECIPE says; a run that was killed goes on where it was."""
    from datacards.errors import UserError
    from datacards.recipe import read_recipe
    from datacards.store import Store
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
    made = run(asked, corpora, store, here) if here.rank == 0 else join(asked, corpora, store, here)
    if not made:
        click.echo(f"machine {here.rank}: its processes have ended; machine 0 writes the version.")
        return
    if made.existed:
        click.echo(f"{made.ref} exists already and was made from an equal recipe: nothing to do.")
        return
    card = store.card(made.ref)
    counts = ", ".join(f"{value:,} {key}" for key, value in card.counts.items())
    click.echo(f"{made.ref}: {counts}")
    click.echo(", ".join(f"{key} {value:.4g}" for key, value in card.metrics.items()))
