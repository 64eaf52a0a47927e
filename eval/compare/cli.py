"""``kanagura eval compare A B``: which model is better, and how sure that is."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datacards.cli import store_option
from datacards.errors import UserError, from_os_error
from datacards.store import Store
from eval.terminal import remarks, say, screen

if TYPE_CHECKING:
    from eval.compare.many import Compared
    from eval.compare.outcome import Outcome
    from eval.compare.paired import Comparison
    from eval.contamination.split import Shown

LEGEND = (
    "p allows for all tests that were made. 80 % power: the difference that these items would show four times in five. "
    "↓: less is better."
)


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
@click.option(
    "--prompts", is_flag=True, help="Take versions of one model as prompts of one task: mean and range."
)
@click.option(
    "--clean",
    "clean_only",
    is_flag=True,
    help="Tell the figures without the items that a corpus of any of the models shows as well.",
)
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
    prompts: bool,
    clean_only: bool,
) -> None:
    """Compare models on the questions that both were asked: paired, by shared texts, every test counted."""
    from eval.compare.many import Compared, compare_many
    from eval.compare.versions import named, outcomes_of, prompts_of

    store = Store(root)
    outcomes, over = prompts_of(store, evaluations) if prompts else (outcomes_of(store, evaluations), {})
    if prompts and not any(over.values()):
        raise UserError(
            "--prompts", "no model was asked in two ways", "versions of one model that differ in the prompt",
            "make them with: kanagura eval RECIPE --model NAME@VERSION --prompt all",
        )  # fmt: skip
    against = named(store, baseline, outcomes) if baseline else ""
    by_task = _margins(margins, {name for tasks in outcomes.values() for name in tasks})
    console = screen()

    def compared(of: Mapping[str, Mapping[str, "Outcome"]]) -> Compared:
        found = compare_many(of, baseline=against, all_pairs=all_pairs, margins=by_task, common=common)
        _print(console, found, groups=groups, language=language)
        return found

    for model, tasks in over.items():
        for one in tasks.values():
            say(console, f"{model} on {one.task}: {one.told}")
    told: dict[str, Any] = {"prompts": {m: {t: asdict(p) for t, p in ts.items()} for m, ts in over.items()}}
    if len(outcomes) > 1 or not prompts:  # the prompts of a single model are worth telling by themselves
        told["all"] = asdict(compared(outcomes))
    if clean_only:
        from eval.contamination.split import shown

        told |= _without(
            console,
            outcomes,
            shown(store, [store.resolve(text) for text in dict.fromkeys(evaluations)]),
            compared,
        )
    if target:
        try:
            target.write_text(
                json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8"
            )
        except OSError as error:
            raise from_os_error(error, "--json") from error


def _without(
    console: Console,
    outcomes: Mapping[str, Mapping[str, "Outcome"]],
    found: "Shown",
    compared: Callable[[Mapping[str, Mapping[str, "Outcome"]]], "Compared"],
) -> dict[str, Any]:
    """Tell the figures without the items that were found, and compare them, where tasks with such items are left."""
    from eval.compare.clean import sentence_of, split
    from eval.compare.outcome import restricted

    for note in found.told:
        say(console, note)
    able = {
        model: {name: one for name, one in tasks.items() if name not in found.left_out}
        for model, tasks in outcomes.items()
    }
    splits = {
        model: [split(one, found.ids.get(name, frozenset())) for name, one in tasks.items()]
        for model, tasks in able.items()
    }
    for model, several in splits.items():
        for part in several:
            say(console, sentence_of(model, part))
    clean = {
        model: {
            name: kept for name, one in tasks.items()
            if (kept := restricted(one, set(one.ids) - found.ids.get(name, frozenset()))).n
        }
        for model, tasks in able.items()
    }  # fmt: skip
    told = {"seen": {model: [asdict(one) for one in several] for model, several in splits.items()}}
    if not any(clean.values()):
        return told
    say(console, "Clean items only:")
    return told | {"clean": asdict(compared(clean))}


def _print(console: Console, found: "Compared", *, groups: bool, language: Literal["en", "ja"]) -> None:
    """Print a table for each pair of models, and below it a sentence for each task and each mean."""
    from eval.compare.sentences import sentence_of

    shown = [*found.tasks, *found.suites]
    for pair in dict.fromkeys(one.names for one in shown):
        whole = [one for one in shown if one.names == pair]
        parts = [one for one in found.groups if groups and one.names == pair]
        console.print(
            f"[bold]{escape(pair[0])}[/] (A) against [bold]{escape(pair[1])}[/] (B)", highlight=False
        )
        console.print(table_of([*whole, *parts]))
        for one in whole:
            say(console, sentence_of(one, language))
        console.print()
    console.print(LEGEND, style="dim", highlight=False, soft_wrap=True)
    remarks(console, [(one.task, one.note) for one in found.tasks])
    for told in found.left_out:
        say(console, told)


def table_of(comparisons: Sequence["Comparison"]) -> Table:
    """Return one row a comparison of the same two models; an arrow marks a figure of which less is better."""
    from eval.compare.sentences import about, number, p_value

    table = Table(
        "task",
        "figure",
        "A",
        "B",
        "A - B",
        "95 % interval",
        "p",
        "80 % power",
        "A is",
        box=None,
        header_style="bold",
    )
    for column in table.columns[2:8]:
        column.justify = "right"
    for one in comparisons:
        interval = (
            ""
            if one.low is None or one.high is None
            else f"{number(one.low, one.a)} to {number(one.high, one.a)}"
        )
        table.add_row(
            escape(about(one)), escape(one.metric) + ("" if one.higher_is_better else " ↓"),
            number(one.a, one.b), number(one.b, one.a), number(one.difference, one.a), interval,
            p_value(one.p_adjusted)[2:].lstrip("= "), "" if one.mde is None else number(one.mde, one.a), one.verdict,
        )  # fmt: skip
    return table


def _margins(words: Sequence[str], tasks: Collection[str]) -> dict[str, float]:
    """Return the margins by task; one for no task at all would be taken for a test that was not made."""
    found = {}
    for word in words:
        task, _, number = word.rpartition("=")
        try:
            found[task] = float(number)
        except ValueError:
            raise UserError(
                "--margin", f"'{word}'", "NUMBER or TASK=NUMBER", "such as: --margin jnli=0.02"
            ) from None
        if task and task not in tasks:
            raise UserError(
                "--margin", f"'{task}' was not asked", f"one of: {', '.join(sorted(tasks))}", "correct it"
            )
    return found
