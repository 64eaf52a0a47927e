"""``kanagura rephrase RECIPE --corpus NAME@VERSION``."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from datacards.cli import store_option
from datacards.recipe import read_recipe
from datacards.store import Store
from rephrase.recipe import RephraseRecipe


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--corpus", required=True, help="The corpus version to ask about: name@version, or a name.")
@store_option
def main(recipe: Path, corpus: str, root: Path) -> None:
    """Write questions about the documents of one corpus version, as RECIPE asks."""
    from rephrase.run import run

    store = Store(root)
    ref = run(read_recipe(recipe, RephraseRecipe), store, corpus)
    card = store.card(ref)
    table = Table("what", "number", box=None, header_style="bold")
    for name, number in (*card.counts.items(), *((f"left out: {k}", v) for k, v in card.drops.items())):
        table.add_row(name, f"{number:,}")
    Console().print(table)
    click.echo(f"made {ref}")
