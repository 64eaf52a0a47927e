"""``kanagura cards rebuild``."""

from collections.abc import Mapping

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datacards.cli import store_option
from datacards.rebuild.release import open_release
from datacards.rebuild.run import outcomes, unproven
from datacards.rebuild.run import rebuild as run
from datacards.store import Store

INCOMPLETE = 3  # the exit status when a record could not be proven, as of a crawl that lacks captures
console = Console()


@click.command("rebuild")
@click.argument("release")
@click.option(
    "--captures", "captures", multiple=True, metavar="REF", help="Read this version; else all that fit."
)
@click.option("--crawl", "again", is_flag=True, help="Crawl sources again whose evidence is not here.")
@click.option("-s", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of Scrapy for --crawl.")
@click.option("--out", default="", metavar="NAME", help="Name of the version; else that of RELEASE-rebuilt.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(min=1))
@store_option
@click.pass_context
def rebuild(
    context: click.Context,
    *,
    release: str,
    captures: tuple[str, ...],
    again: bool,
    settings: tuple[str, ...],
    out: str,
    workers: int,
    root: str,
) -> None:
    """Make again what RELEASE only points at, from captures of this store, and prove each text by its hash.

    RELEASE is name@version, or a folder that was downloaded. The new version is for this machine: what the release
    did not give may not be given on. Exit status 3: some records could not be proven; rebuilt.parquet says why.
    """
    store = Store(root)
    before = store.refs()
    opened = open_release(store, release)
    click.echo(f"{opened.ref}, whose card has the SHA-256 {opened.ref.digest}")
    ref = run(
        opened, store, captures=captures, settings=settings if again else None, out=out, workers=workers
    )
    console.print(_table(outcomes(store, ref)))
    click.echo(f"{ref} exists already: nothing to do" if ref in before else f"{ref} is in the store")
    if unproven(store, ref):
        context.exit(INCOMPLETE)


def _table(found: Mapping[str, Mapping[str, int]]) -> Table:
    table = Table("source", box=None, header_style="bold")
    for title in ("pointers", "proven"):
        table.add_column(title, justify="right")
    table.add_column("not proven")
    total: dict[str, int] = {}
    for source, counts in found.items():
        for name, number in counts.items():
            total[name] = total.get(name, 0) + number
        table.add_row(*_cells(source, counts))
    table.add_row(*(f"[bold]{cell}[/]" if cell else "" for cell in _cells("all", total)))
    return table


def _cells(source: str, counts: Mapping[str, int]) -> list[str]:
    left = sorted((name, number) for name, number in counts.items() if name != "proven")
    told = ", ".join(f"{name} {number:,}" for name, number in left)
    return [escape(source), f"{sum(counts.values()):,}", f"{counts.get('proven', 0):,}", escape(told)]
