"""``kanagura eval RECIPE --model NAME@VERSION``: scores a checkpoint."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from datacards.cli import store_option
from datacards.recipe import read_recipe
from datacards.store import Store


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--model", default="", help="name@version, hf:org/model@<commit>, or a local folder.")
@click.option("--corpus", default="", help="The dataset version that the tasks ask about.")
@store_option
def main(recipe: Path, model: str, corpus: str, root: str) -> None:
    """Score a model on the tasks of RECIPE and keep scores and samples as a version."""
    from eval.recipe import EvalRecipe
    from eval.run import run

    store = Store(root)
    before = store.refs()
    ref, scores = run(read_recipe(recipe, EvalRecipe), store, model=model, corpus=corpus)
    table = Table("task", "metric", "value", "± s.e.", "items", "note", box=None, header_style="bold")
    for column in (2, 3, 4):
        table.columns[column].justify = "right"
    previous = ""
    for score in scores:
        first = score.task != previous
        previous = score.task
        table.add_row(
            score.task if first else "",
            f"{score.metric} of {score.group}" if score.group else score.metric,
            f"{score.value:.4f}",
            "" if score.stderr is None else f"{score.stderr:.4f}",
            f"{score.samples:,}",
            score.note if first else "",
            style="" if first else "dim",
        )
    console = Console()
    console.print(f"[bold]{ref}[/]" + (" exists already: nothing to do" if ref in before else ""))
    console.print(table)
