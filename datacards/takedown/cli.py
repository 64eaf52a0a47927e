"""``kanagura cards takedown`` and ``kanagura cards purge``."""

import json
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datacards.cli import some_versions, store_option, wide
from datacards.render.receipt import rows_gone, seen
from datacards.store import Store
from datacards.withdrawn import RECEIPT

console = Console()


@click.command()
@store_option
@click.option("--url", "urls", multiple=True, help="An address, as captures or documents have it.")
@click.option("--source", "sources", multiple=True, help="A publisher's series.")
@click.option(
    "--company", "companies", multiple=True, help="An EDINET code, a security code or an exact name."
)
@click.option("--document", "documents", multiple=True, help="The id of a document of any format.")
@click.option("--pattern", "patterns", multiple=True, help="A regular expression over texts and addresses.")
@click.option("--copies", is_flag=True, help="Take what says the same under other addresses, too.")
@click.option("--reason", required=True, help="Why; others will read it.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and write nothing.")
def takedown(root: str, dry_run: bool, **asked: Any) -> None:
    """Take texts out of all versions of the store: captures, documents, and everything made of them.

    Every version that held any of it gets a successor, proven to say nothing that only the removed texts said; the old
    ones are withdrawn. Their bytes stay until: kanagura cards purge.
    """
    from datacards.takedown.plan import built_in, plan
    from datacards.takedown.request import Request
    from datacards.takedown.run import Takedown

    store, erasers = Store(root), built_in()
    some_versions(store)
    found = plan(store, Request(**asked), erasers)
    if found is None:
        named = (f"{name} {one}" for name, some in asked.items() if isinstance(some, tuple) for one in some)
        click.echo(f"Nothing in the store holds {', '.join(named)}: nothing to do.")
        return
    if dry_run:
        wide().print(_planned(found))
        return
    ref = Takedown(store, found, erasers).run()
    _tell(json.loads(store.path(ref, RECEIPT).read_text("utf-8")))
    console.print(f"[bold]{ref}[/] is in the store. The old bytes stay until: kanagura cards purge {ref}")


@click.command()
@store_option
@click.argument("ref")
@click.option("--yes", is_flag=True, help="Delete without asking.")
def purge(root: str, ref: str, yes: bool) -> None:
    """Delete the files of the versions that the takedown REF withdrew; what was deleted is logged, cards stay."""
    from datacards.takedown import purge as purging

    store = Store(root)
    takedown_ref, versions = purging.wanted(store, ref)
    what = purging.files_of(store, versions)
    size = sum(file["bytes"] for one in what for file in one["files"])
    table = Table("version", "files", "MB", box=None, header_style="bold")
    for one in what:
        megabytes = sum(file["bytes"] for file in one["files"]) / 1e6
        table.add_row(one["ref"], str(len(one["files"])), f"{megabytes:,.2f}")
    wide().print(table)
    if not yes:
        click.confirm(f"Delete {size / 1e6:,.2f} MB for good?", abort=True)
    done = purging.purge(store, takedown_ref, versions)
    console.print(f"[bold]{done}[/] tells what was deleted.")
    for draft in purging.drafts(store, versions):
        console.print(
            f"[yellow]the unfinished draft {escape(draft)} may hold it still: delete it in .drafts[/]"
        )
    for folder in purging.answers(store, takedown_ref):
        console.print(
            f"[yellow]{folder}, what a model has answered, may hold it still: delete it[/]", soft_wrap=True
        )


def _planned(found: Any) -> Table:
    removed = found.removed
    table = Table("what would go", "number", box=None, header_style="bold")
    table.add_row("addresses", f"{len(removed.urls):,}")
    table.add_row("bodies", f"{len(removed.digests):,}")
    table.add_row("documents with evidence of their own", f"{len(removed.bases):,}")
    table.add_row("documents made of them", f"{len(removed.ids - removed.bases):,}")
    for one, base in sorted(removed.stays.items()):
        table.add_row(f"{one} alone; {base} stays", "")
    for url in sorted(removed.urls)[:20]:
        table.add_row(escape(url), escape(removed.why.get(url, "")))
    for old in found.versions:
        table.add_row(f"{old} would be looked through", str(found.successors[str(old)]))
    return table


def _tell(receipt: dict[str, Any]) -> None:
    """Print what a takedown did."""
    table = Table(
        "version",
        "rows gone",
        "new survivors",
        "files as they were",
        "successor",
        box=None,
        header_style="bold",
    )
    for one in receipt["versions"]:
        table.add_row(
            one["version"],
            rows_gone(one),
            str(len(one["new_survivors"])),
            str(one["files_linked"]),
            one["successor"],
        )
    for one in receipt["evaluations_withdrawn"]:
        table.add_row(one, "", "", "", "none: withdrawn")
    wide().print(table)
    check = receipt["check"]
    console.print(
        f"{check['looked_for']:,} stretches of 13 characters that only the removed texts said were looked for in "
        f"{check['strings']:,} strings of {check['files']:,} files ({check['bytes'] / 1e6:,.1f} MB): {check['leaks']} are left; "
        f"{check['said_by_others']:,} others also say."
    )
    for one in receipt["also_said_by"][:5]:
        console.print(f"  {one['places']:,} places, {one['share']:.0%}: {escape(one['url'])}", soft_wrap=True)
    for one in receipt["models"]:
        console.print(f"[yellow]{one} {escape(seen(receipt, one))}[/]", soft_wrap=True)
