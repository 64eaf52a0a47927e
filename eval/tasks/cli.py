"""``kanagura eval tasks [NAME]``: what a recipe may ask for, and the options of one task."""

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datacards.plugins import load, names
from eval.tasks import GROUP


@click.command("tasks")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the tasks that a recipe may ask for, or the options of the task NAME."""
    console = Console()
    table = Table(box=None, header_style="bold")
    if name is None:
        for heading in ("task", "suite", "kind", "what it asks"):
            table.add_column(heading)
        for one in names(GROUP):
            task = load(GROUP, one)
            table.add_row(
                one, getattr(task, "suite", ""), getattr(task, "kind", ""), escape(_first(task.__doc__))
            )
        console.print(table)
        return
    task = load(GROUP, name)
    console.print(escape(" ".join((task.__doc__ or "").split())))
    for heading in ("option", "type", "default"):
        table.add_column(heading)
    for option, field in task.model_fields.items():
        if option != "task":
            default = (
                "must be given" if field.is_required() else repr(field.get_default(call_default_factory=True))
            )
            table.add_row(option, escape(_type(field.annotation)), escape(default))
    console.print(table)


def _first(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split()).partition(". ")[0].rstrip(".")


def _type(annotation: object) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
