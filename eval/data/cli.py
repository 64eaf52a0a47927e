"""``kanagura eval data``: which test sets there are, which lie here, and how the others get here."""

from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

console = Console()


@click.group("data")
def command() -> None:
    """Test sets that may not be shipped: list them, fetch them, or add a file that was got elsewhere."""


@command.command("list")
def list_() -> None:
    """List the sources with their licenses, and say which lie on this machine."""
    from datacards.errors import UserError
    from eval.data.fetch import find
    from eval.data.sources import ALL

    table = Table("source", "items", "bytes", "license stated", "here", box=None, header_style="bold")
    for column in (1, 2):
        table.columns[column].justify = "right"
    for one in ALL:
        try:
            here = "yes" if find(one) else "no"
        except UserError:
            here = "[red]another file[/]"
        table.add_row(one.name, f"{one.items:,}", f"{one.size:,}", escape(one.license), here)
    console.print(table)


@command.command()
@click.argument("names", nargs=-1)
def get(names: tuple[str, ...]) -> None:
    """Fetch the sources NAMES (all, if none is named) from their pinned addresses unless they lie here."""
    from eval.data.fetch import open_source
    from eval.data.sources import ALL, source

    for one in [source(name) for name in names] or ALL:
        path = open_source(one.name)
        console.print(f"{one.name}: {escape(str(path))}", soft_wrap=True)


@command.command()
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
def add(name: str, file: Path) -> None:
    """Take FILE for the source NAME, if its bytes are those that published figures were made with."""
    from eval.data.fetch import add as keep
    from eval.data.sources import source

    keep(source(name), file)
    console.print(f"{escape(name)}: kept")
