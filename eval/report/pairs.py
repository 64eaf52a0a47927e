"""Every model against the baseline on the same items: differences, verdicts, and what could not have been found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from datacards.errors import UserError
from eval.compare.many import Compared, compare_many
from eval.compare.outcome import Outcome
from eval.compare.paired import Comparison, paired
from eval.compare.sentences import p_value
from eval.report import figures
from eval.report.blocks import Block, Cell, Grid, Lines, Picture, Value, Words
from eval.report.found import Found
from eval.report.slugs import slug

MOST = 48  # rows of a forest plot


@dataclass(frozen=True, slots=True)
class Pairs:
    """All comparisons of a report with the model ``baseline``; ``refused`` says which were not made, and why."""

    baseline: str
    compared: Compared
    refused: tuple[tuple[str, str], ...]  # task, sentence

    def of(self, suite: str) -> list[Comparison]:
        """Return the comparisons of a suite's tasks, its means last, by model."""
        found = [one for one in (*self.compared.tasks, *self.compared.suites) if one.suite == suite]
        models = list(dict.fromkeys(one.names for one in found))
        return sorted(found, key=lambda one: models.index(one.names))

    def parts(self, task: str) -> list[Comparison]:
        """Return the comparisons of the parts of a task."""
        return [one for one in self.compared.groups if one.task == task]


def outcomes_of(found: Found) -> tuple[dict[str, dict[str, Outcome]], list[tuple[str, str]]]:
    """Return what every model found item by item on the tasks that it was asked as the baseline was, by label and task.

    Then the tasks that were asked in another way, each with a sentence.
    """
    base = found.columns[found.baseline]
    outcomes: dict[str, dict[str, Outcome]] = {}
    refused: list[tuple[str, str]] = []
    for column in found.columns:
        own = outcomes.setdefault(column.label, {})
        for task, taken in column.taken.items():
            other = base.taken.get(task)
            if other is None or taken.outcome is None or other.outcome is None or taken.is_example:
                continue
            try:
                paired(taken.outcome, other.outcome, names=(column.label, base.label))
            except UserError as error:
                refused.append((task, error.received))
                continue
            own[task] = taken.outcome
    return {label: own for label, own in outcomes.items() if own}, refused


def against_baseline(found: Found) -> Pairs:
    """Return every other model against the baseline on every task that both were asked alike."""
    label = found.labels[found.baseline]
    known, refused = outcomes_of(found)
    if label not in known or len(known) < 2:
        return Pairs(label, Compared((), (), (), ()), tuple(refused))
    compared = compare_many(known, baseline=label)
    ways = {
        taken.record.suite for taken in found.trails if taken.record.kind == "chat"
    }  # two scores of one test
    suites = tuple(one for one in compared.suites if one.suite not in ways)
    return Pairs(label, replace(compared, suites=suites), tuple(refused))


def trails_of(found: Found, one: Comparison) -> tuple[str, ...]:
    """Return the lineages of both sides of a comparison: of one task, or of all tasks of a suite's mean."""
    sides = [column for name in one.names for column in found.columns if column.label == name]
    return tuple(
        taken.key
        for column in sides
        for task, taken in column.taken.items()
        if task == one.task or (one.method == "sum of tasks" and taken.record.suite == one.suite)
    )


def paired_blocks(
    found: Found,
    pairs: Pairs,
    comparisons: Sequence[Comparison],
    suite: str,
    part_of: str = "",
    *,
    tasks: bool = False,
) -> Iterable[Block]:
    """Yield the table of comparisons, the forest plot and, of whole tasks, a sentence for each that may be quoted.

    ``part_of`` says of which items, or of which task the parts are; ``tasks`` that they are of tasks nevertheless.
    """
    if comparisons:
        yield _table(
            found, pairs, comparisons, suite, part_of, named="task" if tasks or not part_of else "part"
        )
        yield from _forests(pairs, comparisons, suite, part_of)
    if comparisons and not part_of:
        yield Lines("The same in sentences, to be quoted", tuple(one.sentence for one in comparisons))


def refused_blocks(pairs: Pairs, tasks: Iterable[str]) -> Iterable[Words]:
    """Yield why models were not compared on some of ``tasks``."""
    names = set(tasks)
    for task, told in pairs.refused:
        if task in names:
            yield Words(f"No comparison with {pairs.baseline}: {told}.", task, soft=False)


def _table(
    found: Found, pairs: Pairs, comparisons: Sequence[Comparison], suite: str, part_of: str, *, named: str
) -> Grid:
    rows: list[tuple[Value, ...]] = []
    for one in comparisons:
        interval = "" if one.low is None or one.high is None else f"[{one.low:+.3f}, {one.high:+.3f}]"
        error = "" if one.stderr is None else f"± {one.stderr:.3f}"
        size = f"{one.n:,}" + (f" in {one.n_clusters:,} texts" if one.n_clusters < one.n else "")
        rows.append(
            (
                one.group or one.task,
                one.names[0],
                Cell(f"{one.difference:+.4f}", f"{error} {interval}".strip(), trails_of(found, one)),
                p_value(one.p_adjusted).removeprefix("p ").removeprefix("= "),
                _detectable(one),
                Cell(one.verdict, strong=one.verdict != "undecided"),
                _no_loss(one),
                size,
            )
        )
    return Grid(
        key="-".join(filter(None, ("paired", slug(suite), part_of and slug(part_of)))),
        caption=f"{', '.join(filter(None, (suite, part_of))) or 'Tasks of no suite'}: each model against {pairs.baseline} on the same items",
        head=(
            named, "model", "difference", "p, adjusted", "found with 80 % power", "verdict",
            "loss ruled out", "items",
        ),
        rows=tuple(rows), numbers=(2, 3, 4, 7), folded=bool(part_of) and len(rows) > 15,
    )  # fmt: skip


def _detectable(one: Comparison) -> str:
    if one.mde is None:
        return ""
    return "none" if _share(one) and one.mde > 1 else f"{one.mde:.3f}"


def _share(one: Comparison) -> bool:
    """Say whether a figure is a share, of which more is better: those are drawn on one scale."""
    return one.higher_is_better and max(abs(one.a), abs(one.b)) <= 1


def _no_loss(one: Comparison) -> str:
    if one.margin is None or one.no_loss is None:
        return ""
    return f"{'yes' if one.no_loss else 'no'}, of {one.margin:g}"


def _forests(pairs: Pairs, comparisons: Sequence[Comparison], suite: str, part_of: str) -> Iterable[Picture]:
    """Yield the forest plot of shares, and one of its own for each figure of another size."""
    scales: dict[str, list[Comparison]] = {}
    for one in comparisons:
        if one.low is None or one.high is None:
            continue  # a single text tells no interval
        scales.setdefault("" if _share(one) else one.metric, []).append(one)
    label = pairs.baseline
    for scale, members in scales.items():
        if len(members) > MOST:
            continue  # the table is easier to read
        rows = [(f"{one.group or one.task}, {one.names[0]}", _span(one), one.verdict) for one in members]
        key = "-".join(
            filter(None, ("forest", slug(suite), part_of and slug(part_of), scale and slug(scale)))
        )
        of = f" in {scale}" if scale else ""
        yield Picture(
            key, f"Differences from {label}{of} with their 95 % intervals; gray ones are undecided once all tests are counted.",
            f"paired differences from {label}{of} {part_of or suite}; the table above has the numbers",
            figures.forest(rows, x=f"difference from {label}"),
        )  # fmt: skip


def _span(one: Comparison) -> figures.Span:
    low = one.difference if one.low is None else one.low
    high = one.difference if one.high is None else one.high
    return one.difference, low, high
