"""``kanagura eval published``: the published results of the financial benchmark, aggregated again."""

import sys
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table


@click.command("published")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--model", "models", multiple=True, help="Show these models alone, under every prompt.")
def command(folder: Path, models: tuple[str, ...]) -> None:
    """Aggregate the published results in FOLDER, a checkout of the benchmark, and hold them against its leaderboard.

    A checkout of pfmt-bench-fin-ja has its stored judgments read again. The status is 1 where a figure differs from the
    printed one, or a judgment from the stored one.
    """
    from datacards.cli import wide
    from eval.chat.languages import ByScript
    from eval.published import pfmt
    from eval.published.leaderboard import differences, leaderboard, printed, unprinted
    from eval.published.pfmt_told import show
    from eval.published.results import TASKS, read, standard_errors, whole

    console = wide()
    if pfmt.is_here(folder):
        sys.exit(0 if show(console, pfmt.reread(folder, ByScript()), models) else 1)
    results = read(folder)
    table = Table("model", "mean", *TASKS, "prompt", box=None, header_style="bold")
    for column in range(1, len(TASKS) + 2):
        table.columns[column].justify = "right"
    ours = leaderboard(results, whole(folder))
    if models:
        for one in results:
            if one.model in models:
                cells = (f"{100 * one.headline(task):.2f}" for task in TASKS)
                table.add_row(escape(one.model), f"{100 * one.mean:.2f}", *cells, escape(one.version))
    else:
        for row in ours:
            table.add_row(escape(row.model), row.mean, *row.figures, escape(row.prompt))
    console.print(table)
    count, worst = standard_errors(results)
    console.print(f"{count:,} standard errors, at most {worst:.1e} from ours")
    readme = folder / "README.md"
    if not readme.is_file():
        return
    theirs = printed(readme.read_text(encoding="utf-8"))
    told = differences(ours, theirs)
    console.print(f"{len(theirs):,} printed rows, {len(told):,} differ from ours")
    for line in told:
        console.print(escape(line), soft_wrap=True)
    for model in unprinted(ours, theirs):
        console.print(f"{escape(model)}: has results, and no printed row", soft_wrap=True)
    if told:
        sys.exit(1)
