"""``kanagura eval RECIPE --model NAME@VERSION`` and the commands beside it."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datacards.cli import DefaultRun, store_option

if TYPE_CHECKING:
    from rich.console import Console

    from datacards.evaluated import Score
    from eval.recipe import EvalRecipe

STOPPED = 130  # the status of a program that was interrupted
FEW = 3  # figures of a task that are shown without being asked for

#: Commands that have a room of their own, imported when they are asked for.
ROOMS = {
    "compare": "eval.compare.cli",
    "contamination": "eval.contamination.cli",
    "data": "eval.data.cli",
    "published": "eval.published.cli",
    "report": "eval.report.cli",
    "tasks": "eval.tasks.cli",
}


@click.group(cls=DefaultRun, rooms=ROOMS)
def main() -> None:
    """Score a model as RECIPE says, compare models, report."""


def inputs(function: click.decorators.FC) -> click.decorators.FC:
    """Add what a recipe is run on."""
    for option in (
        store_option,
        click.option(
            "--prompt",
            default="",
            metavar="VERSION",
            help="Ask in these words, such as 0.2, or under all versions of the prompt: all. Each makes a version of its own.",
        ),
        click.option("--corpus", default="", help="The dataset version that the tasks ask about."),
        click.option("--model", default="", help="name@version, hf:org/model@<commit>, or a local folder."),
        click.argument("recipe", type=click.Path(path_type=Path)),
    ):
        function = option(function)
    return function


def recipes(path: Path, prompt: str) -> "list[EvalRecipe]":
    """Return what is to be asked: the recipe as it is, or once for each prompt."""
    from datacards.recipe import read_recipe
    from eval.recipe import EvalRecipe

    recipe = read_recipe(path, EvalRecipe)
    return recipe.in_words(prompt) if prompt else [recipe]


@main.command("run")
@inputs
@click.option(
    "--all", "whole", is_flag=True, help="Show every figure, also of the parts of tasks: subjects, sources."
)
def run_(recipe: Path, model: str, corpus: str, prompt: str, root: str, *, whole: bool) -> None:
    """Score a model on the tasks of RECIPE and keep scores and samples as a version."""
    from datacards.store import Store
    from eval.run import run
    from eval.terminal import screen

    store, console = Store(root), screen()
    made = []
    for one in recipes(recipe, prompt):
        before = store.refs()
        try:
            ref, scores = run(one, store, model=model, corpus=corpus)
        except KeyboardInterrupt:
            click.echo("\nStopped. What was answered is kept: the same command goes on from there.", err=True)
            raise SystemExit(STOPPED) from None
        console.print(f"[bold]{ref}[/]" + (" exists already: nothing to do" if ref in before else ""))
        tell(console, scores, whole=whole)
        made.append(str(ref))
    if len(made) > 1:
        console.print(
            f"Mean and range over the prompts: kanagura eval compare --prompts {' '.join(made)}",
            soft_wrap=True, highlight=False,
        )  # fmt: skip


def tell(console: "Console", scores: "list[Score]", *, whole: bool) -> None:
    """Print scores with their uncertainty and what guessing scores, then what must be known of the tasks.

    Those are the first ``FEW`` figures of each task; with ``whole`` all of them and those of its parts.
    """
    from rich.markup import escape
    from rich.table import Table

    from eval.terminal import remarks

    table = Table(
        "task", "metric", "value", "± s.e.", "95 % interval", "chance", "items", box=None, header_style="bold"
    )
    for column in range(2, 7):
        table.columns[column].justify = "right"
    shown = Counter[str]()
    for score in scores:
        if not whole and (score.group or shown[score.task] == FEW):
            continue
        first = not shown[score.task]
        shown[score.task] += 1
        stderr = score.clustered if score.clustered is not None else score.stderr
        table.add_row(
            escape(score.task) if first else "",
            escape(f"{score.metric} · {score.group}" if score.group else score.metric),
            f"{score.value:.4f}",
            "" if stderr is None else f"{stderr:.4f}",
            "" if score.low is None or score.high is None else f"{score.low:.4f} to {score.high:.4f}",
            "" if score.chance is None else f"{score.chance:.4f}",
            f"{score.samples:,}",
            style="" if first else "dim",
        )
    console.print(table)
    remarks(console, [(score.task, score.note) for score in scores])
    if rest := len(scores) - shown.total():
        console.print(f"{rest} more figures: --all", style="dim", highlight=False)


@main.command("plan")
@inputs
def plan(recipe: Path, model: str, corpus: str, prompt: str, root: str) -> None:
    """Say what RECIPE would ask, how much of it is known already, and what a judge would cost; ask nothing."""
    from rich.markup import escape
    from rich.table import Table

    from datacards.store import Store
    from eval.plan import plan as planned
    from eval.terminal import remarks, screen

    console = screen()
    for one in recipes(recipe, prompt):
        table = Table("task", "kind", "items", "of", "kept", "characters", box=None, header_style="bold")
        for column in range(2, 6):
            table.columns[column].justify = "right"
        parts = planned(one, Store(root), model=model, corpus=corpus)
        for part in parts:
            table.add_row(
                escape(part.task),
                part.kind,
                f"{part.items:,}",
                f"{part.of:,}",
                f"{part.kept:,}",
                f"{part.characters:,}",
            )
        if prompt:
            console.print(f"[bold]{escape(one.name)}[/]")
        console.print(table)
        remarks(console, [(part.task, part.told) for part in parts])
