"""``kanagura cards publish``: a release is made, if it is not there yet, and put where it is to be read."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from datacards.card import Ref
from datacards.cli import store_option
from datacards.errors import UserError
from datacards.recipe import read_recipe
from datacards.release.recipe import ReleaseRecipe
from datacards.release.run import check, is_release, release
from datacards.store import Store
from datacards.targets.publish import publish as put
from datacards.targets.publish import target_at


@click.command()
@click.argument("what", metavar="RECIPE|RELEASE")
@click.option("--corpus", help="The dataset version that a recipe releases: name@version, or a name.")
@click.option(
    "--to",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="A folder, s3://bucket/prefix, or hf://datasets/ORG/NAME; may be given again.",
)
@click.option("--private", is_flag=True, help="A repository that is new on the hub is made a private one.")
@store_option
def publish(what: str, corpus: str | None, targets: tuple[str, ...], root: str, *, private: bool) -> None:
    """Release a dataset version as RECIPE says, or take the RELEASE of the store, and publish it to every TARGET.

    Without a target the release is only made. Publishing again changes nothing.
    """
    for target in targets:
        target_at(target)  # what cannot be one is said before the long work
    store = Store(root)
    ref = _release(store, what, corpus)
    card = store.card(ref)
    table = Table("what", "number", box=None, header_style="bold")
    for name, number in (*card.counts.items(), *((f"left out: {k}", v) for k, v in card.drops.items())):
        table.add_row(name, f"{number:,}")
    console = Console()
    console.print(table)
    click.echo(f"{ref} is in the store")
    for done in put(store, ref, list(targets), check=check, private=private):
        said = (
            "is there already"
            if done.there_already
            else f"{done.files_new:,} files, {done.bytes / 1e6:,.1f} MB"
        )
        click.echo(f"{ref} -> {done.url}: {said}")


def _release(store: Store, what: str, corpus: str | None) -> Ref:
    """Return the release that is meant: made by a recipe file, or one of the store."""
    if what.endswith((".yaml", ".yml")):
        if corpus is None:
            raise UserError(
                "publish", "no --corpus", "the dataset version to release: --corpus NAME@VERSION", "add it"
            )
        return release(read_recipe(Path(what), ReleaseRecipe), store, corpus)
    if corpus is not None:
        raise UserError(
            "publish", f"--corpus beside the release '{what}'", "it goes with a recipe", "leave it out"
        )
    ref = store.resolve(what)
    if not is_release(store.card(ref)):
        raise UserError(
            str(ref),
            "is no release: rights were not looked at, and it holds whole what was left out",
            "a version made by a release recipe",
            f"kanagura cards publish datacards/recipes/public.yaml --corpus {ref} --to TARGET",
        )
    return ref
