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
from datacards.errors import UserError
from datacards.store import Store

if TYPE_CHECKING:
    from eval.compare.many import Compared
    from eval.compare.outcome import Outcome
    from eval.compare.paired import Comparison
    from eval.contamination.split import Shown


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
    against = named(store, baseline, outcomes) if baseline else ""
    by_task = _margins(margins, {name for tasks in outcomes.values() for name in tasks})
    console = Console()
    if not console.is_terminal:
        console = Console(width=1000)

    def compared(of: Mapping[str, Mapping[str, "Outcome"]]) -> Compared:
        found = compare_many(of, baseline=against, all_pairs=all_pairs, margins=by_task, common=common)
        _print(console, found, groups=groups, language=language)
        return found

    for model, tasks in over.items():
        for one in tasks.values():
            _say(console, f"{model} on {one.task}: {one.metric} {one.mean:.4f} on average over {len(one.values)} prompts, "
                 f"from {one.low:.4f} to {one.high:.4f}")  # fmt: skip
    told = {
        "all": asdict(compared(outcomes)),
        "prompts": {m: {t: asdict(p) for t, p in ts.items()} for m, ts in over.items()},
    }
    if clean_only:
        from eval.contamination.split import shown

        told |= _without(
            console,
            outcomes,
            shown(store, [store.resolve(text) for text in dict.fromkeys(evaluations)]),
            compared,
        )
    if target:
        target.write_text(
            json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8"
        )


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
        _say(console, note)
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
            _say(console, sentence_of(model, part))
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
    _say(console, "Clean items only:")
    return told | {"clean": asdict(compared(clean))}


def _print(console: Console, found: "Compared", *, groups: bool, language: Literal["en", "ja"]) -> None:
    from eval.compare.sentences import sentence_of

    shown = [*found.tasks, *(found.groups if groups else ()), *found.suites]
    console.print(table_of(shown))
    for one in shown:
        _say(console, sentence_of(one, language))
    for told in dict.fromkeys(
        [*(f"{one.task}: {one.note}" for one in found.tasks if one.note), *found.left_out]
    ):
        _say(console, told)


def _say(console: Console, text: str) -> None:
    console.print(escape(text), soft_wrap=True, highlight=False)


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


def _margins(words: Sequence[str], tasks: Collection[str]) -> dict[str, float]:
    """Return the margins by task; one for no task at all would be taken for a test that was not made."""
    found = {}
    for word in words:
        task, _, number = word.rpartition("=")
        if task and task not in tasks:
            raise UserError(
                "--margin", f"no task '{task}' is compared", f"one of: {', '.join(sorted(tasks))}"
            )
        try:
            found[task] = float(number)
        except ValueError:
            raise UserError(
                "--margin", f"'{word}'", "NUMBER or TASK=NUMBER", "such as: --margin jnli=0.02"
            ) from None
    return found
