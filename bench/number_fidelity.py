"""Numbers of EDINET filings: kept whole by our text, and by the CSV that EDINET itself makes of the same pages.

``python -m bench.number_fidelity [FILE ...] [--memory]`` takes any mix of type 1 packages (inline XBRL, with or
without audit reports; plain HTML), bare ``.xbrl`` instances and type 5 packages (or single CSV files out of them);
without files it makes packages of the sample companies.

The pages are read a second time for this, by other parsers and rules than the extractor's (``corpus.extract.displayed``):
what is displayed, in the order of reading, with a break wherever cells, blocks or lines part.

``fidelity``
    Share of the displayed ``ix:nonFraction`` facts (dashes included, hidden ones not) that our text shows as one
    whole number: page and text, as sequences of signed numbers, are aligned, and a fact counts when all that its
    tag displays (``△`` or an opening bracket before it included) is aligned and nothing else is between. A number
    that is glued, cut, split, unsigned or moved to another place therefore does not count.
``false_numbers``
    Runs of digits (with their grouping) in our text that no displayed text of the package holds as one run.
``placed``, ``extra_numbers``, ``lost_numbers``
    Share of the displayed facts with a typed fact beside our text that points at the aligned characters; runs in our
    text beyond those aligned, which are displayed elsewhere (merged labels that are repeated, such as years); runs
    on the pages that are not aligned.
``fidelity_csv``, ``false_numbers_csv``
    With type 5 files: the share of their numeric rows that their own text blocks show as a whole number, in yen,
    thousands, millions, 億 or billions (rows that may be shorter than four digits do not count), and the grouped
    numbers in their text blocks with a further digit glued on. Without type 5 files, from the type 1 packages: their
    text blocks, nested ones too, without tags and line breaks, cut at 30,000 characters, measured as ours are, against
    the facts that are displayed inside text blocks.

For a bare instance, which does not say where an amount is displayed, the amounts count that its text blocks show
as whole numbers in one of these scales. ``seconds`` are those of the extraction alone.

A package that gives no document keeps none of its numbers; one that cannot be unpacked is named and not counted, and
a share is null when no file could be read that has it.
"""

import json
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench import measured
from corpus.extract.archive import ArchiveError
from corpus.extract.fidelity import Figures, measure, summary
from sample.annual_report import annual_report
from sample.companies import COMPANIES
from sample.xbrl import package

COLUMNS = (
    *("kind", "characters", "displayed", "kept", "placed", "false", "extra", "lost"),
    *("displayed_csv", "kept_csv", "false_csv", "seconds", "peak_mib"),
)
EXTRACT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from corpus.document import Capture
from corpus.extract import xbrl
body = Path(sys.argv[1]).read_bytes() if sys.argv[1] else b"PK"
xbrl.extract(Capture("file:", "edinet", datetime.now(UTC), 200, (), "application/octet-stream", body, "PDL-1.0"))
"""


def make(folder: Path) -> list[Path]:
    """Write a type 1 package of three sample companies each and return their paths."""
    made = []
    for company in (COMPANIES[0], COMPANIES[14], COMPANIES[-1]):
        path = folder / f"{company.edinet_code}.zip"
        path.write_bytes(package(annual_report(company, company.years[-1])))
        made.append(path)
    return made


def inside(path: Path) -> list[Path]:
    """Return a file, or the packages, instances and CSV files below a folder."""
    if path.is_file():
        return [path]
    return sorted(one for one in path.rglob("*") if one.suffix.lower() in (".zip", ".xbrl", ".tsv", ".csv"))


def figures_of(path: Path, *, memory: bool) -> Figures:
    """Return the figures of one file with the seconds that its extraction took."""
    try:
        found = measure(path)
    except ArchiveError as error:
        return {"file": path.name, "dropped": error.reason}
    if memory and found["kind"] != "csv":
        found["peak_mib"] = round(measured(EXTRACT, [str(path)]).peak)
    return found


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--memory", is_flag=True, help="Extract each package once more in a process of its own: peak MiB."
)
def main(files: tuple[Path, ...], *, memory: bool) -> None:
    """Measure and print a table; the last line is one JSON object."""
    with tempfile.TemporaryDirectory() as name:
        inputs = [one for path in files for one in inside(path)] if files else make(Path(name))
        if not inputs:
            raise click.UsageError(f"no .zip, .xbrl, .tsv or .csv file in {', '.join(map(str, files))}")
        found = [figures_of(path, memory=memory) for path in inputs]
    table = Table("file", *COLUMNS, "dropped", box=None, header_style="bold")
    for one in found:
        table.add_row(
            str(one["file"]), *(str(one.get(key, "")) for key in COLUMNS), str(one.get("dropped", ""))
        )
    Console(width=200).print(table)
    click.echo(json.dumps(summary(found), ensure_ascii=False))


if __name__ == "__main__":
    main()
