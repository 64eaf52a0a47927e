"""The command ``train`` (also ``kanagura train``)."""

import os
from pathlib import Path

import click

from datacards.cli import store_option


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
@store_option
def main(recipe: Path, corpora: tuple[str, ...], root: str) -> None:
    """Train a model on exact corpus versions as RECIPE says; a run that was killed goes on where it was."""
    from datacards.errors import UserError
    from datacards.recipe import read_recipe
    from datacards.store import Store
    from train.recipe import TrainRecipe
    from train.run import run

    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise UserError(
            "train",
            "runs below accelerate launch or torchrun",
            "it starts its processes itself, so that one alone holds the draft",
            "say deepspeed: {zero_stage, num_processes} in the options and run plain: train RECIPE --corpus ...",
        )
    store = Store(root)
    made = run(read_recipe(recipe, TrainRecipe), corpora, store)
    if made.existed:
        click.echo(f"{made.ref} exists already and was made from an equal recipe: nothing to do.")
        return
    card = store.card(made.ref)
    counts = ", ".join(f"{value:,} {key}" for key, value in card.counts.items())
    click.echo(f"{made.ref}: {counts}")
    click.echo(", ".join(f"{key} {value:.4g}" for key, value in card.metrics.items()))
