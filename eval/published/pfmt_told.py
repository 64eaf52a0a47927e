"""Tells what came of reading the stored judgments of pfmt-bench-fin-ja again: a line per file, and figures of all."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eval.published.pfmt import Reread

HEADINGS = ("judge", "model", "rows", "differ", "overall", "± s.e.", "printed", "failures as 0", "left out", "wrong language (pass as a whole)")  # fmt: skip


def show(console: Console, found: Sequence[Reread], models: Sequence[str] = ()) -> bool:
    """Print a line per stored file (of ``models`` alone, if any are named) and the counts of all; say whether all is equal."""
    table = Table(*HEADINGS, box=None, header_style="bold")
    for one, row in zip(found, lines(found), strict=True):
        if not models or one.model in models:
            table.add_row(*map(escape, row))
    console.print(table)
    told = figures(found)
    differ = int(told["scores_differ"] or 0) + int(told["prompts_differ"] or 0)
    missed = int(told["printed"] or 0) - int(told["printed_met"] or 0)
    console.print(f"{told['judgments']:,} stored judgments, {differ:,} differ from ours")
    console.print(f"{told['printed']} printed overall values, {missed} differ from ours")
    return not differ and not missed


def lines(found: Sequence[Reread]) -> list[tuple[str, ...]]:
    """Return one row of texts per stored file, under ``HEADINGS``; ``differ`` counts scores and prompts."""
    return [
        (
            one.judge,
            one.model,
            f"{one.rows:,}",
            f"{one.scores_differ + (one.prompts_differ or 0):,}",
            f"{one.overall.value:.4f}",
            "" if one.overall.clustered is None else f"{one.overall.clustered:.4f}",
            "" if one.pictured is None else f"{one.pictured:.2f}",
            f"{one.bounds.low:.4f}",
            f"{one.bounds.high:.4f}",
            _stopped(one),
        )
        for one in found
    ]


def figures(found: Sequence[Reread]) -> Mapping[str, float | int | None]:
    """Return the figures of all files: judgments read, scores and prompts that differ, printed values that are met.

    ``stopped_for_language`` answers scored 0 for their opening, ``regained`` of them pass when all of them is looked at.
    ``gates_agree`` is the share of answers on which the gate by the given detector and the stored one agree, None without.
    """
    printed = [one.as_pictured for one in found if one.as_pictured is not None]
    gates = [one.gates for one in found if one.gates]
    total = sum(map(sum, gates))
    return {
        "judgments": sum(one.rows for one in found),
        "scores_differ": sum(one.scores_differ for one in found),
        "prompts_differ": sum(one.prompts_differ or 0 for one in found),
        "printed": len(printed),
        "printed_met": sum(printed),
        "stopped_for_language": sum(one.failures.get("language", 0) for one in found),
        "regained": sum(one.regained or 0 for one in found),
        "gates_agree": sum(gate[0] + gate[3] for gate in gates) / total if total else None,
    }


def _stopped(one: Reread) -> str:
    stopped = one.failures.get("language", 0)
    return f"{stopped}" if one.regained is None else f"{stopped} ({one.regained})"
