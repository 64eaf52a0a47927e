"""``kanagura eval contamination EVALUATION``: scores with and without the items that a model may have read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape
from rich.table import Table

from datacards.cli import store_option
from datacards.errors import from_os_error
from datacards.store import Store
from eval.terminal import remarks, screen

if TYPE_CHECKING:
    from eval.compare.clean import Gap, Part
    from eval.contamination.split import Split

_HEADINGS = (
    "task",
    "metric",
    "items",
    "text",
    "label",
    "all",
    "clean",
    "dirty",
    "dirty - clean",
    "95 % interval",
)


@click.command("contamination")
@click.argument("evaluations", nargs=-1, required=True, metavar="EVALUATION ...")
@click.option(
    "--json",
    "target",
    type=click.Path(path_type=Path),
    help="Write all figures, and the level of every item, to this file.",
)
@store_option
def command(evaluations: Sequence[str], target: Path | None, *, root: str) -> None:
    """Tell the scores of models on the items that none of their corpora shows, and on those that one does.

    Of each item `text` says that a corpus shows it, `label` that its answer stands beside it. What a corpus shows it
    says itself: it was held against the tests when it was built.
    """
    from eval.contamination.sentences import sentence_of
    from eval.contamination.split import splits

    store, found, console = Store(root), {}, screen()
    for text in dict.fromkeys(evaluations):
        ref = store.verified(text, "evaluation")
        found[str(ref)] = splits(store, ref)
        console.print(f"[bold]{escape(str(ref))}[/]")
        console.print(table_of(found[str(ref)]))
        remarks(
            console,
            [(task, sentence_of(one).removeprefix(f"{task}: ")) for task, one in found[str(ref)].items()],
        )
    if target:
        told = {ref: {task: told_of(one) for task, one in tasks.items()} for ref, tasks in found.items()}
        try:
            target.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise from_os_error(error, "--json") from error


def told_of(split: "Split") -> dict[str, Any]:
    """Return what a split says, as JSON may hold it."""
    told = asdict(split)
    told["exposure"]["levels"] = dict(sorted(split.exposure.levels.items()))
    return told | {"inflated": split.inflated}


def table_of(splits: Mapping[str, "Split"]) -> Table:
    """Return a row for each task: how many items of which level, and the scores with their standard errors."""
    table = Table(*_HEADINGS, box=None, header_style="bold")
    for column in table.columns[2:]:
        column.justify = "right"
    for task, one in splits.items():
        counts = [f"{part.n:,}" if part else "?" for part in (one.text, one.label)]
        table.add_row(
            escape(task), escape(one.metric), f"{one.all.n:,}", *counts, _score(one.all), _score(one.clean),
            _score(one.dirty), *_gap(one.gap),
        )  # fmt: skip
    return table


def _score(part: "Part | None") -> str:
    if part is None or part.value is None:
        return ""
    return f"{part.value:.4f}" + ("" if part.interval.stderr is None else f" ± {part.interval.stderr:.4f}")


def _gap(gap: "Gap | None") -> tuple[str, str]:
    if gap is None:
        return "", ""
    told = f"{gap.value:+.4f}" + ("" if gap.stderr is None else f" ± {gap.stderr:.4f}")
    return told, "" if gap.low is None or gap.high is None else f"{gap.low:+.4f} {gap.high:+.4f}"
