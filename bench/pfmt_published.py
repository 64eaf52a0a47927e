"""Reads the stored judgments of pfmt-bench-fin-ja again: ``python -m bench.pfmt_published FOLDER [--language-model FILE]``.

FOLDER is a checkout of the benchmark or its folder of data, by default ``pfmt-bench-fin-ja`` beside this checkout. Every stored score is read from the judge's words again and
every prompt is built from questions, references and answers again; both leaderboards are made of the scores and held
against the printed overall values, and against pandas, with which the original makes its own.
"""

import json
import time
from pathlib import Path
from typing import Any

import click
import pandas as pd
from rich.console import Console
from rich.table import Table

from eval.chat.languages import detector
from eval.published.pfmt import NAME, Reread, reread
from eval.published.pfmt_told import HEADINGS, figures, lines

BESIDE = Path(__file__).resolve().parents[2] / "pfmt-bench-fin-ja"


def by_pandas(folder: Path, judge: str, model: str) -> tuple[float, float]:
    """Return the mean of the categories' means and the mean of all turns, as pandas gives them."""
    base = next(place for place in (folder / "data" / NAME, folder / NAME, folder) if place.is_dir())
    categories = pd.read_json(base / "question.jsonl", lines=True)[["question_id", "category"]]
    rows = pd.read_json(base / "model_judgment" / f"{judge}_single" / f"{model}.jsonl", lines=True)
    rows = rows.merge(categories).drop_duplicates(subset=["question_id", "turn"])
    rows = rows[rows["score"] != -1]
    return float(rows.groupby("category")["score"].mean().mean()), float(rows["score"].mean())


def differences(folder: Path, found: list[Reread]) -> float:
    """Return the largest difference between our figures and those of pandas."""
    worst = 0.0
    for one in found:
        overall, average = by_pandas(folder, one.judge, one.model)
        worst = max(worst, abs(one.overall.value - overall), abs(one.average.value - average))
    return worst


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=BESIDE)
@click.option(
    "--language-model", type=click.Path(path_type=Path), help="A fastText model, such as lid.176.bin."
)
def main(folder: Path, language_model: Path | None) -> None:
    """Print a table of all stored files, and the figures as JSON on the last line."""
    if folder == BESIDE and not folder.is_dir():
        click.echo(json.dumps({"skipped": f"no checkout {BESIDE.name} beside this one; name its folder"}))
        return
    told = detector(language_model)
    start = time.perf_counter()
    found = reread(folder, told)
    took = time.perf_counter() - start
    table = Table(*HEADINGS, box=None, header_style="bold")
    for row in lines(found):
        table.add_row(*row)
    Console(width=200).print(table)
    said: dict[str, Any] = {
        **figures(found),
        "detector": told.name,
        "max_difference_to_pandas": differences(folder, found),
        "judgments_per_s": round(sum(one.rows for one in found) / took),
    }
    click.echo(json.dumps(said))


if __name__ == "__main__":
    main()
