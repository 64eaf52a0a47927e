"""Cleaning: what every step, the sentences for repeats and decontamination cost per 1,000 characters.

``python -m bench.steps [FILE.parquet ...]`` cleans the ``text`` of the files, else texts of the sample world, with the
options of the shipped recipe's steps left at their defaults. Least CPU time of three runs on one core.
"""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table

from bench.contamination import carriers_of
from corpus.contamination.decontaminate import DecontaminationOptions, build_index, find_tests
from corpus.document import Document
from corpus.repeats import RepeatOptions, sentences
from corpus.steps import STEPS


def cost(work: Callable[[Document], object], documents: Sequence[Document]) -> float:
    """Return microseconds of CPU per 1,000 characters."""
    least = float("inf")
    work(documents[0])  # tables are made and loops compiled once
    for _ in range(3):
        start = time.process_time()
        for document in documents:
            work(document)
        least = min(least, time.process_time() - start)
    return least * 1e9 / sum(document.n_chars for document in documents)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False))
def main(files: tuple[str, ...]) -> None:
    """Measure and print a table; the last line is one JSON object."""
    documents = [
        Document(
            text=text, format="markdown", source="bench", url=f"https://example.invalid/{number}", title="",
            captured_at=datetime(2026, 11, 21, tzinfo=UTC), license="PDL-1.0", attribution="", redistribution=True,
        )
        for number, text in enumerate(carriers_of(files))
    ]  # fmt: skip
    index = build_index(find_tests(DecontaminationOptions()), DecontaminationOptions())
    options = RepeatOptions()
    figures = {name: cost(step, documents) for name, step in STEPS.items()}
    figures["all steps"] = sum(figures.values())
    figures["sentences"] = cost(lambda document: sentences(document, options), documents)
    figures["decontamination"] = cost(lambda document: index.overlaps(document.text), documents)
    table = Table("step", "us per 1,000 characters", box=None, header_style="bold")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.1f}")
    Console().print(table)
    characters = sum(document.n_chars for document in documents)
    told = {name.replace(" ", "_"): round(value, 2) for name, value in figures.items()}
    click.echo(json.dumps({"characters": characters, "us_per_1000": told}))


if __name__ == "__main__":
    main()
