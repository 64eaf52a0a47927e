"""``kanagura eval compare A B``: which model is better, and how sure that is."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datacards.cli import store_option
from datacards.errors import UserError
from datacards.store import Store

if TYPE_CHECKING:
    from eval.compare.paired import Comparison


@click.command("compare")
@click.argument("evaluations", nargs=-1, required=True, metavar="EVALUATION EVALUATION ...")
@click.option(
    "--baseline", default="", help="The model that the others are compared with; by default the last."
)
@click.option("--all-pairs", is_flag=True, help="Compare every model with every other one.")
@click.option(
    "--margin",
    "margins",
    multiple=True,
    metavar="[TASK=]NUMBER",
    help="A difference that does not matter, set before the scores were seen; may be given several times.",
)
@click.option(
    "--common", is_flag=True, help="Compare the items that both were asked, where not all are the same."
)
@click.option("--groups", is_flag=True, help="Show the parts of tasks as well.")
@click.option("--language", type=click.Choice(["en", "ja"]), default="en", help="Of the sentences.")
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write all figures to this file.")
@store_option
def command(
    evaluations: Sequence[str],
    baseline: str,
    margins: Sequence[str],
    language: Literal["en", "ja"],
    target: Path | None,
    *,
    root: str,
    all_pairs: bool,
    common: bool,
    groups: bool,
) -> None:
    """Compare models on the questions that both were asked: paired, by shared texts, every test counted."""
    from eval.compare.many import compare_many
    from eval.compare.sentences import sentence_of
    from eval.compare.versions import named, outcomes_of

    store = Store(root)
    outcomes = outcomes_of(store, evaluations)
    found = compare_many(
        outcomes,
        baseline=named(store, baseline, outcomes) if baseline else "",
        all_pairs=all_pairs,
        margins=_margins(margins),
        common=common,
    )
    console = Console()
    if not console.is_terminal:
        console = Console(width=1000)
    shown = [*found.tasks, *(found.groups if groups else ()), *found.suites]
    console.print(table_of(shown))
    for one in shown:
        console.print(escape(sentence_of(one, language)), soft_wrap=True, highlight=False)
    for told in dict.fromkeys(
        [*(f"{one.task}: {one.note}" for one in found.tasks if one.note), *found.left_out]
    ):
        console.print(escape(told), soft_wrap=True, highlight=False, style="dim")
    if target:
        target.write_text(json.dumps(asdict(found), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def table_of(comparisons: Sequence["Comparison"]) -> Table:
    """Return one row a comparison."""
    from eval.compare.sentences import number, p_value

    table = Table(
        "task",
        "model",
        "against",
        "A",
        "B",
        "A - B",
        "95 % interval",
        "p",
        "80 % power",
        "verdict",
        box=None,
        header_style="bold",
    )
    for column in table.columns[3:9]:
        column.justify = "right"
    for one in comparisons:
        interval = (
            ""
            if one.low is None or one.high is None
            else f"{number(one.low, one.a)} {number(one.high, one.a)}"
        )
        table.add_row(
            escape(f"{one.task} {one.group}".strip()), *map(escape, one.names), number(one.a, one.b),
            number(one.b, one.a), number(one.difference, one.a), interval, p_value(one.p_adjusted)[2:].lstrip("= "),
            "" if one.mde is None else number(one.mde, one.a), one.verdict,
        )  # fmt: skip
    return table


def _margins(words: Sequence[str]) -> dict[str, float]:
    found = {}
    for word in words:
        task, _, number = word.rpartition("=")
        try:
            found[task] = float(number)
        except ValueError:
            raise UserError(
                "--margin", f"'{word}'", "NUMBER or TASK=NUMBER", "such as: --margin jnli=0.02"
            ) from None
    return found
