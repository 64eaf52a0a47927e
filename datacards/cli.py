"""``kanagura cards``: list, show, verify, report, and the commands that have a room of their own."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datacards.card import Card, Ref
from datacards.errors import UserError, from_os_error
from datacards.store import Store

console = Console()


def store_option(function: Any) -> Any:
    """Add ``--store PLACE``, a folder or an address, to a command; the default is ``$KANAGURA_STORE``, else ``./store``."""
    return click.option(
        "--store",
        "root",
        envvar="KANAGURA_STORE",
        default="store",
        show_default=True,
        metavar="PLACE",
        help="What holds the versions: a folder, or an address like s3://bucket/prefix.",
    )(function)


#: Commands that have a room of their own, imported when they are asked for.
ROOMS = {
    "diff": "datacards.diff.cli",
    "lineage": "datacards.lineage.cli",
    "publish": "datacards.release.cli",
    "purge": "datacards.takedown.cli",
    "rebuild": "datacards.rebuild.cli",
    "site": "datacards.site.cli",
    "takedown": "datacards.takedown.cli",
}


class Commands(click.Group):
    """The commands of this file and, imported when asked for, those of the rooms."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all commands, in order of their names."""
        return sorted({*super().list_commands(ctx), *ROOMS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command, or None for an unknown name."""
        if cmd_name in ROOMS:
            command: click.Command = getattr(import_module(ROOMS[cmd_name]), cmd_name)
            return command
        return super().get_command(ctx, cmd_name)


class DefaultRun(click.Group):
    """A group whose unnamed command is ``run``, so that a recipe may follow the stage's name at once.

    ``rooms`` names commands that have a room of their own, ``NAME: module``, imported when they are asked for; each such
    module offers its ``command``.
    """

    def __init__(self, *args: Any, rooms: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rooms = dict(rooms or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all commands, in order of their names."""
        return sorted({*super().list_commands(ctx), *self.rooms})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command, or None for an unknown name."""
        if cmd_name in self.rooms:
            command: click.Command = import_module(self.rooms[cmd_name]).command
            return command
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``run`` in front unless the first word is a command or asks for help."""
        known = {*self.commands, *self.rooms, *ctx.help_option_names}
        if args and args[0] not in known:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Commands)
def main() -> None:
    """Look at the versions of the store: what was made, from what, by what, under which rights."""


@main.command("list")
@store_option
@click.argument("name", required=False)
def list_(root: str, name: str | None) -> None:
    """List the finished versions, of one NAME or of all."""
    store = Store(root)
    table = Table(box=None, header_style="bold")
    for title, no_wrap in (
        ("version", True),
        ("kind", True),
        ("files", True),
        ("MB", True),
        ("it holds", False),
    ):
        table.add_column(
            title, no_wrap=no_wrap, overflow="fold", justify="right" if title in ("files", "MB") else "left"
        )
    withdrawn = store.withdrawn()
    for ref in some_versions(store, name):
        gone = withdrawn.get(str(ref))
        mark = f"[yellow]withdrawn by {gone.by}[/] " if gone else ""
        try:
            card = store.card(ref)
        except UserError as error:
            table.add_row(str(ref), "[red]damaged[/]", "", "", escape(error.message))
            continue
        size = sum(file.bytes for file in card.files) / 1e6
        table.add_row(str(ref), card.kind, str(len(card.files)), f"{size:,.2f}", mark + escape(_holds(card)))
    wide().print(table)


def wide() -> Console:
    """Return where tables with names go: these are copied into commands and piped, so that outside of a terminal no line is too long."""
    return console if console.is_terminal else Console(width=1000)


def some_versions(store: Store, name: str | None = None) -> list[Ref]:
    """Return the versions of a name, or of all names; raise UserError when there is none: the place may be mistyped."""
    found = store.refs(name) or ([store.resolve(name)] if name is not None else [])
    if not found:
        raise UserError(
            "store", f"no versions in '{store.place}'", todo="make one: scrapy crawl boj_speeches"
        )
    return found


def _holds(card: Card) -> str:
    """Return in a few words what a version holds."""
    if card.kind == "evaluation":
        return ", ".join(f"{name} {value:.3f}" for name, value in card.metrics.items())
    counts = {name: n for name, n in card.counts.items() if n and " " not in name}
    if card.kind == "captures":
        told = ("captures", "captures_new", "disallowed", "failed", "incomplete")
        counts = {name.replace("captures_", ""): counts[name] for name in told if name in counts}
    if card.kind == "dataset":
        counts = {k.removeprefix("documents_"): n for k, n in counts.items() if k.startswith("documents_")}
    return ", ".join(f"{number:,} {name}" for name, number in list(counts.items())[:6])


@main.command()
@store_option
@click.argument("ref")
def show(root: str, ref: str) -> None:
    """Print the card of one version REF (name@version, or a name for its newest)."""
    store = Store(root)
    found = store.resolve(ref)
    try:
        click.echo(store.path(found, "README.md").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if by := store.purged().get(str(found)):
            raise UserError(str(found), f"its files were purged by {by}", todo=f"see {by}") from error
        raise UserError(str(found), "its README.md is missing", todo="see: kanagura cards verify") from error


@main.command()
@store_option
@click.argument("refs", nargs=-1)
def verify(root: str, refs: tuple[str, ...]) -> None:
    """Hash every file of the versions REFS (default: all) again and compare with the cards.

    A version whose files a purge deleted is told, and is no error.
    """
    store = Store(root)
    bad, purged = 0, store.purged()
    for ref in [store.resolve(ref) for ref in refs] or some_versions(store):
        if by := purged.get(str(ref)):
            console.print(
                f"{ref}: [yellow]withdrawn, its files purged by {by}[/]", soft_wrap=True, highlight=False
            )
            continue
        problems = store.verify(ref)
        bad += bool(problems)
        said = f"[red]{escape('; '.join(problems))}[/]" if problems else "[green]ok[/]"
        console.print(f"{ref}: {said}", soft_wrap=True, highlight=False)
    if bad:
        raise UserError(
            "verify", f"{bad} version(s) differ from their cards", todo="restore them or make them again"
        )


@main.command()
@store_option
@click.argument("refs", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True)
def report(root: str, refs: tuple[str, ...], out: Path) -> None:
    """Write one page on the evaluations REFS: loss, similarity, scores, lineage to the addresses."""
    from datacards.render import report as pages

    store = Store(root)
    chosen = [store.resolve(ref) for ref in refs]
    if wrong := [str(r) for r in chosen if store.card(r).kind != "evaluation"]:
        raise UserError(
            "report", f"{', '.join(wrong)} is no evaluation", "name versions of kind 'evaluation'"
        )
    try:
        pages.report(store, chosen, out)
    except OSError as error:
        raise from_os_error(error, "report") from error
    console.print(pages.terminal(store, chosen))
    console.print(f"The whole page: {out}")
