"""Corruption test: how many wrong items about filings the checks refuse, and how many true ones they let pass.

``python -m bench.grounding [ZIP ...] [--items 1000] [--seed 0] [--show N]`` takes EDINET packages (type 1, flat or in
folders), bare ``.xbrl`` instances and folders of them; without any it makes packages of the sample companies. Other
files give no documents and are named.

A true item asks or states what a tagged fact or a sentence says, in other words: units re-expressed, full width, era
years, 約, differences and growth rates. Its wrong twin differs in one number, date, unit, company or period, and is left
out where the filing makes that true, too. Both are judged by ``rephrase.validate.verdict``.

``caught``, ``false_alarms``
    Share of the wrong twins that are refused, and of the true items that are refused.
``naive_caught``, ``naive_false_alarms``
    The same for the plain rule that every number by value stands in the passage (``bench.peers.number_values``).
``ms``, ``ratio_naive``
    Milliseconds of CPU for one judgement, and the time of the plain rule to it.
"""

import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.measures.packages import documents, inside
from bench.measures.parts import KINDS
from bench.measures.trial import Pair, pairs
from bench.number_fidelity import make
from bench.peers.number_values import refuses
from corpus.document import Document, Drop
from rephrase.candidate import Candidate
from rephrase.validate import verdict

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair with the reasons against both, "" for none, and what the plain rule says."""

    pair: Pair
    true: Drop | None
    wrong: Drop | None
    naive_true: bool
    naive_wrong: bool


def judge(found: Sequence[Pair]) -> tuple[list[Judged], float, float]:
    """Return the pairs with their verdicts, and the CPU milliseconds of one judgement, ours and the plain rule's."""
    candidates = [one for pair in found for one in (pair.true.candidate, pair.wrong.item.candidate)]
    ours, our_ms = _timed(verdict, candidates)
    naive, naive_ms = _timed(refuses, candidates)
    judged = [
        Judged(pair, ours[2 * n], ours[2 * n + 1], naive[2 * n], naive[2 * n + 1])
        for n, pair in enumerate(found)
    ]
    return judged, our_ms, naive_ms


def _timed(rule: Callable[[Candidate], T], candidates: Sequence[Candidate]) -> tuple[list[T], float]:
    start = time.process_time()
    found = [rule(candidate) for candidate in candidates]
    return found, (time.process_time() - start) * 1000 / max(len(candidates), 1)


def figures(judged: Sequence[Judged], ms: float, naive_ms: float) -> dict[str, object]:
    """Return the figures of a run by name."""
    total = len(judged)

    def share(found: Iterable[bool], of: int = total) -> float | None:
        return round(sum(found) / of, 4) if of else None

    kinds = {kind: [one for one in judged if one.pair.wrong.kind == kind] for kind in KINDS}
    return {
        "items": len(judged),
        "caught": share(bool(one.wrong) for one in judged),
        "false_alarms": share(bool(one.true) for one in judged),
        **{f"caught_{kind}": share((bool(one.wrong) for one in of), len(of)) for kind, of in kinds.items()},
        "naive_caught": share(one.naive_wrong for one in judged),
        "naive_false_alarms": share(one.naive_true for one in judged),
        "ms": round(ms, 3),
        "naive_ms": round(naive_ms, 3),
        "ratio_naive": round(naive_ms / ms, 3) if ms else None,
    }


def _tables(judged: Sequence[Judged]) -> Iterable[Table]:
    for title, name in (
        ("kind", lambda one: one.pair.wrong.kind),
        ("way", lambda one: f"{one.pair.wrong.kind}: {one.pair.wrong.way}"),
        ("form", lambda one: one.pair.true.form),
        ("document", lambda one: one.pair.true.chunk.document.title),
    ):
        table = Table(
            title,
            "items",
            "caught",
            "false alarms",
            "reasons",
            "alarm reasons",
            box=None,
            header_style="bold",
        )
        for group in sorted({name(one) for one in judged}):
            of = [one for one in judged if name(one) == group]
            caught = Counter(one.wrong.reason for one in of if one.wrong)
            alarms = Counter(one.true.reason for one in of if one.true)
            table.add_row(
                escape(group), str(len(of)), f"{sum(caught.values()) / len(of):.1%}", f"{sum(alarms.values()) / len(of):.1%}",
                ", ".join(f"{reason} {n}" for reason, n in caught.most_common(4)),
                ", ".join(f"{reason} {n}" for reason, n in alarms.most_common(4)),
            )  # fmt: skip
        yield table


def _shown(one: Judged, *, alarm: bool) -> str:
    item = one.pair.true
    words = [
        f"Q: {item.candidate.question}" if item.question else f"({item.style})",
        f"A: {item.candidate.answer}",
    ]
    said = one.true if alarm else None
    head = (
        f"false alarm [{item.form}] {said.reason}: {said.detail}"
        if said
        else (
            f"missed [{item.form}] {one.pair.wrong.kind}/{one.pair.wrong.way}: {one.pair.wrong.before} -> {one.pair.wrong.after}"
        )
    )
    if item.wrong:
        words.append(f"X: {' / '.join(item.wrong)}")
    proof = "; ".join(f"{fact.label} {fact.period} {fact.value}" for fact in item.facts)
    place = item.chunk
    return "\n".join([
        head, *words, f"facts: {proof}", f"{place.document.title} {place.span.start}-{place.span.end}",
        f"context: {place.context}", f"passage: {place.passage}", "",
    ])  # fmt: skip


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--items", "count", type=click.IntRange(min=1), default=1000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--show", type=click.IntRange(min=0), default=0, help="Print so many misses and false alarms.")
def main(files: tuple[Path, ...], count: int, seed: int, show: int) -> None:
    """Measure and print tables; the last line is one JSON object."""
    with tempfile.TemporaryDirectory() as name:
        inputs = [one for path in files for one in inside(path)] if files else make(Path(name))
        if not inputs:
            raise click.UsageError(f"no .zip or .xbrl file in {', '.join(map(str, files))}")
        read = list(documents(inputs))
    for path, one in read:
        if isinstance(one, Drop):
            click.echo(f"{path.name}: {one.reason} {one.detail}")
    found = list(pairs([one for _, one in read if isinstance(one, Document)], count, seed))
    judged, ms, naive_ms = judge(found)
    console = Console(width=200)
    for table in _tables(judged):
        console.print(table)
        console.print()
    for alarm in (True, False):
        wanted = [one for one in judged if (one.true if alarm else not one.wrong)]
        for shown in wanted[:show]:
            click.echo(_shown(shown, alarm=alarm))
    click.echo(json.dumps({"seed": seed, **figures(judged, ms, naive_ms)}, ensure_ascii=False))


if __name__ == "__main__":
    main()
