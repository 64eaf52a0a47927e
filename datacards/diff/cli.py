"""``kanagura cards diff``: what is different between two versions, counted by reason, with examples."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datacards.cli import store_option
from datacards.diff.compare import diff as compare
from datacards.diff.record import REASONS, SCHEMA, Diff, Row
from datacards.errors import UserError, from_os_error
from datacards.store import Store

_EXAMPLES = 2  # rows shown of each format, change and reason
_SHOWN = 24  # examples in all
_SUFFIXES = (".parquet", ".jsonl", ".csv")


@click.command("diff")
@store_option
@click.argument("a")
@click.argument("b")
@click.option(
    "--rows",
    "out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write every row that differs to FILE: .parquet, .jsonl or .csv.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def diff(root: str, a: str, b: str, out: Path | None, *, as_json: bool) -> None:
    """Tell what is different from version A to version B, row by row, each with its reason."""
    if out and out.suffix not in _SUFFIXES:
        raise UserError(
            "--rows", f"'{out.name}' has no known ending", f"known: {', '.join(_SUFFIXES)}", "correct it"
        )
    store = Store(root)
    found = compare(store, store.resolve(a), store.resolve(b))
    if out:
        write_rows(found, out)
    if as_json:
        click.echo(json.dumps(told(found), ensure_ascii=False))
        return
    console = Console()
    _print(console if console.is_terminal else Console(width=1000), found)
    if out:
        click.echo(f"Every row that differs: {out}")


def told(found: Diff) -> dict[str, object]:
    """Return a diff as one JSON object, with a few rows of each reason as examples."""
    formats = {
        form: {
            "before": found.before.get(form, 0),
            "after": found.after.get(form, 0),
            **{change: found.number(change, form) for change in ("added", "removed", "changed")},
        }
        for form in found.formats
    }
    return {
        "a": found.a.model_dump(),
        "b": found.b.model_dump(),
        "kind": found.kind,
        "asked": list(found.asked),
        "shared_files": found.shared,
        "formats": formats,
        "counts": [one._asdict() for one in found.counts],
        "examples": [row._asdict() for row in examples(found)],
    }


def examples(found: Diff, each: int = _EXAMPLES) -> list[Row]:
    """Return the first rows of each format, change and reason, in the order of the counts."""
    kept: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    missing = sum(min(each, one.rows) for one in found.counts)
    for row in found.rows():
        if not missing:
            break
        if len(kept[row[:3]]) < each:
            kept[row[:3]].append(row)
            missing -= 1
    return [row for one in found.counts for row in kept[one[:3]]]


def write_rows(found: Diff, out: Path) -> None:
    """Write every row that differs to a file, whole or not at all; its ending says how."""
    part = out.with_name(f".{out.name}.part")
    try:
        if out.suffix == ".parquet":
            with pq.ParquetWriter(part, SCHEMA, compression="zstd") as writer:
                for rows in _some(found):
                    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
                    writer.write_table(pa.Table.from_arrays(columns, schema=SCHEMA))
        else:
            with part.open("w", encoding="utf-8", newline="") as stream:
                if out.suffix == ".csv":
                    lines = csv.writer(stream, lineterminator="\n")
                    lines.writerow(Row._fields)
                    lines.writerows(map(_plain, found.rows()))
                else:
                    stream.writelines(
                        json.dumps(row._asdict(), ensure_ascii=False) + "\n" for row in found.rows()
                    )
        part.replace(out)
    except OSError as error:
        raise from_os_error(error, str(out)) from error
    finally:
        part.unlink(missing_ok=True)


def _plain(row: Row) -> list[str]:
    """Return the cells of a row for a CSV file, none of which a spreadsheet takes for a formula."""
    return [f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in row]


def _some(found: Diff) -> Iterator[list[Row]]:
    held: list[Row] = []
    for row in found.rows():
        held.append(row)
        if len(held) == 10_000:
            yield held
            held = []
    if held:
        yield held


def _print(console: Console, found: Diff) -> None:
    console.print(f"[bold]{found.a}[/] -> [bold]{found.b}[/]  {found.kind}", highlight=False)
    for line in found.asked:
        console.print(f"  {escape(_visible(line))}", highlight=False)
    if found.shared:
        console.print(f"  {found.shared:,} files are shared and were not read", highlight=False)
    sums = Table(*("format", "before", "added", "removed", "changed", "after"), box=None, header_style="bold")
    for column in sums.columns[1:]:
        column.justify = "right"
    for form in found.formats:
        numbers = [found.number(change, form) for change in ("added", "removed", "changed")]
        sums.add_row(
            form, *(f"{n:,}" for n in (found.before.get(form, 0), *numbers, found.after.get(form, 0)))
        )
    console.print(sums)
    if not found.counts:
        console.print("No row differs.")
        return
    table = Table("format", "change", "reason", "rows", "what it means", box=None, header_style="bold")
    table.columns[3].justify = "right"
    for one in found.counts:
        table.add_row(one.format, one.change, one.reason, f"{one.rows:,}", REASONS[one.reason])
    console.print(table)
    shown = Table("for example", "reason", "detail", "url", box=None, header_style="bold")
    for row in examples(found)[:_SHOWN]:
        name = row.section or row.title or row.id_b or row.id_a
        cells = (f"{row.format}: {name}", f"{row.change}: {row.reason}", row.detail, row.url)
        shown.add_row(
            *(escape(_visible(cell)) for cell in cells), style="red" if row.reason == "unexplained" else ""
        )
    console.print(shown)


def _visible(text: str) -> str:
    """Return a text of a version on one line without what would steer a terminal, at most 200 characters of it."""
    line = "".join(sign if sign.isprintable() else " " for sign in text[:201])
    return line if len(line) <= 200 else f"{line[:199]}…"
