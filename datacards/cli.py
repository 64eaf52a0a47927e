"""``kanagura cards``: list, show, lineage, verify, report."""

from collections import Counter
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from datacards import lineage as lines
from datacards.errors import UserError
from datacards.store import Store

console = Console()


def store_option(function: Any) -> Any:
    """Add ``--store DIR`` to a command; the default is ``$KANAGURA_STORE``, else ``./store``."""
    return click.option(
        "--store",
        "root",
        envvar="KANAGURA_STORE",
        default="store",
        show_default=True,
        type=click.Path(path_type=Path),
        help="The folder that holds the versions.",
    )(function)


@click.group()
def main() -> None:
    """Look at the versions of the store: what was made, from what, by what, under which rights."""


@main.command("list")
@store_option
@click.argument("name", required=False)
def list_(root: Path, name: str | None) -> None:
    """List the finished versions, of one NAME or of all."""
    store = Store(root)
    table = Table("version", "kind", "files", "MB", "what is in it", box=None, header_style="bold")
    for ref in store.refs(name):
        card = store.card(ref)
        size = sum(file.bytes for file in card.files) / 1e6
        told = ", ".join(f"{v:,} {k}" for k, v in list(card.counts.items())[:4])
        if card.kind == "evaluation":
            told = ", ".join(f"{k} {v:.3f}" for k, v in card.metrics.items())
        table.add_row(str(ref), card.kind, str(len(card.files)), f"{size:,.2f}", told)
    if not table.row_count:
        raise UserError("store", f"no versions in '{root}'", todo="make one: scrapy crawl boj_speeches")
    console.print(table)


@main.command()
@store_option
@click.argument("ref")
def show(root: Path, ref: str) -> None:
    """Print the card of one version REF (name@version, or a name for its newest)."""
    store = Store(root)
    click.echo((store.path(store.resolve(ref)) / "README.md").read_text(encoding="utf-8"))


@main.command()
@store_option
@click.argument("refs", nargs=-1)
def verify(root: Path, refs: tuple[str, ...]) -> None:
    """Hash every file of the versions REFS (default: all) again and compare with the cards."""
    store = Store(root)
    bad = 0
    for ref in [store.resolve(ref) for ref in refs] or store.refs():
        problems = store.verify(ref)
        bad += bool(problems)
        console.print(
            f"{ref}: " + ("[green]ok[/]" if not problems else f"[red]{'; '.join(problems)}[/]"),
            soft_wrap=True,
        )
    if bad:
        raise UserError(
            "verify", f"{bad} version(s) differ from their cards", todo="restore them or make them again"
        )


@main.command()
@store_option
@click.argument("ref")
@click.option(
    "--urls", is_flag=True, help="Print every captured address with its SHA-256, not only their number."
)
@click.option(
    "--document", "document_id", help="Follow one document (an id or its beginning) to its evidence."
)
def lineage(root: Path, ref: str, urls: bool, document_id: str | None) -> None:
    """Print what REF was made from, down to the captured addresses and their rights."""
    store = Store(root)
    start = store.resolve(ref)
    if document_id:
        for depth, row in enumerate(lines.document(store, start, document_id)):
            where = row.get("section") or row.get("title") or ""
            mark = row.get("id", f"sha256:{row.get('sha256', '')}")
            console.print(f"{'  ' * depth}{row['format']} {mark} {where}", soft_wrap=True, highlight=False)
            console.print(
                f"{'  ' * depth}  {row['url']}  ({row['license']}, {row['version']})", soft_wrap=True
            )
        return
    node = lines.lineage(store, start)
    console.print(_tree(node), soft_wrap=True)
    rows = [row for _, row in lines.captures(store, node)]
    for (source, license_), number in sorted(Counter((r["source"], r["license"]) for r in rows).items()):
        console.print(f"{number:6,} addresses of {source} ({license_})")
    if urls:
        for row in rows:
            click.echo(f"{row['sha256']}  {row['url']}")


def _tree(node: lines.Node, tree: Tree | None = None) -> Tree:
    told = f"[bold]{node.ref}[/] {node.card.kind if node.card else node.state}"
    if node.state not in ("ok", "outside"):
        told += f" [red]({node.state})[/]"
    told += f" [dim]{node.ref.digest[:12]}[/]"
    if node.card and node.card.kind == "evaluation":
        told += " " + ", ".join(f"{k} {v:.4f}" for k, v in node.card.metrics.items())
    branch = tree.add(told) if tree else Tree(told)
    for below in node.inputs:
        _tree(below, branch)
    return branch


@main.command()
@store_option
@click.argument("refs", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True)
def report(root: Path, refs: tuple[str, ...], out: Path) -> None:
    """Write one page on the evaluations REFS: loss, similarity, scores, lineage to the addresses."""
    from datacards.render import report as pages

    store = Store(root)
    chosen = [store.resolve(ref) for ref in refs]
    if wrong := [str(r) for r in chosen if store.card(r).kind != "evaluation"]:
        raise UserError(
            "report", f"{', '.join(wrong)} is no evaluation", "name versions of kind 'evaluation'"
        )
    pages.report(store, chosen, out)
    console.print(pages.terminal(store, chosen))
    console.print(f"The whole page: {out}")
