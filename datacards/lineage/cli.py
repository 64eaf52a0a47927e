"""``kanagura cards lineage``: backward to the captures, forward to every model; as text, JSON, PROV or a picture."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from datacards.errors import from_os_error
from datacards.lineage.asked import Asked, asked
from datacards.lineage.back import backward
from datacards.lineage.backward import captures, document
from datacards.lineage.backward import lineage as tree
from datacards.lineage.forward import forward
from datacards.lineage.text import text
from datacards.lineage.trace import Trace
from datacards.lineage.versions import Graph, graph
from datacards.render.markup import visible
from datacards.store import Store


@click.command("lineage")
@click.option(
    "--store",
    "root",
    envvar="KANAGURA_STORE",
    default="store",
    show_default=True,
    metavar="PLACE",
    help="What holds the versions: a folder, or an address like s3://bucket/prefix.",
)
@click.argument("what")
@click.option("--forward", "onward", is_flag=True, help="Print what was made from it instead.")
@click.option(
    "--urls", is_flag=True, help="Name every captured address with its SHA-256, not only their number."
)
@click.option(
    "--document", "document_id", help="Follow one document of the version WHAT (an id or its beginning)."
)
@click.option(
    "--as",
    "form",
    type=click.Choice(["text", "json", "prov", "svg"]),
    default="text",
    show_default=True,
    help="prov: W3C PROV-O as JSON-LD; svg: a picture.",
)
@click.option(
    "--rows",
    "limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many rows of each kind, and addresses of each source, are named; all are counted.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to a file.")
def lineage(
    root: str, what: str, *, onward: bool, urls: bool, document_id: str | None, form: str, limit: int, out: Path | None
) -> None:  # fmt: skip
    """Print what WHAT was made from, down to the captured addresses and their rights.

    WHAT is a version (name@version, or a name for its newest), a score (VERSION:TASK), a document (its id or the
    beginning of it), an address, or sha256:... of a capture. With --forward: what was made from WHAT, up to every model
    and score.
    """
    store = Store(root)
    versions = graph(store)
    if document_id is not None and not (onward or form != "text"):
        lines: Iterable[str] = _way(store, str(store.resolve(what)), document_id)
    else:
        meant = Asked("document", document_id) if document_id is not None else asked(store, versions, what)
        lines = _told(store, versions, meant, form=form, onward=onward, limit=limit, urls=urls)
    if out is None:
        for line in lines:
            click.echo(line)
        return
    try:
        _write(out, lines)
    except OSError as error:
        raise from_os_error(error, "lineage") from error


def _told(
    store: Store, versions: Graph, meant: Asked, *, form: str, onward: bool, limit: int, urls: bool
) -> Iterable[str]:
    """Return the lines of what is known of ``meant``."""
    if onward:
        trace = forward(store, versions, meant, limit)
    else:
        trace = backward(store, versions, meant, None if urls and form != "text" else limit)
    if form != "text":
        return [_drawn(trace, form)]
    if urls and not onward and meant.kind == "version":
        return _with_addresses(store, versions, meant, trace)
    return text(trace)


def _drawn(trace: Trace, form: str) -> str:
    if form == "svg":
        from datacards.render.graph import picture

        return picture(trace)
    if form == "prov":
        from datacards.lineage.prov import prov

        return prov(trace).rstrip("\n")
    return trace.to_json().rstrip("\n")


def _with_addresses(store: Store, versions: Graph, meant: Asked, trace: Trace) -> Iterable[str]:
    yield from text(trace)
    for row in captures(store, tree(store, versions[meant.value].ref)):
        yield f"{row['sha256']}  {visible(row['url'])}"


def _way(store: Store, name: str, document_id: str) -> Iterable[str]:
    """Yield the way from one document of a version to its evidence."""
    for depth, row in document(store, store.resolve(name), document_id):
        where = row.get("section") or row.get("title") or ""
        mark = row.get("id", f"sha256:{row.get('sha256', '')}")
        yield f"{'  ' * depth}{row['format']} {mark} {visible(where)}".rstrip()
        yield f"{'  ' * depth}  {visible(row['url'])}  ({visible(row['license'])}, {row['version']})"


def _write(path: Path, lines: Iterable[Any]) -> None:
    """Write lines as a file, whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as stream:
            stream.writelines(f"{line}\n" for line in lines)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
