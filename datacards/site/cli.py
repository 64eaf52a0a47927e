"""``kanagura cards site``."""

from pathlib import Path

import click

from datacards.cli import some_versions, store_option


@click.command()
@store_option
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--documents",
    default=2_000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Documents shown of a version, at most.",
)
@click.option(
    "--diff",
    "pairs",
    nargs=2,
    multiple=True,
    metavar="A B",
    help="Add a page on what is different between two versions.",
)
@click.option(
    "--with-restricted",
    "restricted",
    is_flag=True,
    help="Show texts that may not be given to others: a site that stays at home.",
)
def site(
    root: str, out: Path, documents: int, pairs: tuple[tuple[str, str], ...], *, restricted: bool
) -> None:
    """Render the store as static pages in the folder OUT, for a browser with or without a server."""
    from datacards.site.build import build
    from datacards.store import Store

    store = Store(root)
    some_versions(store)
    chosen = [(store.resolve(a), store.resolve(b)) for a, b in pairs]
    built = build(store, out, documents=documents, restricted=restricted, differences=chosen)
    for name, (shown, total) in built.documents.items():
        click.echo(f"{name}: {shown:,} of {total:,} documents")
    click.echo(f"{built.versions:,} versions: open {out / 'index.html'}")
    if restricted:
        click.echo("It shows texts that may not be given to others: do not put it online.", err=True)
