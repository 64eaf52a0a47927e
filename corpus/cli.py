"""``kanagura corpus RECIPE``: captures become a dataset version."""

import os
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from corpus import shards
from corpus.engine import ENGINES, engine
from corpus.formats import FORMATS
from corpus.recipe import CorpusRecipe
from datacards.card import Card
from datacards.cli import store_option
from datacards.errors import UserError
from datacards.recipe import read_recipe
from datacards.store import Store


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--captures",
    "pins",
    multiple=True,
    metavar="NAME@VERSION",
    help="Read this version of an input instead of the one that the recipe names, or of its newest.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=lambda: os.cpu_count() or 1,
    help="Processes that extract; the result does not depend on it. [default: all processors]",
)
@click.option(
    "--engine",
    "name",
    type=click.Choice(ENGINES),
    default="local",
    show_default=True,
    help="Where it runs: processes of this machine, or the Ray cluster at $RAY_ADDRESS.",
)
@click.option(
    "--tests",
    "tests",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the tests lie that may not be shipped; overrides the recipe's decontamination.folder.",
)
@click.option(
    "--as-of",
    "as_of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Build what a reader could have had at the end of this day, in Japan; overrides the recipe.",
)
@store_option
def main(
    recipe: Path,
    *,
    pins: tuple[str, ...],
    workers: int,
    name: str,
    tests: Path | None,
    as_of: datetime | None,
    root: str,
) -> None:
    """Make the dataset version that RECIPE asks for from captures in the store."""
    from corpus.finish import TOLD
    from corpus.run import inputs, run

    store = Store(root)
    asked = read_recipe(recipe, CorpusRecipe)
    if as_of:
        asked = asked.model_copy(update={"as_of": as_of.date()})
    if tests and asked.decontamination:
        held = asked.decontamination.model_copy(update={"folder": str(tests)})
        asked = asked.model_copy(update={"decontamination": held})
    if asked.as_of_strict and not asked.as_of:
        raise UserError(
            recipe.name,
            "as_of_strict without a day",
            "it takes only what was fetched by as_of",
            "add as_of, or --as-of",
        )
    made_from = inputs(asked, store, pins)
    ref = store.finished(asked.name, asked.version, recipe=asked.model_dump(mode="json"), made_from=made_from)
    if ref:
        click.echo(f"{ref} exists already and was made from an equal request: nothing to do")
        return
    try:
        ref = run(asked, store, made_from, engine=engine(name, workers))
    except KeyboardInterrupt as error:
        raise UserError(
            f"{asked.name}@{asked.version}",
            "stopped",
            "what was extracted is kept",
            "run the same command again: it goes on where it stopped",
        ) from error
    console = Console()
    console.print(_table(store.card(ref)))
    if (told := store.path(ref) / TOLD).is_file():
        console.print(_tests(told))
    click.echo(f"{ref} is in the store")


def _tests(path: Path) -> Table:
    table = Table("test", "status", "items", "items touched", "documents", box=None, header_style="bold")
    for row in shards.read(path):
        numbers = (row[name] for name in ("items", "items_touched", "documents"))
        table.add_row(row["test"], row["status"], *(f"{number:,}" for number in numbers))
    return table


def _table(card: Card) -> Table:
    table = Table("format", "documents", "characters", box=None, header_style="bold")
    for name in filter(lambda name: f"documents_{name}" in card.counts, FORMATS):
        documents, characters = card.counts[f"documents_{name}"], card.counts[f"characters_{name}"]
        table.add_row(name, f"{documents:,}", f"{characters:,}")
    table.add_row("facts", f"{card.counts['facts']:,}", "")
    for reason, number in card.drops.items():
        table.add_row(f"left out: {reason}", f"{number:,}", "")
    return table
