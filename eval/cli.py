"""``kanagura eval RECIPE --model NAME@VERSION`` and the commands beside it."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datacards.cli import DefaultRun, store_option

if TYPE_CHECKING:
    from rich.console import Console

    from datacards.evaluated import Score

#: Commands that have a room of their own, imported when they are asked for.
ROOMS = {
    "compare": "eval.compare.cli",
    "contamination": "eval.contamination.cli",
    "data": "eval.data.cli",
    "published": "eval.published.cli",
    "report": "eval.report.cli",
}


class Commands(DefaultRun):
    """The commands of this file and, imported when asked for, those of the rooms."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all commands, in order of their names."""
        return sorted({*super().list_commands(ctx), *ROOMS})

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``run`` in front unless the first word is a command or asks for help."""
        if args and args[0] in ROOMS:
            return click.Group.parse_args(self, ctx, args)
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command, or None for an unknown name."""
        if cmd_name in ROOMS:
            command: click.Command = import_module(ROOMS[cmd_name]).command
            return command
        return super().get_command(ctx, cmd_name)


@click.group(cls=Commands)
def main() -> None:
    """Score a model as RECIPE says, compare models, report."""


def inputs(function: click.decorators.FC) -> click.decorators.FC:
    """Add what a recipe is run on."""
    for option in (
        store_option,
        click.option("--corpus", default="", help="The dataset version that the tasks ask about."),
        click.option("--model", default="", help="name@version, hf:org/model@<commit>, or a local folder."),
        click.argument("recipe", type=click.Path(path_type=Path)),
    ):
        function = option(function)
    return function


@main.command("run")
@inputs
def run_(recipe: Path, model: str, corpus: str, root: str) -> None:
    """Score a model on the tasks of RECIPE and keep scores and samples as a version."""
    from rich.console import Console

    from datacards.recipe import read_recipe
    from datacards.store import Store
    from eval.recipe import EvalRecipe
    from eval.run import run

    store = Store(root)
    before = store.refs()
    ref, scores = run(read_recipe(recipe, EvalRecipe), store, model=model, corpus=corpus)
    console = Console()
    console.print(f"[bold]{ref}[/]" + (" exists already: nothing to do" if ref in before else ""))
    tell(console, scores)


def tell(console: "Console", scores: "list[Score]") -> None:
    """Print every score with its uncertainty, what guessing scores, and what must be known of it."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        "task", "metric", "value", "± s.e.", "95 %", "chance", "items", "note", box=None, header_style="bold"
    )
    for column in range(2, 7):
        table.columns[column].justify = "right"
    previous = ""
    for score in scores:
        first = score.task != previous
        previous = score.task
        stderr = score.clustered if score.clustered is not None else score.stderr
        table.add_row(
            escape(score.task) if first else "",
            escape(f"{score.metric} · {score.group}" if score.group else score.metric),
            f"{score.value:.4f}",
            "" if stderr is None else f"{stderr:.4f}",
            "" if score.low is None or score.high is None else f"{score.low:.4f} to {score.high:.4f}",
            "" if score.chance is None else f"{score.chance:.4f}",
            f"{score.samples:,}",
            escape(score.note) if first else "",
            style="" if first else "dim",
        )
    console.print(table)


@main.command("plan")
@inputs
def plan(recipe: Path, model: str, corpus: str, root: str) -> None:
    """Say what RECIPE would ask, how much of it is known already, and what a judge would cost; ask nothing."""
    from rich.console import Console
    from rich.table import Table

    from datacards.recipe import read_recipe
    from datacards.store import Store
    from eval.plan import plan as planned
    from eval.recipe import EvalRecipe

    table = Table("task", "kind", "items", "of", "kept", "characters", "told", box=None, header_style="bold")
    for column in range(2, 6):
        table.columns[column].justify = "right"
    for part in planned(read_recipe(recipe, EvalRecipe), Store(root), model=model, corpus=corpus):
        table.add_row(
            part.task,
            part.kind,
            f"{part.items:,}",
            f"{part.of:,}",
            f"{part.kept:,}",
            f"{part.characters:,}",
            part.told,
        )
    Console().print(table)
